"""`dyag models`: the base models there are, what training them takes here, the runs, and which run is promoted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from assistant.command import GROUPS, command
from assistant.commands.runs import RunRow

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.lineage import Ancestor
    from finetune.bases.memory import Needed, Shape, Tuning
    from finetune.bases.registry import Base

GROUPS["models"] = "Base models to train, what they take, and the models that were trained."

ROW = 1024
"""Tokens of the row that memory is told for; fewer where a base reads fewer."""
NAME = Annotated[str, typer.Argument(help="A short name, org/name, or a folder with a model in it.", metavar="NAME")]
Fits = Literal["yes", "checkpointing", "4bit", "no"]
"""Into the memory that is free now; checkpointing: when activations are computed twice instead of kept, which a training
turns on by itself; 4bit: with --quantize 4bit besides."""


@dataclass(frozen=True)
class BaseRow:
    """One base in the list."""

    name: str
    hub: str
    parameters: int
    licence: str
    gated: bool
    here: bool
    memory: int
    """Bytes that a LoRA training takes, one row of ROW tokens at a time."""
    fits: Fits
    recommended: bool


@dataclass(frozen=True)
class Machine:
    """What there is to train on."""

    device: Literal["cpu", "cuda"]
    dtype: str
    free: int
    """Bytes of memory."""

    def needs(self, shape: Shape, context: int, checkpointing: bool = False) -> dict[str, Needed]:
        """Memory of each kind of training, one row at a time; all weights are trained in float32."""
        from finetune.bases.memory import needed

        dtypes: dict[Tuning, str] = {"full": "float32", "lora": self.dtype, "qlora": "bfloat16"}
        length = min(ROW, context)
        more: dict[str, Any] = {"device": self.device, "checkpointing": checkpointing}
        return {
            kind: needed(shape, kind, batch=1, length=length, dtype=dtype, **more) for kind, dtype in dtypes.items()
        }

    def fits(self, size: int) -> bool:
        """Whether a training of so many bytes is let begin now."""
        from finetune.train.fit import SHARE

        return size <= SHARE * self.free


@dataclass(frozen=True)
class ModelsResult:
    """Bases, in the order of the registry, and runs, the newest first."""

    bases: tuple[BaseRow, ...]
    machine: Machine
    runs: tuple[RunRow, ...]
    promoted: str
    """Id of the run that answers in the modes finetuned and hybrid; empty for none."""
    lineage: tuple[Ancestor, ...] = ()
    """The promoted run and those it went on from: their data, their feedback, their verdicts."""


@dataclass(frozen=True)
class ModelView:
    """All that is known of one base."""

    name: str
    base: Base | None
    """What the registry says of it."""
    folder: Path | None
    """Where it lies on this machine."""
    revision: str
    identity: str
    needs: Mapping[str, Needed]
    """Memory by kind of training; empty for a model that is neither here nor known."""
    least: Mapping[str, int]
    """The same with gradient checkpointing, in all."""
    machine: Machine
    page: str
    fetch: str
    """The command that fetches it; empty where it is here."""


@command("models list", aliases=("models",), examples=("dyag models", "dyag models list --json"))
def list_(app: App) -> ModelsResult:
    """List the base models with what they take to train, the trained models, and which one is promoted.

    A base that is not here is fetched when it is first used, by --base-model NAME or as the generator hf:NAME. Besides
    these, any model of the Hub (org/name) and any folder with safetensors weights can be trained.
    """
    from assistant.commands import runs
    from assistant.lineage import lineage
    from finetune.bases.registry import BASES

    here = machine()
    rows = tuple(_row(base, here) for base in BASES.values())
    promoted = app.promotions.current()
    known = lineage(app, promoted.run()) if promoted and promoted.path.is_dir() else ()
    return ModelsResult(rows, here, runs.list_(app).runs, runs.promoted_id(app), known)


@command(
    "models show",
    examples=("dyag models show mini", "dyag models show qwen2.5:1.5b", "dyag models show ./models/my-base --json"),
)
def show(app: App, name: NAME) -> ModelView:
    """Show all that is known of a base model: where it is, its licence, and the memory that training it takes here.

    Where it is not on this machine, the command that fetches it is shown; nothing is fetched.
    """
    from finetune.bases.found import look
    from finetune.bases.hub import download_command
    from finetune.bases.memory import Shape
    from finetune.bases.registry import named

    base, found, here = named(name), look(name, app.home.path), machine()
    hub = base.hub if base else "" if found and not found.revision else name
    shape = Shape.read(found.folder) if found else Shape.of(base) if base else None
    context = base.context if base else ROW
    least = here.needs(shape, context, checkpointing=True) if shape else {}
    return ModelView(
        name=name,
        base=base,
        folder=found.folder if found else None,
        revision=found.revision if found else base.revision if base else "",
        identity=found.identity if found else "",
        needs=here.needs(shape, context) if shape else {},
        least={kind: needed.total for kind, needed in least.items()},
        machine=here,
        page=f"https://huggingface.co/{hub}" if hub else "",
        fetch="" if found or not hub else download_command(hub, base.revision if base else ""),
    )


def machine() -> Machine:
    """The GPU, where there is one, else the CPU. torch takes seconds to import: not without a driver."""
    from finetune.bases.memory import free_memory

    if Path("/proc/driver/nvidia").exists() or Path("/dev/nvidia0").exists():
        import torch

        if torch.cuda.is_available():
            return Machine("cuda", "bfloat16", int(free_memory("cuda")))
    return Machine("cpu", "float32", int(free_memory("cpu")))


def _row(base: Base, here: Machine) -> BaseRow:
    from finetune.bases.found import folder_of
    from finetune.bases.memory import Shape

    folder = folder_of(base)
    shape = Shape.read(folder) if folder else Shape.of(base)
    needs, least = here.needs(shape, base.context), here.needs(shape, base.context, checkpointing=True)
    ways: dict[Fits, int] = {
        "yes": needs["lora"].total,
        "checkpointing": least["lora"].total,
        "4bit": least["qlora"].total,
    }
    fits: Fits = next((way for way, size in ways.items() if here.fits(size)), "no")
    parts = (base.shortcut, base.hub, shape.parameters, base.licence, base.gated, folder is not None)
    return BaseRow(*parts, needs["lora"].total, fits, base.recommended)
