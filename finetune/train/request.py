"""`request.json`: what a run was asked for, and whether it can be resumed as it is asked for now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.runs.digests import digest
from finetune.runs.folder import RunFolder, torn
from finetune.train.config import TrainConfig
from retrieval.errors import BadInput, NotFound

FREE = ("resume", "output", "device", "micro_batch", "report_to", "name")
"""Options that may be other when a run is resumed: they do not change what is learnt."""


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    id: str
    created: str
    config: TrainConfig
    """As it was given, nothing chosen yet."""
    dataset_sha256: str
    identity: str
    """Of the base."""

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "created": self.created,
            "dataset": str(self.config.dataset),
            "dataset_sha256": self.dataset_sha256,
            "base_identity": self.identity,
            "config": self.config.values(),
        }


def request_of(folder: RunFolder) -> Request:
    """Raises TornRun for a request that is not whole, NotFound without one."""
    if not folder.request.is_file():
        raise NotFound(f"{folder.path} holds no run to resume.", "Leave --resume out to begin one there.")
    data = folder.read_request()
    try:
        config = TrainConfig.of(data["config"])
        said = [str(data[name]) for name in ("id", "created", "dataset_sha256", "base_identity")]
    except (KeyError, TypeError, AttributeError, BadInput) as error:
        raise torn(folder.path, f"{folder.request.name} is not what a training writes") from error
    return Request(said[0], said[1], config, said[2], said[3])


def resumed(path: Path, **given: Any) -> TrainConfig:
    """The configuration of the run in a folder, with what is given now on top. Raises NotFound, TornRun, BadInput."""
    before = request_of(RunFolder(path)).config.values()
    said = {name: value for name, value in given.items() if value is not None}
    return TrainConfig.of({**before, **said, "output": path, "resume": True})


def check_same(request: Request, config: TrainConfig) -> None:
    """Raises BadInput, which names what differs, when a run is to go on otherwise than it began."""
    changed = {k: v for k, v in request.config.differences(config).items() if k not in FREE}
    if "dataset" in changed and config.dataset.is_file() and digest(config.dataset) == request.dataset_sha256:
        del changed["dataset"]
    if changed:
        said = "; ".join(f"{name} was {before}, now {now}" for name, (before, now) in changed.items())
        hint = "Resume it as it was asked for (--resume and --output alone do), or train anew with another --output."
        raise BadInput(f"The run {request.id} cannot go on otherwise than it began: {said}.", hint)
    if config.dataset.is_file() and digest(config.dataset) != request.dataset_sha256:
        hint = "Put the file back as it was, or train anew with another --output."
        raise BadInput(f"{config.dataset} has changed since the run {request.id} began.", hint)
