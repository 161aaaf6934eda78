"""`dyag finetune --provider openai` put together: what is sent, agreed to, sent once, waited for, and kept as a run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from assistant.command import BadUsage
from assistant.commands.train import HOSTED, is_hosted
from assistant.hosted_plan import agree, check_model, earlier_run, plan, prepared_files
from assistant.hosted_views import HostedJobs, HostedPlan, HostedResult, HostedStatus, TunedModels
from assistant.sanitize import without_passwords
from retrieval.errors import BadSetting, NotFound

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.hosted_service import OpenAIService
    from finetune.hosted.asked import HostedConfig
    from finetune.hosted.service import HostedFailed, HostedJob
    from finetune.runs.folder import RunFolder
    from finetune.runs.store import Run

View = HostedResult | HostedPlan | HostedJobs | HostedStatus | TunedModels
_OURS = (*(name for name in HOSTED if name != "suffix"), "config", "output", "resume", "check")
"""Options that are no part of what a service is asked for."""
_OFF = {"force_cpu": False}
"""What options are that were not given, where that is not None."""


def meant(app: App, options: Mapping[str, Any]) -> bool:
    """Whether a service is to train: it is asked for, or the run to go on with is a hosted one. Raises BadUsage."""
    from finetune.hosted.run import is_hosted as holds_hosted
    from finetune.runs.folder import RunFolder

    if is_hosted(options):
        return True
    return bool(options["resume"] and options["output"]) and holds_hosted(RunFolder(Path(options["output"]).absolute()))


def begin_hosted(app: App, options: Mapping[str, Any]) -> View:
    """Do what the options say. Raises BadUsage, BadInput, NotFound, HostedFailed, TornRun, Busy, NoSpace, NoAccess."""
    from assistant import hosted_jobs

    actions = [name for name in ("list_jobs", "status", "list_models", "cancel") if options[name]]
    if len(actions) > 1:
        raise BadUsage(
            "Only one of --list, --status, --list-models and --cancel can be meant.", "Leave the others out."
        )
    if actions and options["dataset"]:
        raise BadUsage(
            "A training that is begun is not looked at too.", "Leave --train out, or what asks about others."
        )
    if options["status"] and options["wait"] and (run := run_of(app, options["status"])):
        return go_on(app, run.folder, options, wait=True)
    if actions:
        return hosted_jobs.asked(app, options)
    if options["resume"]:
        return go_on(app, _interrupted(app, options).folder, options, wait=True)
    return _planned(app, options) if options["check"] else _train(app, options)


def agreed_to_send(app: App, options: Mapping[str, Any]) -> list[str]:
    """What to add to the command line of a job, once the user has agreed to what it sends."""
    words = [] if options["provider"] else ["--provider", "openai"]
    if options["status"] or options["resume"] or options["check"]:
        return words
    config, service = config_of(app, options), service_of(app, options)
    with TemporaryDirectory() as scratch:
        prepared = prepared_files(app, config, Path(scratch))
        if earlier_run(app, prepared, service.url) is None:
            agree(app, prepared, service.url, yes=options["yes"])
    return [*words, *(f"--{name}" for name in ("yes", "wait") if not options[name])]


def service_of(app: App, options: Mapping[str, Any], known: str = "") -> OpenAIService:
    """The service that is meant; `known` is the address that a run was sent to. Raises BadSetting, HostedFailed."""
    from assistant.generators.load import environment, key_of, server
    from assistant.hosted_service import OpenAIService

    settings, environ = app.settings.model, environment(app.home.env)
    made = OpenAIService(options["base_url"] or server(settings, environ)[0], key_of(settings, environ))
    if known and made.url != known:  # a file alone does not say where a key may be sent
        hint = f"If that service may have your key, name it: --base-url {known}"
        raise BadSetting(f"The training was sent to {known}, and the settings name {made.url}.", hint)
    made.check_key()
    return made


def config_of(app: App, options: Mapping[str, Any]) -> HostedConfig:
    """What is asked for: what is typed, else the file's. Raises BadInput, NotFound."""
    from assistant.training import usual_dataset
    from finetune.hosted.asked import HostedConfig
    from finetune.train.config import settings_of

    given = settings_of(options["config"]) if options["config"] else {}
    typed = {name: value for name, value in options.items() if name not in _OURS and value != _OFF.get(name)}
    given |= {name: value for name, value in typed.items() if value not in (None, "")}
    given.pop("name", None)
    if "dataset" not in given:
        given["dataset"] = usual_dataset(app)
    return HostedConfig.of(given)


def run_of(app: App, name: str) -> Run | None:
    """The hosted run of this id, or of this job of a service; None where no such was begun here."""
    from finetune.hosted.run import submission_of
    from finetune.runs.store import Runs

    for run in Runs(app.home.models).all():
        sent = submission_of(run)
        if sent is not None and name in (sent.job, run.id):
            return run
    return None


def _planned(app: App, options: Mapping[str, Any]) -> HostedPlan:
    config, service = config_of(app, options), service_of(app, options)
    with TemporaryDirectory() as scratch:
        found = prepared_files(app, config, Path(scratch))
    lines = tuple(plan(found, service.url))
    return HostedPlan(service.url, config.base_model, found.train.rows, found.trained_tokens, found.dollars, lines)


