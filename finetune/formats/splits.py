"""Which split a file holds, by its name: X_train, X_val (or X_validation), X_test (unseen documents), X_test_seen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from finetune.examples import Split

_NAMED = re.compile(r"^(?:.+[_.-])?(?P<split>test_seen|train|training|val|validation|valid|dev|test)$", re.IGNORECASE)
_SPLITS: dict[str, Split] = {
    "train": "train", "training": "train", "val": "val", "validation": "val", "valid": "val", "dev": "val",
    "test": "test", "test_seen": "test_seen",
}  # fmt: skip
_OTHER = {"val": "validation", "validation": "val"}
_HELD_OUT = ("val", "validation", "test", "test_seen")


class Found(NamedTuple):
    """The file that is there, and a remark when it is not the one that was named."""

    path: Path
    note: str = ""


def split_of(path: Path) -> Split | None:
    """The split that a file name tells; None when it tells none."""
    match = _NAMED.match(path.stem)
    return _SPLITS[match["split"].lower()] if match else None


def find_dataset(path: Path) -> Found:
    """The file itself, or `X_val` for `X_validation` (and the reverse) when only that is there."""
    match = _NAMED.match(path.stem)
    other = match and _OTHER.get(match["split"].lower())
    if path.exists() or not match or not other:
        return Found(path)
    named = path.with_name(f"{path.stem[: match.start('split')]}{other}{path.suffix}")
    return Found(named, f"There is no {path}; reading {named}.") if named.is_file() else Found(path)


def held_out(path: Path, given: Sequence[Path] = ()) -> list[Path]:
    """The validation and test files that lie beside a training file and are not `given`."""
    match = _NAMED.match(path.stem)
    if not match or split_of(path) != "train":
        return []
    start = path.stem[: match.start("split")]
    beside = [path.with_name(f"{start}{name}{path.suffix}") for name in _HELD_OUT]
    known = {one.resolve() for one in given}
    return [one for one in beside if one.is_file() and one.resolve() not in known]
