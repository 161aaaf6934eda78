"""`dyag export-ollama` put together: the server that OLLAMA_HOST names, the files in the models folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.export.gguf.kinds import Kind
    from finetune.export.ollama_server import Server
    from finetune.export.served import Served
    from finetune.runs.store import Run


def serve(
    app: App, run: Run, name: str, *, kind: Kind = "f16", folder: Path | None = None, system: str | None = None, replace: bool = False
) -> Served:  # fmt: skip
    """Hand a run to Ollama under a name. Raises BadInput, BadSetting, OllamaFailed, TemplateFailed, and what a GGUF export does."""
    from finetune.export.ollama import Asked, export_ollama

    place = (folder.expanduser() if folder else app.home.models / "gguf").absolute()
    asked = Asked(name, place, kind, system, app.settings.model.temperature, replace)
    return export_ollama(run, app.home.path, asked, server(app), lambda what: app.screen.waiting(f"{what} …"))


def server(app: App) -> Server:
    """The Ollama of this workspace. Raises BadSetting."""
    from assistant.generators.load import environment
    from assistant.generators.models.ollama_model import address
    from finetune.export.ollama_server import Server

    environ = environment(app.home.env)
    url, auth = address(environ.get("OLLAMA_HOST", ""))
    return Server(url.rstrip("/"), auth, environ.get("OLLAMA_API_KEY", ""))
