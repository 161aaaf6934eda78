"""`dyag train` put together: the options as one configuration, the CPU agreed to, the run shown as it goes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.command import BadUsage
from assistant.commands.train import DATASET, HOSTED, CheckResult, TrainResult
from assistant.screen import duration
from retrieval.errors import BadInput, Busy, NotFound, UserError
from retrieval.files import disk_errors, private_folder

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.train.config import TrainConfig
    from finetune.train.ground import Folders
    from finetune.train.preflight import Report
    from finetune.train.run import Outcome

_OURS = ("config", "force_cpu", "check", *HOSTED)
"""Options that are no part of a training's configuration."""


def begin(app: App, options: Mapping[str, Any]) -> TrainResult | CheckResult:
    """Check, ask, train. Raises BadInput, NotFound, ModelMissing, NoSpace, and what ends a training."""
    from assistant.progress import TrainProgress
    from finetune.train.run import train

    config, folders = _config(app, options), _folders(app)
    _check_base(app, config, options)
    _check_name(config)

    def began(run: str, folder: Path | None) -> None:
        words = ["train", "--resume", "--output", str(folder), *_reporters(config)] if folder else []
        app.jobs.tell(run=run, resume=words)
        progress.resume = shlex.join(["dyag", *words]) if words else ""

    if options["check"] or not _confirmed(config, options):
        report = _look(config)(config, folders, TrainProgress(app.screen))
        if options["check"]:
            return CheckResult(report)
        _agree(app, report)
    with _alone(folders.models), TrainProgress(app.screen) as progress:
        outcome = train(config, folders, progress, began)
    return _served(app, _result(outcome), outcome.report.config.name)


@contextmanager
def _alone(models: Path) -> Iterator[None]:
    """One training at a time: two share memory and cores, and both take longer. Raises Busy, NoAccess."""
    import filelock

    private_folder(models)
    try:
        with disk_errors(models), filelock.FileLock(models / ".training.lock", timeout=0, mode=0o600):
            yield
    except filelock.Timeout:
        hint = "Wait for it to end: `dyag jobs` shows it, if it is a job. In a chat, /train puts trainings in a queue."
        raise Busy("Another training is running in this workspace.", hint) from None


def agreed_words(app: App, options: Mapping[str, Any]) -> list[str]:
    """What to add to the command line of a job: its reporters, and that the CPU will do, when the user says so."""
    config = _config(app, options)
    _check_base(app, config, options)
    _check_name(config)
    words = [] if options["report_to"] else _reporters(config)
    if options["check"] or _confirmed(config, options):
        return words
    report = _look(config)(config, _folders(app))
    _agree(app, report)
    return [*words, "--force-cpu"] if report.device == "cpu" else words


def _reporters(config: TrainConfig) -> list[str]:
    """What names them on a command line: a job is given the variables of those that stand there, and of no others."""
    named = [name for name in config.report_to if name != "none"]
    return ["--report-to", ",".join(named)] if named else []


def _look(config: TrainConfig) -> Callable[..., Report]:
    """What says what the training will be, or what is left of it."""
    from finetune.train.preflight import preflight
    from finetune.train.resume import remaining

    return remaining if config.resume else preflight


def _config(app: App, options: Mapping[str, Any]) -> TrainConfig:
    """The configuration: what is typed, else the file's, else the settings'. Raises BadInput, NotFound."""
    from finetune.train.config import TrainConfig, settings_of
    from finetune.train.request import resumed

    given = settings_of(options["config"]) if options["config"] else {}
    given |= {name: value for name, value in options.items() if name not in _OURS and value is not None}
    if options["force_cpu"]:
        given["device"] = "cpu"
    if options["resume"]:
        return resumed(given.pop("output", None) or _interrupted(app), **given)
    usual = {"base_model": "" if given.get("from_run") else app.settings.train.base_model}
    if "dataset" not in given:
        usual["dataset"] = str(usual_dataset(app))
    return TrainConfig.of({**usual, **given})


