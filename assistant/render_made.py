"""How a dataset that was made is shown to a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.commands.gen_dataset import DatasetResult
from assistant.render import render
from assistant.render_datasets import show_report
from assistant.screen import Screen, bold, dim

_REASONS = 8
"""Reasons for drops that are shown."""


@render.register
def _(result: DatasetResult, screen: Screen) -> None:
    for file in result.files:
        screen.out(bold(str(file.path)), dim(f"  {file.rows:,} rows{_about(result, file.split)}"))
    screen.out(str(result.manifest), dim("  what they are, and what was dropped"))
    screen.out()
    _types(result.counts, screen)
    _drops(result, screen)
    _leaks(result.leaks, screen)
    for report in result.checked:
        screen.out()
        show_report(report, screen)
    for note in result.notes:
        screen.note(note)


def _about(result: DatasetResult, split: str) -> str:
    tokens = result.tokens.get(split) or {}
    middle = f", {tokens['median']:,} tokens in the middle, {tokens['max']:,} at most" if tokens else ""
    return middle + {"test": "; documents nobody trained on", "test_seen": "; documents that train"}.get(split, "")


def _types(counts: Mapping[str, Any], screen: Screen) -> None:
    total: dict[str, int] = {}
    for split in counts.values():
        for kind, count in split["type"].items():
            total[kind] = total.get(kind, 0) + count
    languages: dict[str, int] = {}
    for split in counts.values():
        for language, count in split["lang"].items():
            languages[language] = languages.get(language, 0) + count
    ordered = sorted(total.items(), key=lambda item: -item[1])
    screen.out("types      ", ", ".join(f"{kind} {count}" for kind, count in ordered))
    screen.out("languages  ", ", ".join(f"{language} {count}" for language, count in sorted(languages.items())))


def _drops(result: DatasetResult, screen: Screen) -> None:
    if not result.drops:
        return
    ordered = sorted(result.drops.items(), key=lambda item: -item[1])
    screen.out("dropped    ", "; ".join(f"{count} {reason}" for reason, count in ordered[:_REASONS]))
    if not result.verbose:
        return
    for reason, _ in ordered:
        for text in result.drop_examples.get(reason, ()):
            screen.out(dim(f"  {reason}: "), " ".join(str(text).split()))


def _leaks(leaks: Mapping[str, int], screen: Screen) -> None:
    if any(leaks.values()):
        screen.out(
            bold("leaks      "),
            ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in leaks.items() if count),
        )
    else:
        screen.out("leaks      ", "none: no document, near-duplicate or question of the training file is in another")
