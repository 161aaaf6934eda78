"""A run copied to any place that fsspec reaches, and back: `s3://bucket/runs`, `file:///mnt/share`, `memory://x`.

Every file is hashed, the manifest is written last, and what is there with the right hash is not sent again. A place
without a manifest holds no run; a run that is fetched lies beside its folder until all of it was found right.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from finetune.export.adapter_card import adapter_card
from finetune.export.place import BLOCK, NotStored, Place, Tick
from finetune.runs.digests import digest, keeping, sync_tree
from finetune.runs.folder import RunFolder
from finetune.runs.manifest import MANIFEST, Manifest, read_manifest
from retrieval.errors import BadInput, Busy, NoSpace, NotFound, UserError
from retrieval.files import private_folder, sync_folder, write_private

CARD = "README.md"
LARGEST_MANIFEST = 16 << 20
MARGIN = 1.05
"""Of disk space, for what else is written meanwhile."""
SAFE = (".safetensors", ".json", ".jsonl", ".txt", ".md", ".jinja", ".model", ".png", ".csv")
"""Kinds of files that a run may hold: none of them runs code as it is read."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Stored:
    """A run that was copied."""

    run: str
    place: str
    """Where it lies now: the URL, without a password, or the folder."""
    files: int
    copied: int
    """Of these; the others were there."""
    bytes: int
    """That were copied."""


def push(run: Path, url: str, tick: Tick = lambda what, done, size: None) -> Stored:
    """Copy a finished run into a folder of its own below a URL; given again, it goes on where it was broken off.

    Raises NotStored, BadInput, ModelMissing for a URL whose driver is not installed, TornRun, NotFound.
    """
    manifest = RunFolder(run).verify()
    for name in manifest.artifacts:
        check_file(name)
    there = Place.at(f"{url.rstrip('/')}/{run.name}" if url.strip("/ ") else url)
    _check_same(there, manifest)
    sent = [_send(there, run / name, name, known, tick) for name, known in manifest.artifacts.items()]
    sent += [_put(there, CARD, adapter_card(manifest).encode()), _put(there, MANIFEST, (run / MANIFEST).read_bytes())]
    return Stored(manifest.id, there.shown, len(sent), len([size for size in sent if size]), sum(sent))


def pull(url: str, folder: Callable[[str], Path], tick: Tick = lambda what, done, size: None) -> Stored:
    """Copy a run from a URL into the folder that is chosen for its id; what was fetched before is not fetched again.

    Raises NotFound without a run there, NotStored for one that is torn, BadInput, Busy, ModelMissing, NoSpace, NoAccess.
    """
    import filelock

    there = Place.at(url)
    manifest, own = _manifest_at(there)
    target = folder(manifest.id)
    part = target.parent / f".pulling-{target.name}"
    private_folder(part)
    try:
        with filelock.FileLock(part / ".lock", timeout=0, mode=0o600):
            made = _held(target, manifest) or _fetched(there, manifest, own, part / "run", target, tick)
            shutil.rmtree(part, ignore_errors=True)
            return made
    except filelock.Timeout:
        raise Busy(f"The run {manifest.id} is being fetched already.", "Wait for it to end.") from None


def check_file(name: str) -> None:
    """Raises BadInput for a name that leads out of its folder, and for a file of a kind that may run code."""
    strange = any(part in ("", ".", "..") for part in name.split("/")) or re.search(r"[\\:\x00-\x1f]", name)
    if strange or len(name) > 255 or name in (MANIFEST, CARD):
        raise BadInput(
            f"The run names a file {name[:100]!r}, which cannot be one of its own.", "Nothing of it is used."
        )
    if not name.lower().endswith(SAFE):
        hint = "Runs hold safetensors, JSON and texts; write the weights with save_pretrained."
        raise BadInput(f"The run holds {name}, which may run code as it is read.", hint)


def _send(there: Place, file: Path, name: str, known: str, tick: Tick) -> int:
    """Copy a file, unless it is there; returns the bytes it took. Raises NotStored."""
    size = file.stat().st_size
    if there.digest(name, size, tick) == known:
        return 0
    there.write(name, _blocks(file), size, tick)
    if there.digest(name, None, tick) != known:
        raise NotStored(
            f"{there.shown}/{name} is not what was sent.", "Give the command again, and look at that storage."
        )
    return size


