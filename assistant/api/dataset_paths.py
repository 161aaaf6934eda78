"""A dataset named by a path in a request: a regular file in one of the allowed folders, by no detour.

The file is read later, by the job. Whoever may write in an allowed folder decides what that will be, so a folder that
everybody may write in is refused.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import BadInput, NotFound

if TYPE_CHECKING:
    from assistant.api.options import Options
    from assistant.workspace import Home

ENDINGS = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".txt")
"""Of training files; a database, a log or a key is none."""
LONGEST = 1_000
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_HINT = "Name a .jsonl, .json or .csv file under data/, or under a folder given with --dataset-root."


class BadPath(BadInput):
    """A path that no dataset may have."""


def resolve(text: str, options: Options, home: Home) -> Path:
    """The file, by a path without links. A relative path is relative to the workspace. Raises BadPath, NotFound."""
    _check_form(text)
    path = home.path / text
    for root in (home.data, *options.dataset_roots):
        for start in dict.fromkeys((root, root.resolve())):
            if path.is_relative_to(start) and path != start:
                return _file(root.resolve(), path.relative_to(start), text, options.max_upload)
    raise BadPath("The dataset is outside the folders that datasets may be read from.", _HINT)


def _check_form(text: str) -> None:
    """Refuse what is no plain path: it would be read otherwise by another system, a shell or a log."""
    if not text or len(text) > LONGEST:
        raise BadPath("The dataset's path is empty or too long.", _HINT)
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text):
        raise BadPath("The dataset's path holds a character that is not shown.", _HINT)
    if _SCHEME.match(text) or text.startswith(("~", "//")) or "\\" in text:
        raise BadPath("The dataset is no path of this machine, nor an https address.", _HINT)
    parts = text.split("/")
    if any((part.startswith(".") and part != ".") or part != part.strip() for part in parts):
        raise BadPath("The dataset's path has a part that is hidden, or leads upwards.", _HINT)
    if not text.lower().endswith(ENDINGS):
        raise BadPath("The dataset has not the ending of a training file.", _HINT)


def _file(root: Path, below: Path, text: str, most: int) -> Path:
    """The regular file under a root without links. Raises BadPath, NotFound."""
    path = root / below
    try:
        straight = os.path.realpath(path, strict=True) == str(path)
        found = path.lstat()
    except FileNotFoundError:
        raise NotFound(f"There is no file {text}.", _HINT) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadPath(f"{text} cannot be read: {reason}.", _HINT) from error
    if not straight:
        raise BadPath(f"{text} is a link, or lies behind one.", "Name the file itself.")
    if not stat.S_ISREG(found.st_mode):
        raise BadPath(f"{text} is not a file.", _HINT)
    if _is_open(path, root):
        raise BadPath(f"{text} lies in a folder that everybody may write in.", "Take that right away: chmod o-w.")
    if found.st_size > most:
        raise BadPath(f"{text} is larger than {most:,} bytes.", "Split it, or raise serve.max_upload_mb.")
    return path


def _is_open(path: Path, root: Path) -> bool:
    """Whether everybody may put another file in the place of this one."""
    folders = [folder for folder in path.parents if folder.is_relative_to(root)]
    return os.name == "posix" and any(folder.stat().st_mode & stat.S_IWOTH for folder in folders)
