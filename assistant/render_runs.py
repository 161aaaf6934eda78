"""How trainings, promotions and what is made of them are shown to a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from assistant.commands.merge_lora import MergeView
from assistant.commands.promote import PromoteResult
from assistant.commands.query_finetuned import ModelAnswer
from assistant.commands.runs import SERIES, RunDeleted, RunDiff, RunRow, RunsResult, RunView
from assistant.gating import said
from assistant.render import render
from assistant.render_made import shown
from assistant.screen import Screen, Styled, Text, bold, dim, red
from assistant.terminal.chart import chart
from eval.report.figures import NONE, difference_interval, value
from eval.verdict import Check, Verdict, read_verdict

_HEAD = ("", "run", "name", "base", "method", "dataset", "rows", "loss", "eval", "when", "state")
_WHOLE = ("", "run", "method", "loss", "eval", "when", "state")
"""Columns that are never cut: an id is what one types."""
_HASH = 12
"""Characters of a hash."""
_CHART = (72, 10)
"""Columns and lines of the loss."""


@render.register
def _(result: RunsResult, screen: Screen) -> None:
    if not result.runs:
        screen.note("There is no training yet: `dyag train --dataset FILE` makes one.")
        return
    rows = [dict(zip(_HEAD, _cells(row), strict=True)) for row in result.runs]
    head = [name for name in _HEAD if name != "name" or any(row["name"] for row in rows)]
    screen.table(head, [[row[name] for name in head] for row in rows], _WHOLE)
    if any(row.promoted for row in result.runs):
        screen.out(dim("* promoted: it answers in the modes finetuned and hybrid"))


def _cells(row: RunRow) -> tuple[Text | int | float, ...]:
    rows = "" if row.rows is None else f"{row.rows:,}"
    figures = [figure(row.train_loss), figure(row.eval_loss)]
    method = f"{row.method} {row.tuning}".strip()
    mark, state = "*" if row.promoted else "", _state(row.state)
    base = row.base.rpartition("/")[2]  # of a folder, its name
    made = (base, method, row.dataset, rows, *figures, _day(row.created))
    return mark, bold(row.id), called(row), *made, state


def called(row: RunRow) -> str:
    """By what else a run is found: its name, and its folder where that has another than the id."""
    return ", ".join(dict.fromkeys(name for name in (row.name, row.path.name) if name not in ("", row.id)))


def _day(created: str) -> str:
    """Without the year, which the id has."""
    return when(created).removeprefix(f"{created[:4]}-")


def _state(state: str) -> Styled:
    return {"done": dim, "running": bold}.get(state, red)(state)


@render.register
def _(result: RunView, screen: Screen) -> None:
    row = result.run
    names = f" {called(row)}" if called(row) else ""
    screen.out(bold(row.id), names, dim(f"  {row.state}{', promoted' if row.promoted else ''}"))
    if result.problem:
        screen.error(result.problem, "Nothing of it is loaded.")
    if result.manifest is None:
        screen.hanging([(bold(name), _value(value)) for name, value in _asked(result).items()])
    else:
        screen.hanging([(bold(name), _value(value)) for name, value in summary(row, result.manifest).items()])
        screen.out()
        screen.hanging(
            [(dim(name), _value(value)) for name, value in _details(result.manifest, result.options).items()]
        )
        if result.manifest["verdict"]:
            _gate(result.manifest["verdict"], screen)
    for made in result.exports:
        screen.prose(dim(f"exported: {_exported(made)}"))
    for name, problem in result.checkpoints.items():
        screen.out(dim(f"{name}: {problem or 'whole'}"))
    if result.curve:
        screen.out()
        screen.out(chart({SERIES[name]: points for name, points in result.curve.items()}, *_CHART))


def _exported(made: Mapping[str, Any]) -> str:
    """`gguf q8_0, models/gguf/x.gguf, 96 of 96 tokens the same`; of a list that somebody edited, what it says."""
    checked = made.get("checked")
    said = [f"{made.get('format', '')} {made.get('kind', '')}".strip(), str(made.get("file", ""))]
    if isinstance(checked, dict):
        said.append(f"{checked.get('same', '?')} of {checked.get('tokens', '?')} tokens the same")
    return ", ".join(part for part in said if part)


def summary(row: RunRow, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a training ended with, by the names that users know: duration, output_path, epochs, and the figures."""
    figures = manifest["metrics"]
    named = {"samples_per_second": "train_samples_per_second"}
    found = {
        "duration": str(timedelta(seconds=round(manifest["seconds"]))),
        **_made(row, manifest),
        "epochs": figures.get("epochs"),
    }
    found |= {named.get(name, name): value for name, value in figures.items() if name != "epochs"}
    found.pop("train_runtime", None)  # the duration again
    return {name: value for name, value in found.items() if value is not None}


