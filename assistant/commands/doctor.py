"""`dyag doctor`: does everything here work, and if not, what mends it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from assistant.command import command
from assistant.screen import ReaderGone
from assistant.workspace import log_traceback
from retrieval.errors import BadInput, UserError

if TYPE_CHECKING:
    from assistant.app import App

LITTLE_SPACE = 500_000_000


@dataclass(frozen=True)
class Check:
    """One thing that was tried."""

    name: str
    state: Literal["ok", "warning", "error"]
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class DoctorResult:
    """What was tried, and how it went."""

    checks: tuple[Check, ...]

    @property
    def exit_code(self) -> int:
        return 1 if any(c.state == "error" for c in self.checks) else 0


@command(examples=("dyag doctor", "dyag doctor --json"))
def doctor(app: App) -> DoctorResult:
    """Check this installation and workspace: Python, settings, disk, models, journal, library, index."""
    return DoctorResult(tuple(_checks(app)))


def _checks(app: App) -> Iterator[Check]:
    from assistant import __version__

    yield Check("dyag", "ok", f"{__version__}, Python {platform.python_version()}, {sys.executable}")
    tried = partial(_tried, app)
    yield tried("settings", lambda: f"{app.settings.index.embedder}, workspace {app.home.path} ({app.home.origin})")
    yield tried("disk", lambda: _disk(app))
    yield tried("embedder", lambda: _embedder(app))
    yield tried("generator", lambda: _generator(app))
    yield tried("training", lambda: _training(app))
    if app.promotions.path.exists():
        yield tried("promoted", lambda: _promoted(app))
    if app.home.journal.exists():
        yield tried("journal", lambda: _journal(app))
    if not app.home.library.is_file():
        yield Check("library", "warning", "nothing indexed yet", "dyag index PATH")
        return
    yield tried("library", lambda: _library(app))
    yield tried("index", lambda: _index(app))


def _tried(app: App, name: str, attempt: Callable[[], str | Check]) -> Check:
    try:
        done = attempt()
    except UserError as error:
        return Check(name, "error", error.message, error.hint)
    except ReaderGone:
        raise
    except Exception as error:  # noqa: BLE001  (what a check meets is its result; the traceback is kept)
        what = " ".join(f"{type(error).__name__}: {error}".split())
        return Check(name, "error", what, _logged(app))
    return done if isinstance(done, Check) else Check(name, "ok", done)


def _logged(app: App) -> str:
    try:
        log_traceback(app.home)
    except (OSError, UserError):
        return ""
    return f"The traceback is in {app.home.log}."


def _disk(app: App) -> str | Check:
    place = next(p for p in (app.home.data, *app.home.data.parents) if os.path.lexists(p))
    if not place.is_dir():
        raise BadInput(f"{place} is not a folder.", "Move it away, or choose another workspace with --home.")
    if not os.access(place, os.W_OK):
        raise BadInput(f"{place} cannot be written.", "Choose another workspace with --home.")
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free at {place}"
    return Check("disk", "warning", text, "Free some space.") if free < LITTLE_SPACE else text


def _embedder(app: App) -> str:
    vector = app.embedder.embed(["dyag"])[0]
    return f"{app.embedder.name}, {len(vector)} dimensions, {app.embedder.window} tokens"


def _generator(app: App) -> str:
    from assistant.generators.auto import choose
    from assistant.generators.load import environment

    if not app.home.library.is_file() and app.settings.answer.generator == "auto":
        # The extractive generator cannot be made without a library.
        name, reason = choose(app.settings.model, environment(app.home.env))
    else:
        name, reason = app.generator.name, app.generator.reason
    notes = [reason, *(["built in: answers from the passages"] if name == "extractive" else [])]
    shown = "; ".join(note for note in notes if note)
    return f"{name} ({shown})" if shown else name


def _training(app: App) -> str | Check:
    from importlib.metadata import version

    from finetune.bases.found import look

    base = app.settings.train.base_model
    made = ", ".join(f"{name} {version(name)}" for name in ("torch", "trl", "peft"))
    if look(base, app.home.path) is None:
        return Check("training", "warning", f"{made}; the base {base} is not here", f"dyag models show {base}")
    return f"{made}; the base {base} is here"


def _promoted(app: App) -> str:
    from finetune.runs.use import check_usable

    current = app.promotions.current()
    if current is None:
        return "none"
    check_usable(current.run(), app.home.path)
    return f"{current.id}, every byte checked"


def _journal(app: App) -> str | Check:
    verdict, loose = app.journal.check(), app.home.journal.stat().st_mode & 0o077
    text = f"{len(app.journal.sessions())} conversations{'' if loose else ', private'}"
    if verdict != "ok":
        raise UserError(f"{app.home.journal}: {verdict}", "Restore a backup of it, or move it away.")
    return (
        Check("journal", "warning", f"{text}, readable by others", f"chmod 600 {app.home.journal}") if loose else text
    )


def _library(app: App) -> str:
    from retrieval.errors import LibraryDamaged

    verdict = app.library.query("PRAGMA quick_check")[0][0]
    if verdict != "ok":
        raise LibraryDamaged(f"{app.home.library}: {verdict}", "Move it away and index your documents again.")
    loose = app.home.library.stat().st_mode & 0o077
    return f"{app.library.count_chunks()} chunks{', readable by others: chmod 600' if loose else ', private'}"


def _index(app: App) -> str:
    from retrieval import generation
    from retrieval.sync import live_manifest

    live = app.searcher.generation()
    try:
        generation.verify(app.home.index, live.manifest.name)
    except generation.Damaged as damage:
        raise UserError(f"the index is damaged: {damage}", "Run `dyag index --rebuild`.") from damage
    manifest = live_manifest(app.home.index)
    behind = manifest is None or not manifest.shows(app.library, manifest.model)
    return (
        f"{live.manifest.chunks} chunks, every byte checked{'; behind the library: run dyag index' if behind else ''}"
    )
