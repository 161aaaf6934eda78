"""`dyag export-gguf`: a run as the one file that llama.cpp and Ollama serve."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import Completes, command
from assistant.commands.runs import RUN
from finetune.export.gguf.kinds import Kind

if TYPE_CHECKING:
    from assistant.app import App


@dataclass(frozen=True)
class GgufView:
    """A GGUF file, and how near it is to the model it was made from."""

    file: Path
    run: str
    base: str
    architecture: str
    quantize: str
    bytes: int
    sha256: str
    texts: int
    """Of the probe corpus, all cut into the same tokens."""
    prompts: int
    tokens: int
    """Of the greedy answers to the prompts."""
    same: int
    """Of these, as the original gives them."""
    difference: float
    """Largest between two logits."""
    divergence: float
    """From the original's probabilities, in nats a token."""


@command(
    "export-gguf",
    examples=(
        "dyag export-gguf latest",
        "dyag export-gguf promoted --quantize q8_0 --output model.gguf",
        "dyag export-gguf 20261104 --quantize q4_k_m",
    ),
)
def export_gguf(
    app: App,
    run: RUN,
    quantize: Annotated[
        Kind,
        typer.Option("--quantize", help="How weights are stored; q2_k to q6_k need llama-cpp-python."),
    ] = "f16",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file that does not exist yet; default: in models/gguf."),
        Completes("path"),
    ] = None,
) -> GgufView:
    """Write a run as a GGUF file for llama.cpp and Ollama, with its tokenizer, chat template, licence and origin in it.

    An adapter is merged into its base first. The file is read back before it gets its name: it must cut a corpus of
    texts as the original does, and answer as it does, as near as its format allows. The figures are kept in the run.
    """
    from finetune.export.gguf.export import export_gguf as export
    from finetune.runs.store import Runs

    found = Runs(app.home.models).find(run)
    file = output.expanduser() if output else app.home.models / "gguf" / f"{found.path.name}-{quantize}.gguf"
    made = export(found, app.home.path, file.absolute(), quantize, lambda what: app.screen.waiting(f"{what} …"))
    checked = made.checked
    return GgufView(
        made.file, made.run, made.base, made.architecture, made.kind, made.bytes, made.sha256,
        checked.texts, checked.prompts, checked.tokens, checked.same, checked.difference, checked.divergence,
    )  # fmt: skip
