"""What a fine-tuning service is asked about its trainings: a list, one, its models, to stop one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assistant.hosted_views import HostedJobs, HostedRow, HostedStatus, TunedModels, TunedRow

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.hosted_service import OpenAIService
    from finetune.hosted.service import HostedJob
    from finetune.runs.store import Run

_EVENTS = 8
"""That a status shows."""


def asked(app: App, options: Mapping[str, Any]) -> HostedJobs | HostedStatus | TunedModels:
    """Do what the options say. Raises HostedFailed, BadSetting."""
    from assistant.hosted import service_of

    with closing(service_of(app, options)) as service:
        if options["list_jobs"]:
            return _listed(app, service)
        if options["list_models"]:
            return _models(app, service)
        if options["cancel"]:
            job = service.cancel(_job_id(app, options["cancel"]))
            _keep(app, job)
            return _status(app, service, job)
        return _one(app, service, options)


def _listed(app: App, service: OpenAIService) -> HostedJobs:
    runs = _runs(app, service.url)
    return HostedJobs(service.url, tuple(_row(job, runs) for job in service.jobs()))


def _one(app: App, service: OpenAIService, options: Mapping[str, Any]) -> HostedStatus:
    from assistant.hosted import go_on, run_of
    from assistant.hosted_progress import HostedProgress
    from finetune.hosted.failed import failure
    from finetune.hosted.wait import Waiting

    job_id = _job_id(app, options["status"])
    if not options["wait"]:
        job = service.job(job_id)
        if job.succeeded and (run := run_of(app, job_id)) and run.state == "interrupted":
            go_on(app, run.folder, options, wait=True)  # it has ended, and becomes a whole run
        else:
            _keep(app, job)
        return _status(app, service, job)
    with HostedProgress(app.screen, f"dyag finetune --status {job_id} --wait") as progress:
        job = Waiting(service, job_id, progress).run()
    if job.over and not job.succeeded:
        raise failure(job)
    return _status(app, service, job)


def _models(app: App, service: OpenAIService) -> TunedModels:
    """Those that jobs name, and those that only the list of models has."""
    from assistant.commands.runs import promoted_id

    runs, promoted = _runs(app, service.url), promoted_id(app)
    tuned = {job.tuned: job for job in service.jobs() if job.tuned}
    rows = [
        TunedRow(name, job.model, job.id, run.id if (run := runs.get(job.id)) else "", bool(run and run.id == promoted))
        for name, job in tuned.items()
    ]
    others = [name for name in service.models() if name.startswith("ft:") and name not in tuned]
    return TunedModels(service.url, (*rows, *(TunedRow(name, _base(name), "", "", False) for name in others)))


def _status(app: App, service: OpenAIService, job: HostedJob) -> HostedStatus:
    from finetune.hosted.failed import failure
    from finetune.hosted.service import HostedFailed

    try:
        told = tuple(event.message for event in service.events(job.id, ())[-_EVENTS:])
    except HostedFailed as fault:
        if fault.status not in (404, 405, 501):  # a service without events
            raise
        told = ()
    hint = failure(job).hint if job.over and not job.succeeded and job.status != "cancelled" else ""
    return HostedStatus(service.url, _row(job, _runs(app, service.url)), told, hint)


def _keep(app: App, job: HostedJob) -> None:
    """What the service says of a job, in its run, unless somebody waits for it, and keeps it there."""
    from assistant.hosted import run_of
    from finetune.hosted.run import note

    if (run := run_of(app, job.id)) and run.state == "interrupted":
        with run.folder.claimed():
            note(run.folder, job)


def _job_id(app: App, name: str) -> str:
    """The id of a job, named by its own or by that of its run."""
    from assistant.hosted import run_of
    from finetune.hosted.run import submission_of

    run = run_of(app, name)
    sent = submission_of(run) if run else None
    return sent.job if sent and sent.job else name


def _runs(app: App, url: str) -> dict[str, Run]:
    """The runs that were begun here at a service, by their jobs."""
    from finetune.hosted.run import submission_of
    from finetune.runs.store import Runs

    found = {}
    for run in Runs(app.home.models).all():
        sent = submission_of(run)
        if sent and sent.job and sent.url == url:
            found[sent.job] = run
    return found


def _row(job: HostedJob, runs: Mapping[str, Run]) -> HostedRow:
    created = datetime.fromtimestamp(job.created, UTC).astimezone().isoformat(timespec="seconds")
    why = f"{job.error}{f' ({job.code})' if job.code else ''}"
    run = runs.get(job.id)
    return HostedRow(job.id, job.status, job.model, job.tuned, created, job.tokens, why, run.id if run else "")


def _base(name: str) -> str:
    """gpt-4o-mini-2024-07-18 of `ft:gpt-4o-mini-2024-07-18:org::abc123`."""
    return name.split(":")[1] if name.count(":") else ""