def _made(row: RunRow, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Where the model is."""
    if hosted := manifest["hosted"]:
        return {"model": hosted["model"], "service": hosted["url"], "job": hosted["job"]}
    return {"output_path": shown(row.path / "final")}


def _details(manifest: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The rest of a manifest: what it was made from."""
    base, data, held = manifest["base"], manifest["dataset"], manifest["validation"]
    found: dict[str, Any] = {
        "trained": f"{manifest['method']}, {manifest['tuning']}, {when(manifest['created'])}, on {manifest['device']}",
        "base": f"{base['name']} ({base['architecture']}, {base['source']} {base['revision']})".replace(" )", ")"),
        "base identity": base["identity"],
        "dataset": f"{data['path']}, {data['rows']:,} rows, {data['tokens']:,} tokens",
        "data sha256": data["sha256"],
    }
    if held:
        found["validation"] = f"{held['path']}, {held['rows']:,} rows"
    if manifest["parent"]:
        found["went on from"] = manifest["parent"]
    found["options"] = _listed(options)
    found["seeds"] = ", ".join(f"{name} {value}" for name, value in manifest["seeds"].items())
    found["versions"] = ", ".join(f"{name} {value}" for name, value in manifest["versions"].items())
    found["events"] = "; ".join(manifest["events"])
    found["files"] = f"{len(manifest['artifacts'])}, {sum(manifest['sizes'].values()) / 1e6:,.1f} MB"
    return {name: value for name, value in found.items() if value}


def _gate(kept: Mapping[str, Any], screen: Screen) -> None:
    """The verdict, a line for each check, and why those that failed did."""
    verdict = read_verdict(kept)
    screen.out()
    screen.prose(bold(f"gate: {said(kept)}"))
    screen.remark(f"against {kept['compared_with']}, on {kept['cases']}")
    rows = [_check(check) for check in verdict.checks]
    screen.table(("check", "before", "after", "90% interval of the change", ""), rows, ("before", "after", ""))
    for check in verdict.checks:
        if not check.passed:
            screen.remark(check.reason)
    screen.out()


def _check(check: Check) -> tuple[Text, ...]:
    """What was not measured is a dash; of latency the change is how many times as long."""
    from eval.metrics import METRICS

    metric = METRICS.get(check.metric)
    unit = metric.unit if metric else "share"  # forgetting: of the general suite
    low, high = check.low, check.high
    if check.metric == "latency":
        spread = NONE if low is None else f"{low:.2f} to {'more' if high is None else f'{high:.2f}'} times"
    else:
        spread = difference_interval(low, high, unit)
    state = dim("ok") if check.passed else red("not ok")
    return bold(check.metric), value(check.before, unit), value(check.after, unit), spread, state


def _asked(result: RunView) -> dict[str, Any]:
    """Of a run without a manifest, what was asked for, how far it is, and how it goes on."""
    row, asked = result.run, result.request.get("config")
    config = asked if isinstance(asked, dict) else {}
    steps = [points[-1][0] for points in result.curve.values()]
    losses = {SERIES[name]: points[-1][1] for name, points in result.curve.items()}
    found = {
        "folder": shown(row.path),
        "begun": when(row.created),
        "base": row.base,
        "training": f"{row.method}, {row.tuning}".strip(", "),
        "dataset": config.get("dataset"),
        "validation": config.get("validation"),
        "options": _listed(result.options),
        "so far": _listed({"step": max(steps), **losses}) if steps else "",
        "go on": result.resume,
    }
    return {name: value for name, value in found.items() if value}


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_value(value)}" for name, value in values.items())


