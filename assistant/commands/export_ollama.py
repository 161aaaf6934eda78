"""`dyag export-ollama`: a run as a model of Ollama."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import Completes, command
from assistant.commands.runs import RUN
from finetune.export.gguf.kinds import Kind

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.export.served import Served


@command(
    "export-ollama",
    examples=(
        "dyag export-ollama latest port-bot",
        "dyag export-ollama promoted qwen3-sfd-analyzer-v2 --quantize q8_0",
        'dyag export-ollama 20261104 team/port-bot:v2 --system "Answer in one sentence."',
    ),
)
def export_ollama(
    app: App,
    run: RUN,
    name: Annotated[str, typer.Argument(help="What Ollama is to call it: model or model:tag.", metavar="NAME")],
    quantize: Annotated[
        Kind, typer.Option("--quantize", help="How weights are stored; q2_k to q6_k need llama-cpp-python.")
    ] = "f16",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for the GGUF file and the Modelfile; default: models/gguf."),
        Completes("path"),
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", help="System message; default: that of most rows it learnt from.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of a model that has this name.")] = False,
) -> Served:
    """Hand a run to Ollama: a GGUF file, a Modelfile, and the model itself where a server answers.

    The chat format is written as Ollama's template, and checked against the model's own. The server is OLLAMA_HOST, else
    this machine; what it has already is not sent again. Without a server the files are written, to be used with
    `ollama create`. Then ollama:NAME answers like any other generator.
    """
    from assistant.ollama_export import serve
    from finetune.export.ollama_server import check_name
    from finetune.runs.store import Runs

    check_name(name)
    found = Runs(app.home.models).find(run)
    return serve(app, found, name, kind=quantize, folder=output, system=system, replace=replace)
