"""What a training stands on, known before any weight is loaded: the base, its tokenizer and shape, the run it goes on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.bases.chat_format import ChatFormat
from finetune.bases.context import context_of
from finetune.bases.files import read_json
from finetune.bases.found import Found, find_base
from finetune.bases.memory import Shape
from finetune.runs.manifest import Manifest
from finetune.runs.store import Run, Runs, State
from finetune.runs.use import check_here
from finetune.train.config import TrainConfig
from retrieval.errors import BadInput, ModelMissing

_DONE: tuple[State, ...] = ("done",)


@dataclass(frozen=True)
class Folders:
    """Where names are looked up."""

    home: Path
    """The workspace: base folders are relative to it."""
    models: Path
    """Where runs lie."""


@dataclass(frozen=True)
class Ground:
    """A base that can be trained."""

    found: Found
    config: Mapping[str, Any]
    """Of the model: config.json."""
    format: ChatFormat
    shape: Shape
    context: int
    """Tokens it reads, prompt and answer together."""
    parent: Run | None = None
    parent_manifest: Manifest | None = None

    @property
    def architecture(self) -> str:
        return str(next(iter(self.config.get("architectures") or []), self.config.get("model_type")))

    @property
    def targets(self) -> str | list[str]:
        """The layers that LoRA adapts: every linear one but the head."""
        return list(self.found.base.targets) if self.found.base and self.found.base.targets else "all-linear"

    @property
    def reference(self) -> tuple[str, str | None]:
        """How an adapter names its base, for any loader: (name on the Hub or folder, revision)."""
        if self.found.revision:
            return self.found.source, self.found.revision
        return str(self.found.folder.resolve()), None


def ground(config: TrainConfig, folders: Folders) -> Ground:
    """Find the base (and the run to go on from). Raises BadInput, NotFound, ModelMissing, TornRun."""
    parent = Runs(folders.models).find(config.from_run, among=_DONE) if config.from_run else None
    manifest = parent.whole() if parent else None
    if manifest is not None:
        check_here(manifest)
    if not config.base_model and manifest is None:
        raise BadInput("A training needs a base model.", "Name one with --base-model: `dyag models` lists them.")
    found = find_base(config.base_model or (manifest.base.source if manifest else ""), folders.home)
    if parent and manifest:
        _check_parent(parent, manifest, found)
    tokenizer = _tokenizer(found)
    data = read_json(found.folder / "config.json", found.name)
    return Ground(
        found, data, ChatFormat(tokenizer), Shape.read(found.folder), context_of(data, tokenizer), parent, manifest
    )


def _check_parent(parent: Run, manifest: Manifest, found: Found) -> None:
    if manifest.tuning == "full":
        hint = f"Train it further as a base: --base-model {parent.path / 'final'}."
        raise BadInput(f"The run {parent.id} trained all weights: it has no adapter to go on from.", hint)
    if manifest.base.identity != found.identity:
        message = (
            f"The run {parent.id} was trained on {manifest.base.name}, whose weights are not those of {found.name}."
        )
        raise BadInput(message, f"Leave --base-model out, or name {manifest.base.source}.")


def _tokenizer(found: Found) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(found.folder, trust_remote_code=False, local_files_only=True)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ImportError) as error:
        why = " ".join(str(error).split())[:160]
        raise ModelMissing(
            f"The tokenizer of {found.name} cannot be loaded: {why}.", "Fetch the model again."
        ) from error