@render.register
def _(result: RunDiff, screen: Screen) -> None:
    if not result.changed:
        screen.note(f"{result.first} and {result.second} do not differ.")
        return
    rows = [(name, *(_fact(name, value) for value in both)) for name, both in result.changed.items()]
    screen.table(("", result.first, result.second), rows)


@render.register
def _(result: RunDeleted, screen: Screen) -> None:
    screen.out(
        f"{'Deleted' if result.deleted else 'Nothing was deleted; it stays'}: {result.id} in {shown(result.path)}"
    )


@render.register
def _(result: PromoteResult, screen: Screen) -> None:
    if result.verdict:
        _verdict(result.verdict, result.forgetting, screen)
    before = f" It was {result.before}." if result.before else ""
    if result.task and not result.refused:
        changed = before if result.before != result.after else ""
        screen.out(f"{result.task} is {result.after} now, as {shown(result.history)} says.{changed}")
        if result.overruled:
            screen.note(f"Here it is {result.overruled} all the same: --set or the environment says so.")
    elif result.refused:
        stays = f"{result.before} stays." if result.before else "None is."
        screen.out(bold(f"{result.refused} is not promoted."), f" {stays}")
        only = f"--as {result.task} " if result.task else ""
        screen.remark(
            f"The verdict is kept with the run: `dyag runs show {result.refused}`. Without the gate: "
            f'dyag promote {result.refused} {only}--force --note "…"'
        )
    elif result.after and result.after == result.before:
        noted = " The note is kept in its history." if result.noted else ""
        screen.prose(f"{result.after} is promoted already, since {when(result.when)}.{noted}")
    elif result.after:
        screen.prose(f"{result.after} answers now in the modes finetuned and hybrid.{before}")
    else:
        screen.out(f"No run is promoted any more.{before}")


def _verdict(verdict: Verdict, forgetting: str, screen: Screen) -> None:
    """The decisive reasons first, each marked."""
    marks = {check.reason: "passed" if check.passed else "failed" for check in verdict.checks}
    for reason in verdict.reasons:
        mark = marks.get(reason, "")
        screen.hanging([(red(mark) if mark == "failed" else dim(mark), reason)])
    if forgetting:
        screen.remark(forgetting)
    screen.out()


@render.register
def _(result: ModelAnswer, screen: Screen) -> None:
    screen.prose(result.answer)


@render.register
def _(result: MergeView, screen: Screen) -> None:
    screen.out(
        f"{shown(result.output)}: {result.run} merged into {result.base}, {result.dtype}, {result.bytes / 1e6:,.1f} MB."
    )
    screen.out(
        dim(
            f"{result.prompts} prompts gave the same {result.tokens} tokens; logits differ by {result.difference:.1e} at most."
        )
    )


def when(created: str) -> str:
    """A time of a manifest as it is short; what is no time as it is."""
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        return created


def figure(value: float | None) -> str:
    """`51,037`, `0.8333`."""
    if value is None:
        return ""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def _fact(name: str, value: Any) -> str:
    """A value in a comparison: of a hash, enough to see that it is another."""
    return _value(value)[:_HASH] if name.endswith(("sha256", "identity")) else _value(value)


def _value(value: Any) -> str:
    """A value of a configuration or a figure, in few characters."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return figure(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    return str(value)
