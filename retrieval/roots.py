"""Which files and folders a library follows: those it was given, less those it was told to forget."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from retrieval.errors import BadInput, NotFound
from retrieval.ingest import remove_documents
from retrieval.library import Library


def followed(library: Library) -> list[Path]:
    """The files and folders that every sync walks."""
    return [Path(row[0]) for row in library.query("SELECT path FROM roots ORDER BY path")]


def forgotten(library: Library) -> set[Path]:
    """Files and folders below those that are left out."""
    return {Path(row[0]) for row in library.query("SELECT path FROM forgotten")}


def remember(library: Library, paths: Sequence[Path]) -> list[Path]:
    """Follow these paths from now on; returns them as `walk` names them. Raises NotFound, BadInput, nothing changed."""
    roots = [_absolute(path) for path in paths]
    for root in roots:
        if not is_unicode(root):
            raise BadInput(f"The name of {root} is not Unicode (UTF-8).", "Rename it; nothing was changed.")
        if not root.exists() and not root.is_symlink():
            raise NotFound(f"There is no file or folder {root}.", "Check the path; nothing was changed.")
    with library.transaction():
        for root in roots:
            library.query("DELETE FROM forgotten WHERE path=?", (str(root),))
            if not looked_for(root, set(followed(library)), forgotten(library)):
                library.query("INSERT OR IGNORE INTO roots VALUES (?,?)", (str(root), time.time()))
    return roots


def forget(library: Library, *paths: Path) -> int:
    """Stop syncing files or folders and tombstone their documents; returns how many files that were.

    What lies in a folder that is still known stays forgotten until it is indexed by its own name. Raises NotFound, with
    nothing changed, when a path is not known.
    """
    with library.transaction():
        count = sum(_forget(library, _absolute(path)) for path in paths)
        if count:
            library.bump()
    return count


def _forget(library: Library, target: Path) -> int:
    below = "(path=? OR substr(path, 1, ?)=?)"
    place = (str(target), len(str(target)) + 1, f"{target}/")
    rows = library.query(f"SELECT id FROM files WHERE status != 'removed' AND {below}", place)
    roots = library.query(f"SELECT path FROM roots WHERE {below}", place)
    if not rows and not roots:
        raise NotFound(
            f"{target} is not in the library.", "`dyag status` lists the folders it knows; nothing was changed."
        )
    for (file_id,) in rows:
        found = library.query("SELECT id FROM documents WHERE file_id=? AND deleted_at IS NULL", (file_id,))
        remove_documents(library, [row[0] for row in found])
        library.query("UPDATE files SET status='removed', sha256='' WHERE id=?", (file_id,))
    for table in ("roots", "forgotten"):
        library.query(f"DELETE FROM {table} WHERE {below}", place)
    if looked_for(target, set(followed(library)), forgotten(library)):
        library.query("INSERT INTO forgotten VALUES (?)", (str(target),))
    return len(rows)


def looked_for(path: Path, roots: set[Path], hidden: set[Path]) -> bool:
    """Whether a walk from one of these roots comes to the path, with these files and folders left out."""
    above = {path, *path.parents}
    return any(not any(root in place.parents for place in above & hidden) for root in above & roots)


def _absolute(path: Path) -> Path:
    """As `walk` names it: without `..`, links left as they are."""
    return Path(os.path.abspath(path.expanduser()))


def is_unicode(path: Path) -> bool:
    """Whether the library can hold the name; old archives carry names in Latin-1."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
