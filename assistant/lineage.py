"""Where a trained model comes from: run after run back to the base, each with its data, its feedback and its verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.gating import said
from retrieval.errors import BadInput, NotFound

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.runs.promotion import Step
    from finetune.runs.store import Run


@dataclass(frozen=True)
class Ancestor:
    """One training on the way to a model."""

    run: str
    created: str
    base: str
    method: str
    dataset: str
    """Name of the file it was trained on."""
    rows: int
    made: str
    """How the rows were made, `feedback` among the ways; empty where nothing beside the file says so."""
    verdict: str
    """passed, refused, forced; empty where it was never judged."""
    reason: str
    """The decisive reason of the verdict, or why it was forced."""


def lineage(app: App, run: Run) -> tuple[Ancestor, ...]:
    """The run first, then what it went on from; a parent that is gone ends it."""
    forced = {s.after: s for s in app.promotions.history() if s.forced}
    return tuple(_ancestor(app, one, forced.get(one.id)) for one in ancestors(app, run))


def ancestors(app: App, run: Run) -> Iterator[Run]:
    """The run, the one whose adapter it went on from, and so on; a parent that is gone ends it."""
    from finetune.runs.store import Runs

    store, seen = Runs(app.home.models), set[str]()
    while run.manifest is not None and run.id not in seen:
        seen.add(run.id)
        yield run
        try:
            run = store.find(run.manifest.parent)
        except (NotFound, BadInput):
            return


def _ancestor(app: App, run: Run, forced: Step | None) -> Ancestor:
    manifest = run.manifest
    assert manifest is not None
    data, kept = manifest.dataset, manifest.verdict or {}
    reasons = kept.get("reasons")
    verdict, reason = said(kept), str(reasons[0]) if isinstance(reasons, list) and reasons else ""
    if forced:
        verdict, reason = "forced", f"{forced.note} ({forced.who})"
    return Ancestor(
        run.id, manifest.created, manifest.base.name, f"{manifest.method} {manifest.tuning}", Path(data.path).name, data.rows,
        _made(app.home.path / data.path, data.sha256), verdict, reason,
    )  # fmt: skip


def _made(trained: Path, sha256: str) -> str:
    """What the manifest beside a dataset says of how it was made, if it is still about the same rows."""
    from finetune.dataset import manifest_path

    stem = trained.stem.rpartition("_")[0] or trained.stem
    try:
        told = json.loads(manifest_path(trained.with_name(f"{stem}.jsonl")).read_bytes())
        known = {file["sha256"] for file in told["files"].values()}
        return _way(told["request"], told["input"]) if sha256 in known else ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _way(request: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    if source.get("from") == "feedback":
        return f"feedback, as {request['as']}"
    return f"{request['method']}, {request['context']}"
