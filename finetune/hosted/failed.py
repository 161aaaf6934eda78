"""Why a job at a service failed, and what to do about it."""

from __future__ import annotations

import re

from finetune.hosted.service import HostedFailed, HostedJob

_WAYS = (
    (r"quota|billing|insufficient|credit|payment|hard_limit", "See the billing page of the service, then give the command again."),
    (r"moderation|policy|usage_polic|unsafe|safety|flagged", "Take out the rows that the service objects to, then give the command again."),
    (
        r"file|format|example|messages|row|line|jsonl|token_limit|too long",
        "`dyag dataset validate FILE` checks the rows; correct them, then give the command again.",
    ),
    (r"model", "Name another base with --base-model; the service's page says which it trains."),
    (r"server|internal|timeout|unavailable|overload|capacity", "The fault is the service's: give the command again later."),
)  # fmt: skip
_ELSE = "Give the command again, or ask the service about this job."


def failure(job: HostedJob) -> HostedFailed:
    """What to raise for a job that has not succeeded."""
    why = f": {job.error.removesuffix('.')}" if job.error else ""
    code = f" ({job.code})" if job.code else ""
    if job.status == "cancelled":
        hint = "Give the command again to train it anew: files that lie there already are not sent again."
        return HostedFailed(f"The job {job.id} was cancelled at the service{why}.", hint)
    if job.succeeded:  # without a model
        hint = "Ask the service about this job: `dyag finetune --list-models` shows what it has."
        return HostedFailed(f"The job {job.id} ended as {job.status}, and the service names no model.", hint)
    said = f"{job.code} {job.error}".lower()
    hint = next((hint for words, hint in _WAYS if re.search(words, said)), _ELSE)
    ended = "failed at the service" if job.status == "failed" else f"ended at the service as {job.status}"
    return HostedFailed(f"The job {job.id} {ended}{why}{code}.", hint)
