"""`results.json`: an evaluation as one file, for people, for scripts and to be compared later.

    {"metrics": {"success_rate": 85.5, "exact_match_rate": 42.3, "avg_time_seconds": 2.15, "avg_tokens": 487, …},
     "summary": {…}, "identity": {…},
     "results": [{"id": "q1", "question": "…", "expected": "…", "answer": "…", "seconds": 1.2, "scores": {…}, …}]}

A file of another program that has no more than `metrics` is read as an evaluation without cases.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.types import Evaluation, Identity
from retrieval.errors import BadInput, NotFound
from retrieval.files import disk_errors, write_private

_HINT = "Name the results.json of an evaluation: `dyag eval list` shows where they are, `dyag eval CASES` makes one."


def write_evaluation(evaluation: Evaluation, path: Path) -> None:
    """Replace the file whole. Raises NoSpace, NoAccess; BadInput for a folder; ValueError for NaN, which is a bug."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Name a file in it with --output.")
    text = json.dumps(_as_json(evaluation), ensure_ascii=False, indent=1, allow_nan=False)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, f"{text}\n".encode("utf-8", "replace"))


def read_evaluation(path: Path) -> Evaluation:
    """Raises NotFound; BadInput for a file that is torn, holds NaN, or is no evaluation."""
    data = _parsed(path)
    if "identity" in data:
        return _evaluation(data, path)
    metrics = data.get("metrics")
    if not isinstance(metrics, dict) or not metrics:
        raise BadInput(f"{path} is no evaluation: it has neither `identity` nor `metrics`.", _HINT)
    if wrong := [name for name, value in metrics.items() if value is not None and not _is_number(value)]:
        raise BadInput(f"{path}: the metric `{wrong[0]}` is no number.", _HINT)
    # Of another program: it does not say what it measured.
    return Evaluation(Identity(path.stem, "", "", "", "", "", 0), (), metrics)


def _as_json(evaluation: Evaluation) -> dict[str, Any]:
    from eval.metrics import summary

    found = summary(evaluation.scored)
    results = []
    for one in evaluation.scored:
        response = asdict(one.response)
        row = {**asdict(one.case), "answer": response.pop("text"), **response, "scores": dict(one.scores)}
        first = ("id", "question", "expected", "answer", "scores", "seconds", "error")
        results.append({**{name: row[name] for name in first}, **row})
    return {
        "metrics": dict(found.guides),
        "summary": asdict(found),
        "identity": asdict(evaluation.identity),
        "results": results,
    }


def _parsed(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        raise NotFound(f"There is no file {path}.", _HINT)
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", _HINT)
    try:
        data = json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), parse_constant=_finite, parse_float=_finite)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Mend its permissions.") from error
    except (ValueError, RecursionError) as error:
        hint = "Evaluate again: what was answered is kept, and is not asked again."
        raise BadInput(f"{path} is no whole JSON file ({error}).", hint) from error
    if not isinstance(data, dict):
        raise BadInput(f"{path} is no evaluation: it holds no JSON object.", _HINT)
    return data


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no number that can be compared")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _evaluation(data: Mapping[str, Any], path: Path) -> Evaluation:
    from pydantic import TypeAdapter, ValidationError

    try:
        rows = data["results"]
        scored = [{"case": row, "response": {**row, "text": row["answer"]}, "scores": row["scores"]} for row in rows]
        return TypeAdapter(Evaluation).validate_python({"identity": data["identity"], "scored": scored})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path} is no evaluation of dyag: {where}: {first['msg']}.", _HINT) from error
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path} is no evaluation of dyag: {error} is missing or wrong.", _HINT) from error
