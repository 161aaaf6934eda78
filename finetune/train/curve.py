"""The losses and the learning rate of a training as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from finetune.runs.log import Logged
from retrieval.files import disk_errors

_BLUE, _PALE, _ORANGE, _GREY = "#3b6ea5", "#b9cde3", "#d9822b", "#8a8f98"
_SMOOTH = 0.05
"""Part of the steps that one point of the smooth line is the mean of."""


def draw(logged: Logged, title: str, output: Path) -> None:
    """Training loss (each step, and smoothed), validation loss with its best, learning rate. Raises NoAccess, NoSpace."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    losses.set_title(title, fontsize=11, loc="left", parse_math=False)
    _losses(losses, logged)
    _rates(rates, logged)
    with disk_errors(output):
        figure.savefig(output, metadata={"Software": None})


def _losses(axes: Any, logged: Logged) -> None:
    trained, held = logged.series("loss"), logged.series("eval_loss")
    if trained:
        steps, values = zip(*trained, strict=True)
        axes.plot(steps, values, color=_PALE, linewidth=1, label="training, each step")
        axes.plot(steps, _smooth(values), color=_BLUE, linewidth=1.8, label="training, smoothed")
    if held:
        steps, values = zip(*held, strict=True)
        best = min(range(len(values)), key=values.__getitem__)
        axes.plot(steps, values, color=_ORANGE, linewidth=1.8, marker="o", markersize=4, label="validation")
        label = f"best {values[best]:.3f} at step {steps[best]:.0f}"
        axes.plot(
            steps[best], values[best], "o", markersize=9, markerfacecolor="none", markeredgecolor=_ORANGE, label=label
        )
    if trained or held:
        axes.legend(frameon=False, fontsize=9)
    axes.set_ylabel("loss", fontsize=9)
    _plain(axes)


def _rates(axes: Any, logged: Logged) -> None:
    if rates := logged.series("lr"):
        axes.plot(*zip(*rates, strict=True), color=_GREY, linewidth=1.2)
    axes.set_ylabel("learning rate", fontsize=9)
    axes.set_xlabel("step", fontsize=9)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    _plain(axes)


def _smooth(values: tuple[float, ...]) -> list[float]:
    """The mean of the values around each."""
    reach = max(1, round(len(values) * _SMOOTH))
    near = (values[max(0, i - reach) : i + reach + 1] for i in range(len(values)))
    return [sum(some) / len(some) for some in near]


def _plain(axes: Any) -> None:
    axes.tick_params(labelsize=8, length=0)
    axes.grid(axis="y", color="#e6e8eb", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
