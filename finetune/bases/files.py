"""Where the files of a model are: in this project, in a folder of one's own, in the Hub's cache, else on the Hub."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from finetune.bases.registry import MINI, named
from retrieval.errors import ModelMissing

ADAPTER = "adapter_config.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
"""Weights that may run code as they are read."""
TO_CONVERT = (
    "Its {found} may run code, so it is not read. Where you trust it, convert it once: `AutoModelForCausalLM.from_pretrained"
    '("{folder}").save_pretrained("{folder}-safe")`, with the tokenizer beside; then name that folder.'
)


def find(source: str, name: str, beside: Path | None = None) -> Path:
    """The folder of a model, fetched if it must be; `name` is what messages call it. Raises ModelMissing.

    `source` is a short name of the registry, a folder, relative to `beside`, or `org/name` on the Hub. A folder that has a
    short name's name is written `./name`.
    """
    from finetune.bases.hub import Repo, fetch

    base = named(source)
    if base and not base.hub:
        return _shipped(name)
    folder = path_of(source, beside or Path())
    if not base and (is_folder(folder) or is_path(source)):
        return checked(folder, name)
    return checked(fetch(Repo(base.hub, base.revision, name) if base else Repo(source, "", name)), name)


def is_adapter(folder: Path) -> bool:
    """Whether the folder holds a LoRA adapter, not a whole model."""
    return (folder / ADAPTER).is_file()


def read_json(path: Path, name: str) -> dict[str, Any]:
    """A configuration file. Raises ModelMissing."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelMissing(f"{name}: {path} cannot be read: {error}.", "Fetch or export the model again.") from error
    if not isinstance(data, dict):
        raise ModelMissing(f"{name}: {path} holds no JSON object.", "Fetch or export the model again.")
    return data


def weights(folder: Path, name: str) -> list[Path]:
    """The safetensors files of a model or adapter; those an index names, where there is one. Raises ModelMissing."""
    index = folder / "model.safetensors.index.json"
    if is_adapter(folder):
        files = {folder / "adapter_model.safetensors"}
    elif index.is_file():
        named = read_json(index, name).get("weight_map")
        files = {folder / str(file) for file in (named.values() if isinstance(named, dict) else ("model.safetensors",))}
    else:
        files = {folder / "model.safetensors"}
    if missing := sorted(str(file.name) for file in files if not file.is_file()):
        other = next((found.name for pattern in PICKLES for found in sorted(folder.glob(pattern))), "")
        message = f"{name}: {folder} lacks the weights {', '.join(missing[:3])}."
        hint = TO_CONVERT.format(found=other, folder=folder) if other else ""
        raise ModelMissing(message, hint or "Fetch the model again, or choose one that has safetensors weights.")
    return sorted(files)


def is_path(source: str) -> bool:
    """Whether a name can only be that of a folder."""
    return source.startswith((".", "~", "/", "\\")) or Path(source).is_absolute() or source.count("/") > 1


def path_of(source: str, beside: Path) -> Path:
    """Where a folder of this name is; `~` is the home of a user there is."""
    try:
        return beside / Path(source).expanduser()
    except (RuntimeError, ValueError):
        return beside / source


def is_folder(path: Path) -> bool:
    """Whether it is one that can be looked at; no name is too long to ask for."""
    try:
        return path.is_dir()
    except OSError:
        return False


def checked(folder: Path, name: str) -> Path:
    """The same folder, absolute, if it holds a whole model or adapter. Raises ModelMissing."""
    if not is_folder(folder):
        raise ModelMissing(f"{name}: there is no folder {folder}.", "Name a folder with a model in it, or org/name.")
    if not is_adapter(folder) and not (folder / "config.json").is_file():
        message = f"{name}: {folder} holds no model: it has neither config.json nor {ADAPTER}."
        raise ModelMissing(message, "Name the folder that `save_pretrained` or `hf download` wrote.")
    weights(folder, name)
    return folder.absolute()


def _shipped(name: str) -> Path:
    if not MINI.is_dir():
        message = f"{name}: the base that is shipped is not in {MINI}."
        raise ModelMissing(message, "Fetch the project whole, or make it with `python -m finetune.pretrain`.")
    return checked(MINI, name)
