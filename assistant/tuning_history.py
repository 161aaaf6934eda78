"""What was tuned when: `data/tuning/<time>/` holds the settings file as it stood, and what was written in its place.

The record is written before the settings file, so that a tuning that is killed can be undone like one that ended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from assistant.settings_file import Value, edited
from assistant.workspace import SETTINGS_FILE, Home
from retrieval.errors import BadInput
from retrieval.files import disk_errors, private_folder, write_private

RECORD = "tuning.json"


@dataclass(frozen=True)
class Step:
    """One change of the settings file, as it is kept."""

    when: str
    changes: dict[str, tuple[Value, Value]]
    """Before and after, by setting; None for a setting that is not in the file."""
    before_sha256: str
    """Of the settings file; empty where there was none."""
    after_sha256: str
    report: dict[str, Any]
    """What was measured."""
    undone: str = ""
    """When it was taken back."""


class TuningHistory:
    """The tunings of a workspace."""

    def __init__(self, home: Home) -> None:
        self._folder = home.data / "tuning"
        # Through a link, the file that it leads to is changed, and not the link.
        self._file = home.settings.resolve()

    def apply(self, changes: Mapping[str, Value], report: dict[str, Any]) -> Step:
        """Write settings, and keep what stood there. Raises BadSetting, NoAccess, NoSpace."""
        before = self._bytes()
        after = edited((before or b"").decode(), changes).encode()
        was = {name: _value(before, name) for name in changes}
        now = datetime.now().astimezone()
        both = {name: (was[name], value) for name, value in changes.items()}
        step = Step(now.isoformat(timespec="seconds"), both, _sha256(before), _sha256(after), report)
        folder = private_folder(self._folder / now.strftime("%Y%m%d_%H%M%S_%f"))
        with disk_errors(folder):
            if before is not None:
                write_private(folder / SETTINGS_FILE, before)
            _write(folder, step)
        self._replace(after)
        return step

    def undo(self) -> tuple[Step, bool]:
        """Take the last change back; whether the file is again exactly what it was. Raises BadInput, BadSetting.

        Where it was edited in the meantime, only the tuned settings are taken back.
        """
        folder, step = self._last()
        now = self._bytes()
        exact = _sha256(now) in (step.before_sha256, step.after_sha256)
        if exact:
            self._replace((folder / SETTINGS_FILE).read_bytes() if step.before_sha256 else None)
        else:
            values = {name: before for name, (before, _) in step.changes.items()}
            self._replace(edited((now or b"").decode(), values).encode())
        _write(folder, replace(step, undone=datetime.now().astimezone().isoformat(timespec="seconds")))
        return step, exact

    def _last(self) -> tuple[Path, Step]:
        for path in sorted(self._folder.glob(f"*/{RECORD}"), reverse=True):
            step = _step(path)
            if not step.undone:
                return path.parent, step
        raise BadInput("There is no tuning to undo.", "`dyag tune` makes one, when it wins.")

    def _bytes(self) -> bytes | None:
        """The settings file; None where there is none."""
        with disk_errors(self._file):
            return self._file.read_bytes() if self._file.exists() else None

    def _replace(self, data: bytes | None) -> None:
        """The settings file becomes this, or is gone; its mode stays."""
        with disk_errors(self._file):
            if data is None:
                self._file.unlink(missing_ok=True)
                return
            mode = self._file.stat().st_mode if self._file.exists() else None
            write_private(private_folder(self._file.parent) / self._file.name, data)
            if mode is not None:
                self._file.chmod(mode & 0o777)


def _step(path: Path) -> Step:
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        return Step(**{**row, "changes": {name: (before, after) for name, (before, after) in row["changes"].items()}})
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}.", f"The settings as they stood lie in {path.parent}."
        ) from error


def _write(folder: Path, step: Step) -> None:
    write_private(folder / RECORD, (json.dumps(vars(step), ensure_ascii=False, indent=1) + "\n").encode())


def _value(data: bytes | None, name: str) -> Value:
    """A setting as the file has it; None where it has none."""
    import tomllib

    section, _, key = name.partition(".")
    value: Value = tomllib.loads((data or b"").decode()).get(section, {}).get(key)
    return value


def _sha256(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()
