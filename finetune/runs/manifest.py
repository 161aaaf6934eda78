"""`manifest.json`: what a run was made from, what it became, and the hash of every file that proves it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from finetune.runs.digests import TornRun, digest
from retrieval.errors import NotFound, UserError

MANIFEST = "manifest.json"
VERSION = 1
Method = Literal["sft", "dpo", "kto"]
Tuning = Literal["lora", "qlora", "full", "hosted"]
"""hosted: by a service, which keeps the weights."""


class NewerRun(UserError):
    """The manifest was written by a newer dyag."""


@dataclass(frozen=True)
class RunBase:
    """The model that was trained on."""

    name: str
    """As it was asked for: `mini`, `qwen2.5:0.5b`, `org/name` or a folder."""
    source: str
    revision: str
    identity: str
    """Hash that tells it from any other model (finetune/bases/identity.py)."""
    architecture: str


@dataclass(frozen=True)
class RunData:
    """A file of rows as it was trained with."""

    path: str
    """Where it was; the run folder keeps a copy of the rows."""
    sha256: str
    rows: int
    tokens: int


@dataclass(frozen=True)
class HostedModel:
    """A trained model that lies at a service."""

    provider: str
    url: str
    """Of the service, without credentials."""
    model: str
    """Its name there: `ft:…`."""
    job: str

    @property
    def generator(self) -> str:
        """What a generator is called that asks it."""
        return f"{self.provider}:{self.model}@{self.url}"


@dataclass(frozen=True)
class Manifest:
    """One run."""

    id: str
    created: str
    """When the training began, as ISO 8601 with the offset."""
    seconds: float
    method: Method
    tuning: Tuning
    base: RunBase
    config: Mapping[str, Any]
    """Every hyper-parameter as it was resolved."""
    dataset: RunData
    validation: RunData | None = None
    seeds: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of python and of the libraries."""
    device: str = ""
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    """train_loss, eval_loss, mean_token_accuracy, samples_per_second, num_tokens, epochs, steps."""
    events: tuple[str, ...] = ()
    """What did not go as it was asked for, such as a batch that was halved."""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    """sha256 of each file, by its path within the folder."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Bytes of the same files: a list of many runs looks at no more."""
    parent: str = ""
    """The run whose adapter it went on from."""
    verdict: Mapping[str, Any] | None = None
    """What a comparison says of it; empty until there is one."""
    hosted: HostedModel | None = None
    """Where the model is, when its weights are not in `final/`."""
    version: int = VERSION

    def of_files(self, folder: Path, names: Sequence[str]) -> Manifest:
        """The same manifest, with hashes and sizes of these files as they are now."""
        sizes = {name: (folder / name).stat().st_size for name in names}
        return dataclasses.replace(self, artifacts={name: digest(folder / name) for name in names}, sizes=sizes)

    def to_json(self) -> bytes:
        text = json.dumps(_sound(dataclasses.asdict(self)), ensure_ascii=False, indent=1, allow_nan=False)
        return f"{text}\n".encode("utf-8", "replace")


def read_manifest(path: Path) -> Manifest:
    """Raises NotFound without one, NewerRun, and TornRun when it is not a whole manifest."""
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFound(f"{path.parent} holds no finished run.", "`dyag runs` lists what there is.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise _torn(path, "it cannot be read") from error
    if not isinstance(data, dict):
        raise _torn(path, "it holds no JSON object")
    version = data.get("version")
    if isinstance(version, int) and version > VERSION:
        raise NewerRun(f"{path} was written by a newer dyag.", "Install that version to use the run.")
    try:
        return _manifest(data)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _torn(path, f"{error} is missing or wrong") from error


def _manifest(data: Mapping[str, Any]) -> Manifest:
    """Raises KeyError, TypeError, ValueError, OverflowError."""
    validation = data.get("validation")
    return Manifest(
        id=_text(data, "id"),
        created=_text(data, "created"),
        seconds=_number(data, "seconds"),
        method=_one_of(data, "method", get_args(Method)),
        tuning=_one_of(data, "tuning", get_args(Tuning)),
        base=RunBase(**{f.name: _text(data["base"], f.name) for f in dataclasses.fields(RunBase)}),
        config=_mapping(data, "config"),
        dataset=_data(data["dataset"]),
        validation=None if validation is None else _data(validation),
        seeds={name: int(seed) for name, seed in _mapping(data, "seeds").items()},
        versions={name: str(value) for name, value in _mapping(data, "versions").items()},
        device=str(data.get("device", "")),
        metrics={name: None if n is None else float(n) for name, n in _mapping(data, "metrics").items()},
        events=tuple(map(str, data.get("events") or ())),
        artifacts={name: str(known) for name, known in _mapping(data, "artifacts").items()},
        sizes={name: int(size) for name, size in _mapping(data, "sizes").items()},
        parent=str(data.get("parent") or ""),
        verdict=_mapping(data, "verdict") if data.get("verdict") is not None else None,
        hosted=_hosted(data["hosted"]) if data.get("hosted") is not None else None,
    )


def _data(found: Mapping[str, Any]) -> RunData:
    return RunData(_text(found, "path"), _text(found, "sha256"), int(found["rows"]), int(found["tokens"]))


def _hosted(found: Mapping[str, Any]) -> HostedModel:
    return HostedModel(**{f.name: _text(found, f.name) for f in dataclasses.fields(HostedModel)})


def _text(data: Mapping[str, Any], name: str) -> str:
    if not isinstance(data[name], str):
        raise TypeError(repr(name))
    return str(data[name])


def _number(data: Mapping[str, Any], name: str) -> float:
    if not math.isfinite(found := float(data[name])):
        raise ValueError(repr(name))
    return found


def _one_of(data: Mapping[str, Any], name: str, known: Sequence[str]) -> Any:
    if data[name] not in known:
        raise ValueError(repr(name))
    return data[name]


def _mapping(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    if not isinstance(data[name], dict):
        raise TypeError(repr(name))
    return dict(data[name])


def _sound(value: Any) -> Any:
    """The same without figures that JSON cannot write."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _sound(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sound(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _torn(path: Path, why: str) -> TornRun:
    hint = "Restore the file from a copy, or delete the run: dyag runs delete."
    return TornRun(f"The manifest {path} is torn: {why}.", hint)
