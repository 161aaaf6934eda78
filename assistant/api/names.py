"""Names in requests, checked before they become part of a path, a row or a header. ASCII only, whole, never mended."""

from __future__ import annotations

import re

from retrieval.errors import BadInput, NotFound

_JOB = re.compile(r"ft_[0-9]{8}_[0-9]{6}_[0-9a-z]{6}")
_RUN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+-]{0,118}[A-Za-z0-9_+-])?")
_KEY = re.compile(r"[!-~]{1,255}")
_SUFFIX = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}[A-Za-z0-9])?")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|clock|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""What Windows takes for a device, with any ending."""


def job_id(text: str) -> str:
    """The id of a job of the fine-tuning API. Raises NotFound: no other form was ever given out."""
    if not _JOB.fullmatch(text):
        raise NotFound(
            "There is no such job.", "A job's id reads ft_20240115_103045_abc123: see what the start returned."
        )
    return text


def run_name(text: str) -> str:
    """The name of a run or of a trained model: one part of a path. Raises NotFound."""
    if not _RUN.fullmatch(text) or ".." in text or _RESERVED.fullmatch(text):
        raise NotFound("There is no such run.", "GET /api/finetune/models lists them.")
    return text


def suffix(text: str) -> str:
    """What a caller adds to a model's name: 1 to 40 letters, digits and inner hyphens. Raises BadInput."""
    if not _SUFFIX.fullmatch(text) or _RESERVED.fullmatch(text):
        raise BadInput("The suffix cannot be used.", "Write 1 to 40 letters and digits, hyphens between them.")
    return text


def idempotency_key(text: str) -> str:
    """The value of `Idempotency-Key`: 1 to 255 visible ASCII characters. Raises BadInput."""
    if not _KEY.fullmatch(text):
        raise BadInput("The Idempotency-Key cannot be used.", "Send 1 to 255 visible ASCII characters, such as a UUID.")
    return text