def _put(there: Place, name: str, data: bytes) -> int:
    if there.read(name, LARGEST_MANIFEST) == data:
        return 0
    there.replace(name, data)
    return len(data)


def _check_same(there: Place, manifest: Manifest) -> None:
    """Raises NotStored where another run lies; with a verdict that came later it is the same one."""
    data = there.read(MANIFEST, LARGEST_MANIFEST)
    try:
        found = json.loads(data) if data else None
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and found.get("artifacts") != dict(manifest.artifacts):
        raise NotStored(f"{there.shown} holds another run.", "Move it away, or name another place.")


def _manifest_at(there: Place) -> tuple[Manifest, bytes]:
    """The manifest, all that it names looked at, and its bytes. Raises NotFound, NotStored, BadInput."""
    data = there.read(MANIFEST, LARGEST_MANIFEST)
    if data is None:
        hint = "Name the folder of one run, as `dyag runs push` told it. A push that was broken off is given again."
        raise NotFound(f"{there.shown} holds no run: there is no {MANIFEST}.", hint)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / MANIFEST).write_bytes(data)
        try:
            manifest = read_manifest(Path(folder) / MANIFEST)
        except UserError as error:
            raise NotStored(f"{there.shown}: its {MANIFEST} cannot be read.", "Push the run again.") from error
    if not _ID.fullmatch(manifest.id):
        raise BadInput(f"{there.shown}: {manifest.id[:100]!r} is no name of a run.", "Nothing of it is used.")
    for name in manifest.artifacts:
        check_file(name)
    if not manifest.artifacts or set(manifest.sizes) != set(manifest.artifacts):
        raise BadInput(f"{there.shown} names no files, or not their sizes.", "Push it with this version of dyag.")
    return manifest, data


def _held(target: Path, manifest: Manifest) -> Stored | None:
    """The same run, where it is here already. Raises BadInput where something else lies, TornRun."""
    if not target.exists() and not target.is_symlink():
        return None
    if (target / MANIFEST).is_file() and RunFolder(target).verify().artifacts == manifest.artifacts:
        return Stored(manifest.id, str(target), len(manifest.artifacts) + 1, 0, 0)
    raise BadInput(f"{target} is there already, and is not this run.", "Name another folder with --output.")


def _fetched(there: Place, manifest: Manifest, own: bytes, part: Path, target: Path, tick: Tick) -> Stored:
    """Fetch what is missing, then give the folder its name."""
    private_folder(part)
    missing = [name for name, known in manifest.artifacts.items() if not _is_there(part / name, known)]
    needed = sum(manifest.sizes[name] for name in missing)
    free = shutil.disk_usage(part).free
    if free < needed * MARGIN:
        message = f"The run needs {needed / 1e9:.2f} GB under {target.parent}, and {free / 1e9:.2f} GB are free."
        raise NoSpace(message, "Free some disk space, or name a folder on another disk with --output.")
    for name in missing:
        _fetch(there, name, manifest, part / name, tick)
    with keeping(part):
        known = {part / name for name in manifest.artifacts}
        for stray in [path for path in part.rglob("*") if path.is_file() and path not in known]:
            stray.unlink()  # of a run that lay at that address before
        write_private(part / MANIFEST, own)
        sync_tree(part)
        part.rename(target)
        sync_folder(target.parent)
    return Stored(manifest.id, str(target), len(manifest.artifacts) + 1, len(missing) + 1, needed + len(own))


def _is_there(file: Path, known: str) -> bool:
    return file.is_file() and not file.is_symlink() and digest(file) == known


def _fetch(there: Place, name: str, manifest: Manifest, file: Path, tick: Tick) -> None:
    """One file; no more of it than the manifest says. Raises NotStored, NoSpace, NoAccess."""
    size, done, found = manifest.sizes[name], 0, hashlib.sha256()
    hint = "Push the run again; nothing of it is used."
    torn = NotStored(f"{there.shown}/{name} is not what the manifest says.", hint)
    private_folder(file.parent)
    try:
        with keeping(file), file.open("wb") as opened:
            for block in there.blocks(name):
                done += len(block)
                if done > size:
                    raise torn
                found.update(block)
                opened.write(block)
                tick(f"fetching {name}", done, size)
    except FileNotFoundError as error:
        raise torn from error
    if found.hexdigest() != manifest.artifacts[name]:
        raise torn


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            yield block
