"""How a model that was handed to Ollama, or to a storage, is shown to a person."""

from __future__ import annotations

import shlex
from pathlib import Path

from assistant.commands.runs_storage import StoredView
from assistant.render import render
from assistant.render_made import shown
from assistant.screen import Screen, dim
from finetune.export.served import Served


@render.register
def _(result: Served, screen: Screen) -> None:
    if result.created:
        sent = f"{result.bytes / 1e6:,.1f} MB sent" if result.sent else "its file was there already"
        screen.out(f"Ollama has {result.name} ({result.run}, {result.base}); {sent}.")
        screen.out(dim(f"Ask it: dyag --set answer.generator=ollama:{result.name} ask …; ollama run {result.name}"))
        screen.out(dim(f"Files: {shown(result.modelfile)}, {shown(result.gguf)}"))
        return
    screen.out(f"Written: {shown(result.modelfile)}, {shown(result.gguf)} ({result.run}, {result.base}).")
    file = shlex.quote(shown(result.modelfile))
    screen.note(
        f"{result.missing} Start it with `ollama serve`, or set OLLAMA_HOST, and give the command again; "
        f"or on the machine of the server: ollama create {result.name} -f {file}"
    )


@render.register
def _(result: StoredView, screen: Screen) -> None:
    there = f"{result.copied} of {result.files} files, {result.bytes / 1e6:,.1f} MB; the others were there"
    copied = there if result.copied < result.files else f"{result.files} files, {result.bytes / 1e6:,.1f} MB"
    if not result.copied:
        copied = "all of it was there already"
    where = shown(Path(result.place)) if result.fetched else result.place
    screen.out(f"{result.run} is in {where}: {copied}.")
    if not result.fetched:
        screen.out(dim(f"Elsewhere: dyag runs pull {shlex.quote(result.place)}"))