def _check_base(app: App, config: TrainConfig, options: Mapping[str, Any]) -> None:
    """Raises BadInput, which names file and key, for a base of the configuration file that there cannot be."""
    from finetune.bases.found import look
    from finetune.train.config import key_of

    key = key_of(options["config"], "base_model") if options["config"] and not options["base_model"] else ""
    if not key or options["resume"]:
        return
    try:
        look(config.base_model, app.home.path)
    except BadInput as error:
        message = f"{error.message} It stands in {options['config']}, as `{key}`."
        raise BadInput(message, f"{error.hint} Name another with --base-model.") from error


def _check_name(config: TrainConfig) -> None:
    """Raises BadInput, which names the key, for an output_model_name that Ollama would refuse after the training."""
    from finetune.export.ollama_server import check_name

    try:
        check_name(config.name) if config.name else None
    except BadInput as error:
        raise BadInput(f"{error.message} The configuration file has it as output_model_name.", error.hint) from error


def _served(app: App, result: TrainResult, name: str) -> TrainResult:
    """A finished training that has a name, handed to Ollama under it. The run is kept whatever becomes of that."""
    from assistant.ollama_export import serve
    from finetune.runs.store import Runs

    if not name or result.state != "finished":
        return result
    try:
        return replace(result, ollama=serve(app, Runs(app.home.models).find(str(result.folder)), name))
    except UserError as error:
        hint = f"The run is kept. Then: dyag export-ollama {result.run} {name}"
        return replace(result, not_served=f"{error.message} {error.hint} {hint}")


def _interrupted(app: App) -> Path:
    """The latest run that can be resumed. Raises NotFound."""
    from finetune.runs.store import Runs

    found = [run for run in Runs(app.home.models).all() if run.state == "interrupted" and "hosted" not in run.request]
    if not found:
        raise NotFound("No training was interrupted.", "`dyag runs` lists what there is.")
    return found[0].path


def usual_dataset(app: App) -> Path:
    """What is trained on where nothing is named. Raises NotFound."""
    path = app.home.path / DATASET
    if not path.is_file():
        hint = "Make one with `dyag gen-dataset`, or name a file of rows with --dataset."
        raise NotFound(f"There is no dataset to train on: {DATASET} is not there.", hint)
    return path


def _folders(app: App) -> Folders:
    from finetune.train.ground import Folders

    return Folders(app.home.path, app.home.models)


def _confirmed(config: TrainConfig, options: Mapping[str, Any]) -> bool:
    """Whether the CPU was asked for, or a GPU, so that there is nothing to ask."""
    return bool(options["force_cpu"]) or config.device != "auto"


def _agree(app: App, report: Report) -> None:
    """Ask whether the CPU will do. Raises BadUsage where nobody can be asked, or the answer is no."""
    if report.device != "cpu":
        return
    low, high = report.seconds
    app.screen.note(f"No GPU was found: training on the CPU is slow, here about {duration(low)} to {duration(high)}.")
    if sys.stdin.isatty():
        app.screen.note("Train on the CPU? [y/N]")
        if sys.stdin.readline().strip().casefold() in ("y", "yes", "o", "oui"):
            return
    raise BadUsage("Nothing was trained: on a CPU it needs your word.", "Add --force-cpu to train on the CPU.")


def _result(outcome: Outcome) -> TrainResult:
    from finetune.runs.folder import RunFolder

    log = RunFolder(outcome.folder).log.read()
    resume = (
        f"dyag train --resume --output {shlex.quote(str(outcome.folder))}" if outcome.state == "interrupted" else ""
    )
    return TrainResult(
        outcome.run, outcome.state, outcome.folder, outcome.final, outcome.seconds, outcome.metrics,
        tuple(log.series("loss")), tuple(log.series("eval_loss")), outcome.events, outcome.report.warnings, outcome.report.base, resume,
    )  # fmt: skip
