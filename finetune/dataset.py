"""The files of a dataset: rows by split, and a manifest, written last, that says what they are and proves what it can.

X_train.jsonl  X_val.jsonl  X_test.jsonl (documents nobody trained on)  X_test_seen.jsonl (documents that trained)
X.manifest.json
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.examples import Split
from finetune.make import SPLITS, Made
from retrieval.errors import BadInput
from retrieval.files import disk_errors
from retrieval.text import fold, words

MANIFEST_VERSION = 1
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """A file that was written."""

    path: Path
    split: Split
    rows: int
    sha256: str


def files_of(output: Path, splits: Sequence[Split], *, split: bool) -> dict[Split, Path]:
    """`data/x.jsonl` → `data/x_train.jsonl` and so on; the path itself where there is one file."""
    if not split:
        return {"train": output}
    stem = output.with_suffix("") if output.suffix == ".jsonl" else output
    return {name: stem.with_name(f"{stem.name}_{name}.jsonl") for name in splits}


def manifest_path(output: Path) -> Path:
    """`data/x.jsonl` → `data/x.manifest.json`."""
    stem = output.with_suffix("") if output.suffix == ".jsonl" else output
    return stem.with_name(f"{stem.name}.manifest.json")


def check_unedited(output: Path, *, force: bool) -> None:
    """Raises BadInput when a file that would be replaced is not as dyag wrote it: somebody's work is in it."""
    if force:
        return
    known = _known(output)
    for path in _possible(output):
        if path.is_file() and known.get(path) != _sha256(path):
            raise BadInput(
                f"{path} exists and is not as `dyag gen-dataset` wrote it: it may hold edits.",
                "Name another file with --output, or replace it with --force.",
            )


def check_output(output: Path) -> None:
    """Raises BadInput for a path that cannot name a dataset."""
    if output.suffix not in (".jsonl", "") or output.name == "-":
        raise BadInput(
            f"{output} cannot name a dataset: it is several files of JSON lines.",
            "Name it X.jsonl: --output data/finetuning/dataset.jsonl gives dataset_train.jsonl and so on.",
        )
    if output.is_dir():
        raise BadInput(f"{output} is a folder.", f"Name a file in it: --output {output / 'dataset.jsonl'}")


def _possible(output: Path) -> list[Path]:
    """Every file of rows that a dataset of this name may have."""
    return [*files_of(output, SPLITS, split=True).values(), output]


def write(output: Path, made: Made, about: Mapping[str, Any], *, split: bool) -> tuple[list[Written], dict[str, Any]]:
    """Write rows and manifest; the files are all new or all as before. Raises NoSpace, NoAccess, BadInput.

    Files that an earlier run wrote under this name and this one does not are removed.
    """
    splits = [name for name in SPLITS if made.rows[name]]
    paths = files_of(output, splits, split=split)
    written = []
    parts: list[tuple[Path, Path]] = []
    with disk_errors(output):
        _make_folder(output)
        try:
            for name, path in paths.items():
                lines = [_line(row) for row in made.rows[name]]
                parts.append((part_of(path), path))
                _write(part_of(path), lines)
                written.append(Written(path, name, len(lines), hashlib.sha256("".join(lines).encode()).hexdigest()))
            manifest = manifest_of(made, written, about)
            text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
            parts.append((part_of(manifest_path(output)), manifest_path(output)))
            _write(part_of(manifest_path(output)), [text])
            _replace(output, parts, set(paths.values()))
        finally:
            for part, _ in parts:
                part.unlink(missing_ok=True)
    return written, manifest


def _make_folder(output: Path) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        part_of(output).touch()
        part_of(output).unlink()
    except (FileExistsError, NotADirectoryError, FileNotFoundError) as error:
        why = f"{output.parent} is a file" if not output.parent.is_dir() else error.strerror
        raise BadInput(f"{output} cannot be written: {why}.", "Name another file with --output.") from error


