"""`exports.json` in a run's folder: what was made from it, and how near each is to the original."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.runs.digests import keeping
from retrieval.files import write_private

EXPORTS = "exports.json"


def keep_export(run: Path, made: Mapping[str, Any]) -> None:
    """Add one export to the list of the run in this folder. Raises NoSpace, NoAccess."""
    text = json.dumps([*kept_exports(run), dict(made)], ensure_ascii=False, indent=1)
    with keeping(run):
        write_private(run / EXPORTS, f"{text}\n".encode("utf-8", "replace"))


def kept_exports(run: Path) -> list[dict[str, Any]]:
    """Every export of the run in this folder, the oldest first; a list that cannot be read holds none."""
    try:
        found = json.loads((run / EXPORTS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return [made for made in found if isinstance(made, dict)] if isinstance(found, list) else []
