"""`dyag runs …`: the trainings there were: listed, shown, compared, deleted."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.command import GROUPS, BadUsage, Completes, command
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.runs.store import Run

GROUPS["runs"] = "Trainings: list them, look at one, compare two, delete one."

_RUN = "A run's id or the beginning of it, its name or folder, latest, or promoted."
RUN = Annotated[str, typer.Argument(help=_RUN, metavar="RUN"), Completes("run")]
OTHER = Annotated[str, typer.Argument(help="The run to compare it with.", metavar="OTHER"), Completes("run")]
SERIES = {"loss": "loss", "eval_loss": "validation"}
"""Figures of the log that are drawn, and their names."""
_TOLD = ("dataset", "validation", "base_model", "name", "method", "tuning", "quantize", "output", "resume")
"""Options that a view of a run tells by themselves, or has no use for."""
_ONCE = ("dataset", "base_model", "output", "resume")
"""Options that a comparison tells under another name, or that say nothing of the model."""


@dataclass(frozen=True)
class RunRow:
    """One run in the list."""

    id: str
    name: str
    """What it was told to call the model; empty for nothing."""
    state: str
    promoted: bool
    base: str
    method: str
    tuning: str
    dataset: str
    rows: int | None
    train_loss: float | None
    eval_loss: float | None
    created: str
    path: Path


@dataclass(frozen=True)
class RunsResult:
    """Every run, the newest first."""

    runs: tuple[RunRow, ...]


@dataclass(frozen=True)
class RunView:
    """One run with all that is known of it."""

    run: RunRow
    manifest: Mapping[str, Any] | None
    request: Mapping[str, Any]
    problem: str
    """What is wrong with its files; empty when all that it names were found as they were written."""
    checkpoints: Mapping[str, str]
    """Each with what is wrong with it; empty when it is whole."""
    curve: Mapping[str, tuple[tuple[float, float], ...]]
    """(step, value) of the losses that were logged."""
    options: Mapping[str, Any]
    """Those that are not the defaults: what was asked for, and what was chosen for this base and machine."""
    resume: str
    """The command line that goes on with an interrupted run; empty for any other."""
    exports: tuple[Mapping[str, Any], ...] = ()
    """What was made from it, with how near each is to the original."""

    @property
    def exit_code(self) -> int:
        return 1 if self.problem else 0


@dataclass(frozen=True)
class RunDiff:
    """What two runs differ in."""

    first: str
    second: str
    changed: Mapping[str, tuple[Any, Any]]
    """By name: base, dataset, each option and each figure; None where a run has none."""


@dataclass(frozen=True)
class RunDeleted:
    """A run that is gone, or that was to stay after all."""

    id: str
    path: Path
    deleted: bool


@command("runs list", aliases=("runs",), examples=("dyag runs", "dyag runs list --json"))
def list_(app: App) -> RunsResult:
    """List the trainings, the newest first; the promoted one is marked. `dyag runs` does the same."""
    from finetune.runs.store import Runs

    promoted = promoted_id(app)
    return RunsResult(tuple(_row(run, promoted) for run in Runs(app.home.models).all()))


@command("runs show", examples=("dyag runs show latest", "dyag runs show 20261104", "dyag runs show models/my-model"))
def show(app: App, run: RUN = "latest") -> RunView:
    """Show a training: what it was made from, what it became, its loss as it went. Every file of it is checked.

    Exit code 1 says that files are not as they were written.
    """
    from finetune.export.kept import kept_exports
    from finetune.runs.folder import checkpoint_fault
    from finetune.runs.store import Runs

    found = Runs(app.home.models).find(run)
    logged = found.folder.log.read()
    return RunView(
        _row(found, promoted_id(app)),
        asdict(found.manifest) if found.manifest else None,
        found.request,
        _problem(found),
        {path.name: checkpoint_fault(path) for path in found.folder.checkpoints()},
        {name: tuple(points) for name in SERIES if (points := logged.series(name))},
        _options(found),
        found.resume if found.state == "interrupted" else "",
        tuple(kept_exports(found.path)),
    )


@command("runs diff", examples=("dyag runs diff 20261104-15 latest",))
def diff(app: App, first: RUN, second: OTHER) -> RunDiff:
    """Compare two trainings: base, data, options and figures, only what differs."""
    from finetune.runs.store import Runs

    store = Runs(app.home.models)
    one, other = (store.find(text) for text in (first, second))
    a, b = _facts(one), _facts(other)
    changed = {name: (a.get(name), b.get(name)) for name in dict.fromkeys((*a, *b)) if a.get(name) != b.get(name)}
    return RunDiff(one.id, other.id, changed)


@command("runs delete", examples=("dyag runs delete 20261104-153012-a1f3", "dyag runs delete models/my-model --yes"))
def delete(
    app: App, run: RUN, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> RunDeleted:
    """Delete a training with its model and its checkpoints. Neither one that is running nor the promoted one."""
    from finetune.runs.store import Runs

    store = Runs(app.home.models)
    found = store.find(run)
    promoted = app.promotions.current()
    if promoted and (promoted.id == found.id or promoted.path.resolve() == found.path.resolve()):
        what = (
            f"The run {found.id} is"
            if promoted.id == found.id
            else f"The folder of the run {found.id} is that of one that is"
        )
        raise BadInput(f"{what} promoted.", "Go back to another first: dyag rollback.")
    if task := next((name for name in app.settings.models if _means(app, name, found)), ""):
        raise BadInput(
            f"The run {found.id} is the model of {task}.", "Give the task another: dyag promote RUN --as " + task
        )
    if not (yes or _confirmed(app, found)):
        return RunDeleted(found.id, found.path, False)
    store.delete(found)
    return RunDeleted(found.id, found.path, True)


def _means(app: App, task: str, run: Run) -> bool:
    """Whether a task of [models] uses this run."""
    from assistant.named_models import model_named

    return model_named(app.settings, task) in {f"run:{name}" for name in (run.id, run.name, run.path.name) if name}


def promoted_id(app: App) -> str:
    """The promoted run; empty for none. Raises NotPromoted when the pointer is damaged."""
    current = app.promotions.current()
    return current.id if current else ""


def _row(run: Run, promoted: str) -> RunRow:
    found, config = run.manifest, run.config
    figures = found.metrics if found else {}
    return RunRow(
        id=run.id,
        name=run.name,
        state=_state(run),
        promoted=run.id == promoted,
        base=found.base.name if found else str(config.get("base_model", "")),
        method=found.method if found else str(config.get("method", "")),
        tuning=found.tuning if found else str(config.get("tuning", "")),
        dataset=Path(found.dataset.path if found else str(config.get("dataset", ""))).name,
        rows=found.dataset.rows if found else None,
        train_loss=figures.get("train_loss"),
        eval_loss=figures.get("eval_loss"),
        created=run.created,
        path=run.path,
    )


def _state(run: Run) -> str:
    """Of a run that a service works on, what the service said last."""
    from finetune.hosted.run import submission_of

    sent = submission_of(run) if run.state == "interrupted" and "hosted" in run.request else None
    return sent.status if sent and sent.status else run.state


def _problem(run: Run) -> str:
    from finetune.runs.digests import fault

    if run.why or run.manifest is None:
        return run.why
    return fault(run.path, run.manifest.artifacts)


def _options(run: Run) -> dict[str, Any]:
    from finetune.train.config import TrainConfig

    usual = TrainConfig(Path()).values()
    return {name: value for name, value in run.config.items() if name not in _TOLD and value != usual.get(name)}


def _facts(run: Run) -> dict[str, Any]:
    """What one run is compared by, each fact once, in the order it is shown."""
    asked = {name: value for name, value in run.config.items() if name not in _ONCE}
    if run.manifest is None:
        place = {"base name": run.config.get("base_model"), "dataset path": run.config.get("dataset")}
        return {"state": run.state, **place, **asked}
    found = run.manifest
    base = {f"base {name}": value for name, value in asdict(found.base).items()}
    data = {f"dataset {name}": value for name, value in asdict(found.dataset).items()}
    ran = {"device": found.device, "seconds": found.seconds, "parent": found.parent, **found.versions, **found.seeds}
    chosen = {"method": found.method, "tuning": found.tuning, **asked}
    # A training may end before the epochs it was asked for.
    figures = {"epochs trained" if name == "epochs" else name: value for name, value in found.metrics.items()}
    figures.pop("train_runtime", None)  # the same as seconds
    return {"state": run.state, **base, **data, **chosen, **figures, **ran}


def _confirmed(app: App, run: Run) -> bool:
    """Whether the user says yes. Raises BadUsage where nobody can be asked."""
    if not sys.stdin.isatty():
        raise BadUsage("Nobody can be asked here whether to delete that.", "Add --yes to delete without being asked.")
    app.screen.note(f"This deletes the run {run.id} in {run.path}, for good. Delete? [y/N]")
    return sys.stdin.readline().strip().casefold() in ("y", "yes", "o", "oui")
