"""How a training that was checked, or has ended, is shown to a person."""

from __future__ import annotations

from datetime import timedelta

from assistant.commands.train import CheckResult, TrainResult
from assistant.render import render
from assistant.render_made import shown
from assistant.render_runs import figure
from assistant.screen import Screen, Text, bold, dim, duration
from assistant.terminal.chart import chart
from finetune.train.fit import Need
from finetune.train.preflight import Report

_FIGURES = {
    "epochs": "epochs",
    "steps": "steps",
    "train_loss": "train_loss",
    "eval_loss": "eval_loss",
    "mean_token_accuracy": "mean_token_accuracy",
    "preference_accuracy": "preference_accuracy",
    "reward_margin": "reward_margin",
    "samples_per_second": "train_samples_per_second",
    "num_tokens": "num_tokens",
}
"""Figures of a run, and what the summary calls them."""
_CHART = 72, 9
"""Columns and lines at most."""


@render.register
def _(result: TrainResult, screen: Screen) -> None:
    _chart(result, screen)
    finished = result.state == "finished"
    screen.out(bold("[OK] Training finished in " if finished else "Training stopped after "), _clock(result.seconds))
    if result.final:
        screen.out(f"Model saved: {shown(result.final)}")
    for event in result.events:
        screen.out(event)
    screen.out()
    screen.hanging(_summary(result))
    if result.ollama:
        render(result.ollama, screen)
    if result.not_served:
        screen.error("Ollama has no model of it.", result.not_served)
    if finished:
        screen.out(dim(f"`dyag promote {result.run}` lets it answer in the modes finetuned and hybrid."))
    else:
        screen.note(f"What was learnt so far is kept. `{result.resume}` goes on with it.")


@render.register
def _(result: CheckResult, screen: Screen) -> None:
    screen.hanging(_check(result.report))
    for note in result.report.warnings:
        screen.note(note)


def _chart(result: TrainResult, screen: Screen) -> None:
    columns = min(_CHART[0], screen.size().columns - 1)
    drawn = chart({"loss": result.losses, "validation": result.eval_losses}, columns, _CHART[1])
    if drawn and len(result.losses) > 1:
        screen.out(drawn, end="\n\n")


def _summary(result: TrainResult) -> list[tuple[Text, str]]:
    """The figures of a training, by the names that trainers give them."""
    rows: list[tuple[Text, str]] = [(bold("duration"), _clock(result.seconds))]
    if result.final:
        rows.append((bold("output_path"), shown(result.final)))
    rows += [(bold(name), figure(result.metrics[key])) for key, name in _FIGURES.items() if key in result.metrics]
    return [*rows, (bold("base"), result.base), (bold("run"), result.run)]


def _check(report: Report) -> list[tuple[Text, str]]:
    """What a training would do, line by line."""
    left_out = [f"{n} {what}" for n, what in ((report.dropped, "dropped"), (report.truncated, "truncated")) if n]
    lengths, config = report.lengths, report.config
    low, high = report.seconds
    after = f"goes on after step {report.done:,}" if report.done else "begins again: it has no checkpoint"
    goes_on = [("run", f"{report.run}, {after}")] if report.run else []
    left = f", {report.steps - report.done:,} left" if report.run else ""
    rows = [
        *goes_on,
        ("base", f"{report.base}, {report.parameters / 1e6:,.0f} million parameters"),
        ("method", f"{config.method}, {config.tuning}, learning rate {config.learning_rate:g}"),
        ("device", f"{report.device} ({report.device_name}), {config.precision}"),
        ("rows", ", ".join([f"{report.rows:,}", *left_out, f"{report.validation_rows:,} for validation"])),
        *([("validation", shown(report.validation))] if report.validation else []),
        ("tokens of a row", f"median {lengths.median:,}, 95% {lengths.p95:,}, longest {lengths.longest:,}"),
        ("tokens an epoch", f"{report.tokens_per_epoch:,}, {report.padding:.0%} padding on top"),
        ("steps", f"{report.steps:,} of {config.batch_size} rows, {report.epochs:g} epochs{left}"),
        ("time", f"about {duration(low)} to {duration(high)}"),
        ("memory", _need(report.memory)),
        ("disk", _need(report.disk)),
    ]
    if report.labels:
        rows.append(("ratings", ", ".join(f"{count:,} {name}" for name, count in report.labels.items())))
    return [(bold(name), text) for name, text in rows]


def _need(need: Need) -> str:
    return f"about {_size(need.needed)}, {_size(need.free)} free"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _clock(seconds: float) -> str:
    """`0:02:24`."""
    return str(timedelta(seconds=round(seconds)))
