"""A folder for what a dataset is made with: large, private, and gone afterwards."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from retrieval.files import disk_errors, no_space

PREFIX = "dyag-dataset-"
LEFT = 24 * 3600
"""Seconds after which a folder was left by a run that was killed."""


@contextmanager
def scratch() -> Iterator[Path]:
    """The folder. Raises NoSpace when its disk is full, NoAccess when none can be made."""
    _sweep(Path(tempfile.gettempdir()))
    with disk_errors(Path(tempfile.gettempdir())), tempfile.TemporaryDirectory(prefix=PREFIX) as name:
        try:
            yield Path(name)
        except sqlite3.OperationalError as error:
            if "full" in str(error) or "disk I/O error" in str(error):
                raise no_space(Path(name)) from error
            raise


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another user's, or gone by now
            if left.stat().st_mtime < time.time() - LEFT:
                shutil.rmtree(left)
