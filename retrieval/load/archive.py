"""Look at a zip's directory before anything unpacks it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from retrieval.errors import ParseFailed
from retrieval.load.values import MB

_LARGEST_MB = 500
_RATIO, _RATIO_FROM_MB = 200, 10
_MOST_ENTRIES = 20_000
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def check_zip(path: Path) -> None:
    """Refuse an Office or EPUB file that is damaged, encrypted, or expands beyond reason."""
    with path.open("rb") as file:
        if file.read(len(_OLE)) == _OLE:  # Office wraps an encrypted document in the container of its old formats
            raise ParseFailed("encrypted, or in an old Office format: remove the password, save it again and index it")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise ParseFailed(f"damaged {path.suffix.lower()} file: {error}") from error
    if any(entry.flag_bits & 1 for entry in entries):
        raise ParseFailed("encrypted: remove the password and index it again")
    _check_expansion(entries, path.stat().st_size)


def _check_expansion(entries: list[zipfile.ZipInfo], packed: int) -> None:
    # Against the whole file and not entry by entry: entries may overlap and share the same packed bytes.
    size = sum(entry.file_size for entry in entries)
    bomb = size > _RATIO_FROM_MB * MB and size > _RATIO * packed
    if size > _LARGEST_MB * MB or bomb:
        raise ParseFailed(f"expands to {size // MB} MB (zip bomb?)")
    if len(entries) > _MOST_ENTRIES:
        raise ParseFailed(f"holds {len(entries)} parts (zip bomb?)")
