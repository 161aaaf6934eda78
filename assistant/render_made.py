"""How a dataset that was made is shown to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.commands.gen_dataset import DatasetFile, DatasetResult
from assistant.render import render
from assistant.render_datasets import show_report
from assistant.screen import Screen, Text, bold, dim

_REASONS = 8
"""Reasons for drops that are shown."""


_ABOUT = {"test": "documents nobody trained on", "test_seen": "documents that train, asked otherwise"}


@render.register
def _(result: DatasetResult, screen: Screen) -> None:
    rows = [_file(result, file) for file in result.files]
    screen.table(
        ("", "rows", "tokens", "at most", ""), [*rows, (shown(result.manifest), "", "", "", dim("what they are"))]
    )
    screen.out()
    screen.hanging([*_counts(result.counts), *_drops(result), *_leaks(result.leaks)])
    if result.verbose and result.drop_examples:
        screen.out()
        screen.hanging(_dropped(result))
    for report in result.checked:
        screen.out()
        show_report(report, screen)
    for note in result.notes:
        screen.remark(note)


def shown(path: Path) -> str:
    """A path as it is short: relative to the current folder where it lies inside."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else str(path)


def _file(result: DatasetResult, file: DatasetFile) -> tuple[Text, ...]:
    tokens = result.tokens.get(file.split) or {}
    middle, most = (f"{tokens[name]:,}" if tokens else "" for name in ("median", "max"))
    return bold(shown(file.path)), f"{file.rows:,}", middle, most, dim(_ABOUT.get(file.split, ""))


def _counts(counts: Mapping[str, Any]) -> list[tuple[Text, str]]:
    """Types and languages of all files together."""
    types, languages = Counter[str](), Counter[str]()
    for split in counts.values():
        types.update(split["type"])
        languages.update(split["lang"])
    named = [("types", types.most_common()), ("languages", sorted(languages.items()))]
    return [(bold(name), ", ".join(f"{kind} {count}" for kind, count in found)) for name, found in named]


def _drops(result: DatasetResult) -> list[tuple[Text, str]]:
    said = "; ".join(f"{count} {reason}" for reason, count in _by_count(result)[:_REASONS])
    return [(bold("dropped"), said)] if said else []


def _dropped(result: DatasetResult) -> list[tuple[Text, str]]:
    """Some of what was dropped, by reason."""
    return [
        (dim(reason), " ".join(text.split()))
        for reason, _ in _by_count(result)
        for text in result.drop_examples.get(reason, ())
    ]


def _by_count(result: DatasetResult) -> list[tuple[str, int]]:
    return sorted(result.drops.items(), key=lambda item: -item[1])


def _leaks(leaks: Mapping[str, int]) -> list[tuple[Text, str]]:
    found = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in leaks.items() if count)
    return [
        (bold("leaks"), found or "none: no document, near-duplicate or question of the training file is in another")
    ]
