"""From the name of a base model to its folder: a shortcut, `org/name` on the Hub, or a folder of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from finetune.bases.files import ADAPTER, checked, find, is_adapter, is_folder, is_path, path_of, read_json
from finetune.bases.hub import cached, revision_of
from finetune.bases.identity import identity
from finetune.bases.registry import BASES, MINI, Base, named, nearest
from retrieval.errors import BadInput, ModelMissing

KINDS = "A base is a short name (`dyag models` lists them), org/name on the Hub, or a folder."
OWN_CODE = "It brings code of its own, which is never run: choose a model that transformers knows."


@dataclass(frozen=True)
class Found:
    """A base model that lies on this machine."""

    name: str
    """As it was asked for."""
    base: Base | None
    """What the registry says of it; None for any other model."""
    folder: Path
    identity: str
    source: str
    """Where to find it again: its shortcut if it is shipped, its name on the Hub, or its folder."""
    revision: str
    """The commit of the Hub; empty for a folder."""


def find_base(name: str, home: Path) -> Found:
    """The base of this name, fetched if it must be; a folder is relative to `home`.

    Raises BadInput for what cannot be a base, ModelMissing for one that is not here and cannot be fetched.
    """
    base = named(name)
    if base is None:
        _check_name(name, home)
    return _found(name, base, find(name, name, beside=home))


def look(name: str, home: Path) -> Found | None:
    """The same base if it lies on this machine; the Hub is not asked. Raises BadInput, ModelMissing."""
    base = named(name)
    if base is None:
        _check_name(name, home)
    beside = path_of(name, home)
    folder = folder_of(base) if base else beside if is_folder(beside) else cached(name)
    return _found(name, base, checked(folder, name)) if folder else None


def folder_of(base: Base) -> Path | None:
    """The folder of a base, where it lies on this machine; the Hub is not asked."""
    if base.hub:
        return cached(base.hub, base.revision)
    return MINI if (MINI / "config.json").is_file() else None


def _found(name: str, base: Base | None, folder: Path) -> Found:
    check_whole(folder, name)
    _check_code(folder, name)
    revision = revision_of(folder)
    source = (base.hub or base.shortcut) if base else name if revision else str(folder)
    return Found(name, base, folder, identity(folder), source, revision)


def _check_name(name: str, home: Path) -> None:
    """Raises BadInput for a word that is neither a folder nor a name on the Hub, and for the folder of a run."""
    folder = path_of(name, home)
    if is_folder(folder):
        if (folder / "final").is_dir() and not (folder / "config.json").is_file():
            raise BadInput(f"{name} is a trained run, not a base.", f"Train it further with --from-run {name}.")
        return
    if is_path(name):
        raise BadInput(f"There is no folder {folder}.", KINDS)
    if name.count("/") != 1:
        close = " or ".join(f"`{known}`" for known in nearest(name))
        guess = f"Did you mean {close}? " if close else f"There are {', '.join(BASES)}. "
        raise BadInput(f"There is no base model `{name}`.", guess + KINDS)


def check_whole(folder: Path, name: str) -> None:
    """Raises BadInput for the folder of an adapter."""
    if is_adapter(folder):
        base = read_json(folder / ADAPTER, name).get("base_model_name_or_path") or "the base it was trained on"
        message = f"{name} is an adapter, not a base model."
        raise BadInput(message, f"Train it further with --from-run {name}, or name {base} to begin anew.")


def _check_code(folder: Path, name: str) -> None:
    """Raises BadInput for a model that only code of its own could load."""
    config = read_json(folder / "config.json", name)
    if config.get("auto_map"):
        from transformers import CONFIG_MAPPING

        if config.get("model_type") not in CONFIG_MAPPING:
            raise BadInput(f"{name} is of no kind that transformers knows.", OWN_CODE)
    if not config.get("model_type"):
        raise ModelMissing(f"{name}: {folder / 'config.json'} names no model_type.", "Fetch or export the model again.")
