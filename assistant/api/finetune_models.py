"""The models that were trained, as the fine-tuning API lists them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from assistant.api.bodies import utc
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.runs.store import Run

NAMED = ("phi", "phi2", "mistral", "neural", "gpt2")
"""What the API's first clients call the bases; the whole registry comes after them."""
_OWN = re.compile(r"models/[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Model(BaseModel):
    """One trained model."""

    name: str
    base_model: str
    created: str
    size_mb: float = Field(description="Of its files, in millions of bytes.")
    latest: bool
    path: str = Field(description="Within the workspace.")
    run: str = Field(description="Its id, which the other routes take.")
    promoted: bool = Field(description="Whether it answers in the modes finetuned and hybrid.")


class Models(BaseModel):
    """Trained models, the newest first."""

    models: list[Model]
    total: int


def supported() -> list[str]:
    """The names of bases that can be asked for."""
    from finetune.bases.registry import BASES

    return list(dict.fromkeys((*NAMED, *BASES)))


def base_named(text: str, home: Path) -> str:
    """The same name if there is such a base: of the registry, or of a folder `models/NAME`. Raises BadInput."""
    from finetune.bases.registry import named

    if _OWN.fullmatch(text) and ".." not in text:
        folder = (home / text).resolve()
        if folder.is_relative_to((home / "models").resolve()) and (folder / "config.json").is_file():
            return text
        raise BadInput(f"There is no base model in {text}.", "A folder has config.json and safetensors weights.")
    base = named(text) if len(text) < 200 else None
    if base is None or text.casefold() == base.hub.casefold() != "":
        raise BadInput(
            f"There is no base model {text[:60]!r}.", f"There are {', '.join(supported())}, and models/NAME."
        )
    return text


def list_models(app: App, limit: int, offset: int) -> Models:
    """Every finished run. Raises NotPromoted when the pointer is damaged."""
    from finetune.runs.store import Runs

    done = [run for run in Runs(app.home.models).all() if run.state == "done"]
    current = app.promotions.current()
    promoted = current.id if current else ""
    shown = done[offset : offset + limit]
    return Models(models=[_model(app, run, run is done[0], promoted) for run in shown], total=len(done))


def _model(app: App, run: Run, latest: bool, promoted: str) -> Model:
    assert run.manifest  # it is done
    return Model(
        name=run.path.name,
        base_model=run.manifest.base.name,
        created=utc(run.created),
        size_mb=round(_size(run) / 1e6, 2),
        latest=latest,
        path=shown_path(run.path, app.home.path),
        run=run.id,
        promoted=run.id == promoted,
    )


def _size(run: Run) -> int:
    """Bytes of what the manifest names."""
    return sum(run.manifest.sizes.values()) if run.manifest else 0


def shown_path(path: Path, home: Path) -> str:
    """A path within the workspace relative to it, any other as it is."""
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else str(path)
