"""A model of the Hub: out of its cache, else fetched.

What is in the cache is used without asking the Hub: it works offline, and a model does not change by itself. A model of the
registry is fetched at its pinned revision; another revision that is in the cache already does as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.bases.files import checked
from finetune.bases.registry import named
from retrieval.errors import ModelMissing
from retrieval.files import disk_errors

CONNECT_SECONDS = 5.0
PATTERNS: dict[str, Any] = {
    "allow_patterns": ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model"],
    "ignore_patterns": ["*/*", "consolidated*"],  # other formats of the same weights
}
TO_DOWNLOAD = (
    "Check the connection (HTTPS_PROXY; HF_ENDPOINT names a mirror). Or fetch it where there is one with `{command} "
    "--local-dir FOLDER` (in older versions `huggingface-cli download …`), bring the folder here and name it: "
    "{form}/path/to/folder. `{form}mini` needs no download."
)
GATED = (
    "1. Read and accept its licence at {page}. 2. Make a token that may read at https://huggingface.co/settings/tokens and "
    "set HF_TOKEN to it (or `hf auth login`). 3. Try again, once the access is granted."
)


@dataclass(frozen=True)
class Repo:
    """A model of the Hub, and as what it was asked for."""

    id: str
    revision: str
    """A commit; empty: main."""
    name: str
    """As it was asked for; a generator's begins with `hf:`."""

    @property
    def form(self) -> str:
        """What stands before a folder where this name stood."""
        return "hf:" if self.name.startswith("hf:") else ""

    @property
    def to_download(self) -> str:
        base = named(self.id)
        gate = f"It is gated: first {base.access}. " if base and base.gated else ""
        return gate + TO_DOWNLOAD.format(command=download_command(self.id, self.revision), form=self.form)


def fetch(repo: Repo) -> Path:
    """The folder in the Hub's cache, downloaded when it is not there whole. Raises ModelMissing, NoSpace, NoAccess."""
    with _failures(repo):
        if folder := cached(repo.id, repo.revision):
            return folder
        _reach(repo)
        with disk_errors(Path(os.environ.get("HF_HOME", "~/.cache/huggingface"))):
            return _snapshot(repo.id, repo.revision)


def cached(repo: str, revision: str = "") -> Path | None:
    """The folder in the Hub's cache, where it is there whole: of this revision, else of the one that main was."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    for wanted in dict.fromkeys((revision, "")):
        try:
            return checked(_snapshot(repo, wanted, local_files_only=True), repo)
        except (LocalEntryNotFoundError, FileNotFoundError, ModelMissing):
            continue  # not in the cache, or a part of it
    return None


def revision_of(folder: Path) -> str:
    """The commit that a folder of the Hub's cache holds; empty for any other folder."""
    return folder.name if folder.parent.name == "snapshots" else ""


def download_command(repo: str, revision: str = "") -> str:
    """What fetches a model in a shell, without the same weights in other formats."""
    return f'hf download {repo}{f" --revision {revision}" if revision else ""} --exclude "*/*"'


def _snapshot(repo: str, revision: str, **options: Any) -> Path:
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    return Path(snapshot_download(repo, revision=revision or None, **PATTERNS, **options))


def _reach(repo: Repo) -> None:
    """Ask the Hub for the model. A download waits for a server that never answers as long as it takes."""
    import httpx
    from huggingface_hub import HfApi

    try:
        HfApi().model_info(repo.id, timeout=CONNECT_SECONDS)
    except (httpx.TransportError, ConnectionError) as error:
        raise _unreachable(repo, error) from None


@contextmanager
def _failures(repo: Repo) -> Iterator[None]:
    """What the Hub's client raises, as one message."""
    import httpx
    from huggingface_hub import errors

    page = f"https://huggingface.co/{repo.id}"
    try:
        yield
    except errors.GatedRepoError:
        message = f"{repo.name}: the model is gated, and the Hub does not let us in."
        raise ModelMissing(message, GATED.format(page=page)) from None
    except errors.RepositoryNotFoundError:
        hint = f"Look it up at {page}; a private one needs HF_TOKEN. A folder is named like {repo.form}./folder."
        raise ModelMissing(f"{repo.name}: the Hub has no model {repo.id}.", hint) from None
    except errors.RevisionNotFoundError:
        message = f"{repo.name}: the Hub has no revision {repo.revision} of {repo.id} any more."
        hint = f"Fetch the one it has with `{download_command(repo.id)}`: what is in the cache is used."
        raise ModelMissing(message, hint) from None
    except errors.HFValidationError:
        message = f"{repo.name}: `{repo.id}` is neither a folder nor a name on the Hub."
        form = repo.form
        raise ModelMissing(message, f"Write {form}org/name, {form}./folder or {form}/path/to/folder.") from None
    except errors.LocalEntryNotFoundError as error:
        raise _unreachable(repo, error) from None
    except (errors.HfHubHTTPError, httpx.HTTPError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelMissing(f"{repo.name}: the download failed: {why}.", repo.to_download) from None


def _unreachable(repo: Repo, error: Exception) -> ModelMissing:
    from huggingface_hub.errors import OfflineModeIsEnabled

    if isinstance(error, OfflineModeIsEnabled):
        message = f"{repo.name} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it."
        return ModelMissing(message, f"Unset HF_HUB_OFFLINE. {repo.to_download}")
    message = f"{repo.name} is not on this machine, and the Hub cannot be reached."
    return ModelMissing(message, repo.to_download)