def part_of(path: Path) -> Path:
    """What a file is written to before it is renamed."""
    return path.with_name(f"{path.name}.part")


def _write(part: Path, lines: Sequence[str]) -> None:
    """A private file, safe on the disk."""
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def _replace(output: Path, parts: Sequence[tuple[Path, Path]], now: set[Path]) -> None:
    """Put the files in place, the manifest last; what an earlier run wrote beside them goes, unless it was edited."""
    stale = [path for path in outdated(output) if path not in now]
    *rows, (manifest, place) = parts
    for part, path in rows:
        part.replace(path)
    for path in stale:
        path.unlink()
    manifest.replace(place)


def outdated(output: Path) -> list[Path]:
    """Files of the dataset of this name that are as dyag wrote them."""
    return [path for path, digest in _known(output).items() if path.is_file() and _sha256(path) == digest]


def _line(row: Row) -> str:
    # Line separators that are no newline in JSON are one to other readers.
    text = (
        json.dumps(row, ensure_ascii=False)
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
        .replace("\x85", "\\u0085")
    )
    return text.encode("utf-8", "replace").decode() + "\n"


def manifest_of(made: Made, written: Sequence[Written], about: Mapping[str, Any]) -> dict[str, Any]:
    """What the files are: no time and no machine is in it, so that the same input gives the same bytes."""
    return {
        "version": MANIFEST_VERSION,
        **about,
        "files": {w.path.name: {"split": w.split, "rows": w.rows, "sha256": w.sha256} for w in written},
        "documents": {**{k: made.documents[k] for k in SPLITS if k in made.documents}, "groups": made.groups},
        "counts": {w.split: _counts(made.rows[w.split]) for w in written},
        "tokens": {w.split: _spread(made.tokens[w.split]) for w in written},
        "drops": dict(sorted(made.drops.counts.items(), key=lambda item: (-item[1], item[0]))),
        "drop_examples": made.drops.examples(),
        "leaks": leaks(made),
    }


def _counts(rows: Sequence[Row]) -> dict[str, Any]:
    about = [row["metadata"] for row in rows]
    named = ("type", "lang", "method")
    counts = {name: dict(sorted(Counter(m[name] for m in about if name in m).items())) for name in named}
    refusals = sum(not m.get("answerable", True) for m in about)
    return {**counts, "refusals": refusals, "forms": len({m["form"] for m in about if m.get("form")})}


def _spread(tokens: Sequence[int]) -> dict[str, int]:
    found = sorted(tokens)
    if not found:
        return {}
    median, p95 = (found[min(len(found) - 1, int(share * len(found)))] for share in (0.5, 0.95))
    return {"total": sum(found), "min": found[0], "median": median, "p95": p95, "max": found[-1]}


def leaks(made: Made) -> dict[str, int]:
    """What crosses from training to the other splits; every number has to be 0.

    The test on seen documents shares documents with training by intent; its questions must be new all the same.
    """
    train = made.rows["train"]
    documents = {d for row in train for d in row["metadata"]["documents"]}
    asked = {question_of(row) for row in train}
    unseen = [row for split in ("val", "test") for row in made.rows[split]]
    every = [*unseen, *made.rows["test_seen"]]
    return {
        "documents": sum(any(d in documents for d in row["metadata"]["documents"]) for row in unseen),
        "near_duplicate_documents": made.crossings,
        "questions": sum(question_of(row) in asked for row in every),
    }


def question_of(row: Row) -> str:
    """The last thing a row asks, folded: what two rows may not share across splits."""
    said = row.get("messages", row.get("prompt"))
    asked = [m["content"] for m in said or () if m["role"] == "user"][-1]
    return " ".join(words(fold(asked)))


def _known(output: Path) -> dict[Path, str]:
    """Hashes of the dataset's files as dyag wrote them."""
    try:
        files = json.loads(manifest_path(output).read_text(encoding="utf-8"))["files"]
        return {path: str(files[path.name]["sha256"]) for path in _possible(output) if path.name in files}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
