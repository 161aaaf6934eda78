"""Files a user asked for: private, since they hold what was said, and written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.sanitize import clean, escape_json
from retrieval.errors import BadInput
from retrieval.files import disk_errors, write_private


def save_text(path: Path, text: str) -> None:
    """Write text that may be shown in a terminal later. Raises BadInput, NoAccess, NoSpace."""
    _save(path, clean(text))


def save_rows(path: Path, rows: list[Mapping[str, Any]]) -> None:
    """Write one JSON object a line. Raises BadInput, NoAccess, NoSpace."""
    _save(path, "".join(f"{escape_json(json.dumps(row, ensure_ascii=False))}\n" for row in rows))


def _save(path: Path, text: str) -> None:
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Name a file in it with --output.")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, text.encode())
