"""Cases: questions with what is known of their answers, from any of the formats people keep them in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from eval.types import Case


@dataclass(frozen=True)
class ReadCases:
    """What a file or folder held."""

    cases: tuple[Case, ...]
    problems: tuple[str, ...]
    """What could not be read, or was told twice: one line each, with its line number; the rest is in `cases`."""
    format: str
    """`jsonl`, `json`, `squad` or `beir`."""


def read_cases(path: Path, limit: int = 0) -> ReadCases:
    """The cases of a file or folder, the first `limit` of them (0: all). Raises NotFound, BadInput."""
    raise NotImplementedError


def identity_of(cases: Sequence[Case]) -> str:
    """sha256 of the cases as they were read: the same for the same cases, whatever file they came in."""
    rows = sorted(json.dumps(asdict(case), sort_keys=True) for case in cases)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
