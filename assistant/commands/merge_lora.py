"""`dyag merge-lora`: base and adapter of a run as one model that any program loads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assistant.command import Completes, command
from assistant.commands.runs import RUN

if TYPE_CHECKING:
    from assistant.app import App


@dataclass(frozen=True)
class MergeView:
    """A merged model, and how near it is to the unmerged one."""

    output: Path
    run: str
    base: str
    dtype: str
    bytes: int
    prompts: int
    tokens: int
    """Greedy tokens that were the same."""
    ties: int
    """Greedy tokens that differ, where two were as likely as each other."""
    difference: float
    """Largest between two logits."""


@command(
    "merge-lora",
    examples=("dyag merge-lora latest --output models/merged", "dyag merge-lora promoted -o merged --dtype float32"),
)
def merge_lora(
    app: App,
    run: RUN,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder that does not exist yet."), Completes("path")
    ],
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"],
        typer.Option("--dtype", help="Number format; auto: that of the base."),
    ] = "auto",
) -> MergeView:
    """Merge a run's adapter into its base: one safetensors model with its tokenizer, loaded without peft.

    The base is loaded in full precision, also after a training on a 4-bit one. The merged model is asked several prompts
    and must answer as the unmerged one does before its folder appears. A model that was tuned in full needs no merging.
    """
    from finetune.export.merge import merge
    from finetune.runs.store import Runs

    found = Runs(app.home.models).find(run)
    made = merge(
        found, app.home.path, output.expanduser().absolute(), dtype, lambda what: app.screen.waiting(f"{what} …")
    )
    base, checked = made.manifest.base.name, made.checked
    return MergeView(
        made.folder, made.manifest.id, base, made.dtype, made.bytes,
        checked.prompts, checked.tokens, checked.ties, checked.difference,
    )  # fmt: skip
