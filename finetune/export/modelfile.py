"""A Modelfile: what Ollama is told of a model, as a file for `ollama create` and as a request of its REST API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retrieval.errors import BadInput

_QUOTES = '"""'


@dataclass(frozen=True)
class Modelfile:
    """One model; each value as Ollama names it."""

    source: str
    """FROM: the GGUF file, relative to the Modelfile."""
    template: str
    system: str
    """Empty: none."""
    stop: tuple[str, ...]
    num_ctx: int
    temperature: float
    licence: str
    """Empty: unknown."""

    @property
    def parameters(self) -> dict[str, Any]:
        return {"stop": list(self.stop), "num_ctx": self.num_ctx, "temperature": self.temperature}

    def text(self) -> str:
        """The file. Raises BadInput for a text that a Modelfile cannot hold."""
        lines = [f"FROM {self.source}", f"TEMPLATE {_quoted('template', self.template)}"]
        lines += [f"SYSTEM {_quoted('system message', self.system)}"] if self.system else []
        lines += [f"PARAMETER stop {_quoted('stop text', stop)}" for stop in self.stop]
        lines += [f"PARAMETER num_ctx {self.num_ctx}", f"PARAMETER temperature {self.temperature:g}"]
        lines += [f"LICENSE {_quoted('licence', self.licence)}"] if self.licence else []
        return "\n".join(lines) + "\n"

    def request(self, name: str, digest: str) -> dict[str, Any]:
        """The body of `POST /api/create`, for a file that was uploaded before; `digest`: its sha256 in hexadecimal."""
        given = {"template": self.template, "system": self.system, "license": self.licence}
        files = {self.source.rpartition("/")[2]: f"sha256:{digest}"}
        told = {key: value for key, value in given.items() if value}
        return {"model": name, "files": files, **told, "parameters": self.parameters, "stream": True}


def _quoted(what: str, text: str) -> str:
    """Between three quotes: Ollama has no escapes, and reads up to the next three at the end of a line."""
    if _QUOTES in text:
        raise BadInput(f'The {what} holds """, which a Modelfile cannot.', "Name another with --system.")
    return f"{_QUOTES}{text}{_QUOTES}"
