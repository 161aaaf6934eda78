"""Open a text in the user's editor."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from retrieval.errors import UserError

LARGEST = 1_000_000
"""Bytes of a text that is read back; an answer or a question has a few thousand."""
_NAME_IT = "The variable EDITOR names your editor, for example: export EDITOR=nano"


class EditorFailed(UserError):
    """There is no editor, or it did not leave a text."""


def edit(text: str, suffix: str = ".md", environ: Mapping[str, str] = os.environ) -> str | None:
    """The text as the editor leaves it, None when that is unchanged. Raises EditorFailed; then nothing is kept."""
    command = editor(environ)
    # A folder of its own, readable by its owner only, takes what editors leave beside a file (backups, swap files) with it.
    with tempfile.TemporaryDirectory(prefix="dyag-", ignore_cleanup_errors=True) as folder:
        file = Path(folder) / f"text{suffix}"
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(text.encode("utf-8", "replace"))
        _run([*command, str(file)])
        edited = _read(file)
    return None if edited.rstrip("\n") == text.rstrip("\n") else edited


def editor(environ: Mapping[str, str]) -> list[str]:
    """The words of the editor's command line: $VISUAL, else $EDITOR, else what is there. Raises EditorFailed."""
    for name in ("VISUAL", "EDITOR"):
        if words := _words(name, environ.get(name, "")):
            return words
    if os.name == "nt":
        return ["notepad"]
    for name in ("nano", "vi"):
        if found := shutil.which(name, path=environ.get("PATH")):
            return [found]
    raise EditorFailed("There is no editor to open the text in.", _NAME_IT)


def _words(name: str, value: str) -> list[str]:
    if not value.strip() or _is_file(value):  # a path with spaces needs no quotes
        return [value] if value.strip() else []
    try:
        words = shlex.split(value, posix=os.name != "nt")
    except ValueError as error:
        raise EditorFailed(f"{name}={value} cannot be understood: {error}.", _NAME_IT) from error
    return [word.strip('"') for word in words] if os.name == "nt" else words


def _is_file(value: str) -> bool:
    try:
        return Path(value).is_file()
    except OSError:  # longer than a name may be: a command with its options
        return False


def _run(command: list[str]) -> None:
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise EditorFailed(
            f"The editor {command[0]} cannot be started: {error.strerror or error}.", _NAME_IT
        ) from error
    if code:
        raise EditorFailed(f"The editor {command[0]} ended with code {code}; what was edited is not used.")


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise EditorFailed(
            f"The edited file cannot be read: {error.strerror or error}.", "Save it under its own name."
        ) from error
    if len(data) > LARGEST:
        raise EditorFailed(f"The edited text is longer than {LARGEST:,} bytes; it is not used.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # an editor set to Latin-1 or a Windows code page
    return text.replace("\r\n", "\n")
