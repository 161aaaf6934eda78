"""How trainings at a service are shown to a person."""

from __future__ import annotations

from assistant.hosted_views import HostedJobs, HostedPlan, HostedResult, HostedStatus, TunedModels
from assistant.render import render
from assistant.render_made import shown
from assistant.render_runs import figure, when
from assistant.screen import Screen, Text, bold, dim, duration, red
from assistant.terminal.chart import chart

_CHART = 72, 9
"""Columns and lines at most."""


@render.register
def _(result: HostedResult, screen: Screen) -> None:
    columns = min(_CHART[0], screen.size().columns - 1)
    drawn = chart({"loss": result.losses, "validation": result.eval_losses}, columns, _CHART[1])
    if drawn and len(result.losses) > 1:
        screen.out(drawn, end="\n\n")
    if not result.model:
        _under_way(result, screen)
        return
    screen.out(
        bold("[OK] The model was trained before: " if result.again else "[OK] Training finished: "), result.model
    )
    rows: list[tuple[Text, str]] = [
        (bold("model"), result.model),
        (bold("base"), result.base),
        (bold("service"), result.url),
        (bold("job"), result.job),
        (bold("run"), f"{result.run}, {shown(result.folder)}"),
    ]
    if result.trained_tokens is not None:
        rows.append((bold("trained tokens"), f"{result.trained_tokens:,}"))
    if result.seconds is not None:
        rows.append((bold("duration"), duration(result.seconds)))
    names = ("train_loss", "eval_loss", "mean_token_accuracy", "preference_accuracy", "epochs")
    rows += [(bold(name), figure(value)) for name in names if (value := result.metrics.get(name)) is not None]
    screen.hanging(rows)
    screen.out(dim(f"Ask it: dyag chat --finetuned-model {result.model}"))
    screen.out(dim(f"`dyag promote {result.run}` lets it answer in the modes finetuned and hybrid."))


def _under_way(result: HostedResult, screen: Screen) -> None:
    screen.out(bold(result.job), f" at {result.url}: {result.status}. The run is {result.run}.")
    screen.out(f"Wait for it: dyag finetune --status {result.job} --wait")
    screen.out(dim(f"Stop it there: dyag finetune --cancel {result.job}"))


@render.register
def _(result: HostedPlan, screen: Screen) -> None:
    for line in result.lines:
        screen.prose(line)


@render.register
def _(result: HostedJobs, screen: Screen) -> None:
    if not result.jobs:
        screen.note(f"{result.url} has no training.")
        return
    rows = [
        (bold(job.id), _status(job.status), job.base, job.model, when(job.created), job.run or job.error)
        for job in result.jobs
    ]
    screen.table(("job", "status", "base", "model", "begun", "run"), rows, ("job", "status", "model"))


@render.register
def _(result: HostedStatus, screen: Screen) -> None:
    job = result.job
    screen.out(bold(job.id), "  ", _status(job.status))
    rows = {
        "base": job.base,
        "model": job.model,
        "begun": when(job.created),
        "trained tokens": "" if job.tokens is None else f"{job.tokens:,}",
        "run": job.run,
        "service": result.url,
        "error": job.error,
    }
    screen.hanging([(bold(name), text) for name, text in rows.items() if text])
    for event in result.events:
        screen.out(dim(event))
    if result.hint:
        screen.note(result.hint)


@render.register
def _(result: TunedModels, screen: Screen) -> None:
    if not result.models:
        screen.note(f"{result.url} has no model that was trained.")
        return
    rows = [("*" if m.promoted else "", bold(m.name), m.base, m.job, m.run) for m in result.models]
    screen.table(("", "model", "base", "job", "run"), rows, ("model", "job"))


def _status(status: str) -> Text:
    return red(status) if status in ("failed", "cancelled") else status
