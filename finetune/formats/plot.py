"""The statistics of a dataset as one picture of four panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune.formats.stats import Stats
from retrieval.errors import BadInput
from retrieval.files import disk_errors

_BLUE, _ORANGE, _GREY = "#3b6ea5", "#d9822b", "#8a8f98"
_BARS = 14
_BINS = 24
_SUFFIXES = (".png", ".svg", ".pdf")


def plot(stats: Stats, title: str, output: Path) -> None:
    """Draw types, words of answers, tokens, and languages with refusals. Raises BadInput, NoAccess, NoSpace."""
    if output.suffix.lower() not in _SUFFIXES:
        raise BadInput(f"{output} names no kind of picture.", f"End it in {', '.join(_SUFFIXES)}.")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6.4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{title}: {stats.rows:,} rows", fontsize=13, parse_math=False)
    (types, answers), (tokens, languages) = figure.subplots(2, 2)
    _bars(types, "Types of questions", dict(list(stats.types.items())[:_BARS]))
    _histogram(answers, "Words of an answer", stats.answer_histogram, stats.answer_words.median)
    _histogram(tokens, "Tokens of a row", stats.token_histogram, stats.row_tokens.median)
    _bars(languages, "Languages and refusals", *_languages(stats))
    with disk_errors(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(output, metadata={"Software": None} if output.suffix.lower() == ".png" else None)


def _languages(stats: Stats) -> tuple[Mapping[str, int], Sequence[str]]:
    """The commonest languages, then refusals; and the colour of each bar."""
    shown = dict(list(stats.languages.items())[: _BARS - 1])
    return {**shown, "refusals": stats.rows - stats.answerable}, [_BLUE] * len(shown) + [_ORANGE]


def _bars(axes: Any, title: str, counts: Mapping[str, int], colors: Sequence[str] = (_BLUE,)) -> None:
    """Horizontal bars, the first on top, each with its count."""
    names, values = list(counts), list(counts.values())
    drawn = axes.barh(range(len(names)), values, color=list(colors) * (len(names) if len(colors) == 1 else 1))
    axes.set_yticks(range(len(names)), [name[:28] for name in names], parse_math=False)
    axes.bar_label(drawn, labels=[f"{value:,}" for value in values], padding=3, fontsize=8, color=_GREY)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xticks([])
    _plain(axes, title)


def _histogram(axes: Any, title: str, histogram: Mapping[int, int], median: int) -> None:
    if histogram:
        high = max(histogram)
        bins = range(0, high + 2, max(1, -(-(high + 1) // _BINS)))
        axes.hist(list(histogram), bins=[*bins, bins[-1] + bins.step], weights=list(histogram.values()), color=_BLUE)
        axes.axvline(median, color=_ORANGE, linewidth=1.5, label=f"median {median:,}")
        axes.legend(frameon=False, fontsize=8)
    axes.set_ylabel("rows", fontsize=8)
    _plain(axes, title)


def _plain(axes: Any, title: str) -> None:
    axes.set_title(title, fontsize=10, loc="left")
    axes.tick_params(labelsize=8, length=0)
    axes.spines[["top", "right"]].set_visible(False)
