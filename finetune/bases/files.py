"""Where the files of an `hf:` model are: a folder of one's own, the Hub's cache, else the Hub itself.

What is in the cache is used without asking the Hub: it works offline, and a model does not change by itself.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from retrieval.errors import ModelMissing
from retrieval.files import disk_errors

ADAPTER = "adapter_config.json"
NEEDED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"]
UNNEEDED = ["*/*", "consolidated*"]
"""Other formats of the same weights."""
CONNECT_SECONDS = 5.0
TO_DOWNLOAD = (
    "Check the connection (HTTPS_PROXY; HF_ENDPOINT names a mirror), or fetch it where there is one with `hf download "
    "{repo}` (in older versions `huggingface-cli download {repo}`) and name the folder: hf:/path/to/folder."
)


def find(source: str, name: str, beside: Path | None = None) -> Path:
    """The folder of a model; `source` is a folder, relative to `beside`, or `org/name` on the Hub. Raises ModelMissing."""
    folder = (beside or Path()) / Path(source).expanduser()
    if folder.is_dir() or is_path(source):
        return _checked(folder, name)
    return _checked(_from_hub(source, name), name)


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
        other = any(
            (folder / n).is_file() for n in ("pytorch_model.bin", "pytorch_model.bin.index.json", "adapter_model.bin")
        )
        message = f"{name}: {folder} lacks the weights {', '.join(missing[:3])}."
        hint = (
            "Its .bin files may run code, so they are not read: convert them with `save_pretrained`." if other else ""
        )
        raise ModelMissing(message, hint or "Fetch the model again, or choose one that has safetensors weights.")
    return sorted(files)


def is_path(source: str) -> bool:
    """Whether a name can only be that of a folder."""
    return source.startswith((".", "~", "/", "\\")) or Path(source).is_absolute() or source.count("/") > 1


def _checked(folder: Path, name: str) -> Path:
    if not folder.is_dir():
        raise ModelMissing(f"{name}: there is no folder {folder}.", "Name a folder with a model in it, or org/name.")
    if not is_adapter(folder) and not (folder / "config.json").is_file():
        message = f"{name}: {folder} holds no model: it has neither config.json nor {ADAPTER}."
        raise ModelMissing(message, "Name the folder that `save_pretrained` or `hf download` wrote.")
    weights(folder, name)
    return folder.absolute()


def _from_hub(repo: str, name: str) -> Path:
    """The folder in the Hub's cache, downloaded when it is not there whole."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    patterns: dict[str, Any] = {"allow_patterns": NEEDED, "ignore_patterns": UNNEEDED}
    with _failures(repo, name):
        try:
            return _checked(Path(snapshot_download(repo, local_files_only=True, **patterns)), name)
        except (FileNotFoundError, ModelMissing):  # not in the cache, or a part of it
            _reach(repo, name)
            with disk_errors(Path(os.environ.get("HF_HOME", "~/.cache/huggingface"))):
                return Path(snapshot_download(repo, **patterns))


def _reach(repo: str, name: str) -> None:
    """Ask the Hub for the model. A download waits for a server that never answers as long as it takes."""
    import httpx
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(repo, timeout=CONNECT_SECONDS)
    except (httpx.TransportError, ConnectionError) as error:
        raise _unreachable(repo, name, error) from None


@contextmanager
def _failures(repo: str, name: str) -> Iterator[None]:
    """What the Hub's client raises, as one message."""
    import httpx
    from huggingface_hub import errors

    page = f"https://huggingface.co/{repo}"
    try:
        yield
    except errors.GatedRepoError:
        hint = f"Accept its licence at {page}, then set HF_TOKEN to a token of yours (or `hf auth login`)."
        raise ModelMissing(f"{name}: the model is gated, and the Hub does not let us in.", hint) from None
    except errors.RepositoryNotFoundError:
        hint = f"Look it up at {page}; a private one needs HF_TOKEN. A folder is named like hf:./folder."
        raise ModelMissing(f"{name}: the Hub has no model {repo}.", hint) from None
    except errors.HFValidationError:
        message = f"{name}: `{repo}` is neither a folder nor a name on the Hub."
        raise ModelMissing(message, "Write hf:org/name, hf:./folder or hf:/path/to/folder.") from None
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(repo, name, error) from None
    except (errors.HfHubHTTPError, httpx.HTTPError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelMissing(f"{name}: the download failed: {why}.", TO_DOWNLOAD.format(repo=repo)) from None


def _unreachable(repo: str, name: str, error: Exception) -> ModelMissing:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        message = f"{name} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it."
        return ModelMissing(message, f"Unset HF_HUB_OFFLINE. {TO_DOWNLOAD.format(repo=repo)}")
    message = f"{name} is not on this machine, and the Hub cannot be reached."
    return ModelMissing(message, TO_DOWNLOAD.format(repo=repo))
