"""Where things are: the workspace a command works in, and the paths derived from it. Reading creates nothing."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from assistant import __version__
from retrieval.errors import NotFound
from retrieval.files import private_folder

SETTINGS_FILE = "dyag.toml"


@dataclass(frozen=True)
class Home:
    """A workspace folder (absolute; it may not exist yet) and what chose it."""

    path: Path
    origin: str

    @property
    def settings(self) -> Path:
        return self.path / SETTINGS_FILE

    @property
    def env(self) -> Path:
        return self.path / ".env"

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def library(self) -> Path:
        return self.data / "library.sqlite3"

    @property
    def journal(self) -> Path:
        return self.data / "journal.sqlite3"

    @property
    def index(self) -> Path:
        return self.data / "index"

    @property
    def lock(self) -> Path:
        return self.data / "index.lock"

    @property
    def log(self) -> Path:
        return self.data / "dyag.log"

    @property
    def models(self) -> Path:
        return self.path / "models"


def find_home(flag: Path | None, environ: Mapping[str, str], cwd: Path) -> Home:
    """`--home`, else `DYAG_HOME`, else the nearest folder upwards that holds `dyag.toml`, else `cwd`.

    Raises NotFound when a path that was asked for is a file.
    """
    if flag is not None:
        return _chosen(cwd / flag, "--home")
    if environ.get("DYAG_HOME"):
        return _chosen(cwd / Path(environ["DYAG_HOME"]).expanduser(), "environment DYAG_HOME")
    if not (cwd / SETTINGS_FILE).is_file():
        for folder in cwd.parents:
            if _is_ours(folder / SETTINGS_FILE):
                return Home(folder, f"{SETTINGS_FILE} above the current folder")
    return Home(cwd, "current folder")


def log_traceback(home: Home) -> None:
    """Append the traceback of the exception being handled to the log. Raises OSError, NoAccess, NoSpace."""
    private_folder(home.log.parent)
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    with open(os.open(home.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(f"--- {now} dyag {__version__}\n{traceback.format_exc()}")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Folder, shared by the user's workspaces, for what can be made again (exported models)."""
    if environ.get("DYAG_CACHE"):
        return Path(environ["DYAG_CACHE"]).expanduser().absolute()
    if os.name == "nt" and environ.get("LOCALAPPDATA"):
        return Path(environ["LOCALAPPDATA"], "dyag", "cache")
    # The XDG specification says to ignore a relative path.
    xdg = Path(environ.get("XDG_CACHE_HOME", ""))
    return (xdg if xdg.is_absolute() else Path.home() / ".cache") / "dyag"


def _chosen(path: Path, origin: str) -> Home:
    path = Path(os.path.abspath(path))
    if path.exists() and not path.is_dir():
        raise NotFound(f"The workspace {path} ({origin}) is not a folder.", "Name the folder that holds dyag.toml.")
    return Home(path, origin)


def _is_ours(file: Path) -> bool:
    """Whether settings above the current folder may be obeyed: anyone can leave a `dyag.toml` in /tmp."""
    if not file.is_file():
        return False
    return os.name != "posix" or os.getuid() == 0 or file.stat().st_uid in (0, os.getuid())
