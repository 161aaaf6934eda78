"""What became of a run that was handed to Ollama; beside the export, which takes long to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Served:
    """A model for Ollama."""

    name: str
    run: str
    base: str
    gguf: Path
    modelfile: Path
    sha256: str
    bytes: int
    created: bool
    """Whether the server has it."""
    sent: bool
    """Whether the file had to be uploaded."""
    server: str
    missing: str = ""
    """Why no server has it; empty when one has."""