def _train(app: App, options: Mapping[str, Any]) -> HostedResult:
    from finetune.hosted.run import begin, beginning, fill
    from finetune.hosted.submission import read_submission

    config, service = config_of(app, options), service_of(app, options)
    with TemporaryDirectory() as scratch:
        prepared = prepared_files(app, config, Path(scratch))
        if (known := earlier_run(app, prepared, service.url)) is None:
            agree(app, prepared, service.url, yes=options["yes"])
        with beginning(app.home.models):
            known = known or earlier_run(app, prepared, service.url)
            folder = (
                known.folder
                if known
                else begin(app.home.models, prepared, service.provider, service.url, options["output"])
            )
            if known and known.state == "interrupted" and read_submission(folder) is None:
                fill(folder, prepared, service.provider, service.url)
    if known is not None:
        app.screen.note(f"The same was asked for before, as the run {known.id}: nothing is sent twice.")
    return go_on(app, folder, options, wait=options["wait"])


def go_on(app: App, folder: RunFolder, options: Mapping[str, Any], *, wait: bool) -> HostedResult:
    """Bring a run to its service from wherever it stands, and to its end where that is waited for."""
    from assistant.hosted_progress import HostedProgress
    from finetune.hosted.run import note, request_of
    from finetune.hosted.service import HostedFailed
    from finetune.hosted.submission import Submitting, read_submission
    from finetune.hosted.wait import Waiting

    asked, sent = request_of(folder), read_submission(folder)
    if folder.manifest_path.is_file():
        return replace(_result(folder), again=True)
    service = service_of(app, options, sent.url if sent else "")
    named = ["--base-url", options["base_url"]] if options["base_url"] else []
    words = ["train", "--provider", "openai", *named, "--resume", "--output", str(folder.path)]
    app.jobs.tell(run=asked.id, resume=words)
    resume = without_passwords(shlex.join(["dyag", *words]))
    try:
        with closing(service), folder.claimed(), HostedProgress(app.screen, resume) as progress:
            if folder.manifest_path.is_file():  # another process has just ended it
                return replace(_result(folder), again=True)
            if not (sent and sent.job):
                check_model(service, asked.config.base_model, app)
                progress.stage("Sending")
                sent = Submitting(folder, asked.id, asked.config, service, progress.note, progress.rest).run_to_job()
                progress.note(f"The job {sent.job} has begun at {sent.url}.")
            if not wait:
                return replace(_result(folder), resume=resume)
            return _concluded(
                folder, Waiting(service, sent.job, progress, folder.log, partial(note, folder)).run(), resume
            )
    except HostedFailed as fault:
        _drop_if_refused(app, folder, fault)
        raise


def _drop_if_refused(app: App, folder: RunFolder, fault: HostedFailed) -> None:
    """A training that the service did not take leaves no run; the files that lie there are found again by their names."""
    from finetune.hosted.submission import read_submission
    from finetune.runs.store import Runs, read_run

    sent = read_submission(folder)
    if 400 <= fault.status < 500 and not fault.passing and not (sent and sent.job):
        Runs(app.home.models).delete(read_run(folder.path))
        app.jobs.tell(run="", resume=[])


def _concluded(folder: RunFolder, job: HostedJob, resume: str) -> HostedResult:
    """The run of a job that was waited for. Raises HostedFailed for one that failed."""
    from finetune.hosted.failed import failure
    from finetune.hosted.run import finish, note

    note(folder, job)
    if not job.over:
        return replace(_result(folder), resume=resume, interrupted=True)
    if not job.succeeded or not job.tuned:
        raise failure(job)
    finish(folder, job)
    return _result(folder)


def _result(folder: RunFolder) -> HostedResult:
    from finetune.hosted.run import request_of
    from finetune.hosted.submission import read_submission
    from finetune.runs.store import read_run

    asked, sent, run, log = request_of(folder), read_submission(folder), read_run(folder.path), folder.log.read()
    found = run.whole() if run.state == "done" else None
    assert sent is not None  # it was brought to its service
    tokens = found.metrics.get("num_tokens") if found else None
    return HostedResult(
        asked.id, sent.job, sent.status, found.hosted.model if found and found.hosted else "", asked.config.base_model,
        sent.provider, sent.url, folder.path, None if tokens is None else int(tokens), found.seconds if found else None,
        found.metrics if found else {}, tuple(log.series("loss")), tuple(log.series("eval_loss")), "",
    )  # fmt: skip


def _interrupted(app: App, options: Mapping[str, Any]) -> Run:
    """The hosted run to go on with: in --output, else the latest. Raises NotFound."""
    from finetune.hosted.run import LOST, submission_of
    from finetune.runs.store import Runs, read_run

    if options["output"]:
        return read_run(Path(options["output"]).absolute())
    for run in Runs(app.home.models).all():
        sent = submission_of(run) if run.state == "interrupted" else None
        if sent is not None and sent.status not in LOST:
            return run
    raise NotFound("No hosted training was interrupted.", "`dyag finetune --list` shows those of the service.")
