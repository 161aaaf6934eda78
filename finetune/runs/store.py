"""Every run of a workspace: those below the models folder are found by looking, others are named in `runs.json` there."""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from finetune.bases.files import is_folder, path_of
from finetune.runs.digests import TornRun, keeping
from finetune.runs.folder import RunFolder, torn
from finetune.runs.manifest import MANIFEST, Manifest, NewerRun, read_manifest
from retrieval.errors import BadInput, Busy, NotFound
from retrieval.files import private_folder, sync_folder, write_private

State = Literal["done", "running", "interrupted", "torn"]
ELSEWHERE = "runs.json"
TRASH = ".deleted-"
_REQUEST = "request.json"


@dataclass(frozen=True)
class Run:
    """A run as its folder tells it."""

    folder: RunFolder
    id: str
    created: str
    """As ISO 8601."""
    state: State
    """done; running; interrupted: no manifest, and nobody works on it; torn: its files are not as they were written."""
    manifest: Manifest | None
    request: Mapping[str, Any]
    why: str = ""
    """What is wrong with a torn one."""

    @property
    def path(self) -> Path:
        return self.folder.path

    @property
    def config(self) -> Mapping[str, Any]:
        """The options it was trained with; of a run that is not finished, those it was asked for."""
        asked = self.request.get("config")
        return self.manifest.config if self.manifest else asked if isinstance(asked, dict) else {}

    @property
    def name(self) -> str:
        """What the training was told to call the model; empty for nothing."""
        return str(self.config.get("name") or "")

    @property
    def resume(self) -> str:
        """The command line that goes on with it."""
        return f"dyag train --resume --output {shlex.quote(str(self.path))}"

    def whole(self) -> Manifest:
        """The manifest of a finished run, every file of it checked. Raises TornRun, NewerRun, NotFound."""
        if self.state in ("running", "interrupted"):
            hint = "Wait for it." if self.state == "running" else f"Go on with it: {self.resume}"
            raise NotFound(f"The run {self.id} is not finished: it is {self.state}.", hint)
        return self.folder.verify()


@dataclass(frozen=True)
class Runs:
    """The runs of a models folder."""

    models: Path

    @property
    def folder(self) -> Path:
        return self.models / "runs"

    def new_id(self) -> str:
        """`20261104-153012-a1f3`, which no run has."""
        taken = {run.id for run in self.all()}
        while (made := f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}") in taken:
            pass
        return made

    def place(self, run_id: str, output: Path | None = None) -> RunFolder:
        """The folder a new run is to have, and to be found in; it is not made yet. Raises NoSpace, NoAccess."""
        path = (output or self.folder / run_id).absolute()
        if not _is_below(path, self.models):
            self._change_list(lambda paths: paths | {path})
        return RunFolder(path)

    def all(self) -> list[Run]:
        """Every run, the newest first."""
        found = {path.resolve(): read_run(path) for path in self._paths() if _holds_run(path)}
        return sorted(found.values(), key=lambda run: (run.created, run.id), reverse=True)

    def find(self, text: str, among: Collection[State] = ()) -> Run:
        """The run of an id or its beginning, of a name or a folder's name, of a path to it or to its `final`; `promoted`;
        `latest`, the newest that is done. `among`: only in these states. Raises NotFound, BadInput when several are meant.
        """
        if text == "promoted":
            return self._promoted()
        runs = [run for run in self.all() if not among or run.state in among]
        if text == "latest" and runs:
            return next((run for run in runs if run.state == "done"), runs[0])
        called = [run for run in runs if text and text in (run.id, run.path.name, run.name)]
        found = called or [run for run in runs if text and run.id.startswith(text)]
        if len(found) > 1:
            hint = f"Write the id of one: {', '.join(run.id for run in found[:4])}."
            raise BadInput(f"{len(found)} runs {'are called' if called else 'begin with'} `{text}`.", hint)
        named = found or self._at(text)
        if not named:
            raise NotFound(f"There is no run `{text}`.", "`dyag runs` lists what there is.")
        return named[0]

    def delete(self, run: Run) -> None:
        """Remove the folder of a run, and links to it: at once as far as anyone can see. Raises Busy, NoAccess."""
        real = run.path.resolve()
        links = {path for path in (run.path, *self._paths()) if path.is_symlink() and path.resolve() == real}
        if RunFolder(real).running:
            raise Busy(f"The run {run.id} is running.", "Ctrl-C it where it runs, or `dyag jobs cancel` its job.")
        with keeping(real), RunFolder(real).claimed():  # nobody resumes it meanwhile
            trash = real.with_name(f"{TRASH}{real.name}-{secrets.token_hex(2)}")
            real.rename(trash)
            sync_folder(trash.parent)
            for link in links:
                link.unlink(missing_ok=True)
            self._change_list(lambda paths: paths - {run.path, real, *links})
            shutil.rmtree(trash)
        self._sweep()

    def _sweep(self) -> None:
        """Remove what a delete that was killed had still to remove."""
        for pattern in (f"{TRASH}*", f"*/{TRASH}*"):
            for left in (path for path in self.models.glob(pattern) if not path.is_symlink()):
                with keeping(left), suppress(FileNotFoundError):
                    shutil.rmtree(left)

    def _promoted(self) -> Run:
        from finetune.runs.promotion import Promotions

        current = Promotions(self.models).current()
        if current is None:
            raise NotFound("No run is promoted.", "Promote one: dyag promote RUN. `dyag runs` lists them.")
        return current.run()

    def _at(self, text: str) -> list[Run]:
        """The run that lies at a path: relative to the current folder, else to the workspace."""
        for path in (path_of(text, Path.cwd()), path_of(text, self.models.parent)):
            for folder in (path, path.parent) if path.name == "final" else (path,):
                if text and _holds_run(folder):
                    return [read_run(folder)]
        return []

    def _paths(self) -> Iterator[Path]:
        """Folders that may hold a run."""
        if self.models.is_dir():
            for pattern in ("*", "*/*"):
                yield from (path for path in self.models.glob(pattern) if is_folder(path) and TRASH not in path.name)
        yield from self._elsewhere()

    def _elsewhere(self) -> list[Path]:
        """Folders outside of the models folder that were named with --output; a list that is torn is only a list."""
        try:
            found = json.loads((self.models / ELSEWHERE).read_bytes())
        except (OSError, ValueError, RecursionError):
            return []
        return [Path(path) for path in found if isinstance(path, str)] if isinstance(found, list) else []

    def _change_list(self, changed: Callable[[set[Path]], set[Path]]) -> None:
        import filelock

        with keeping(self.models):
            private_folder(self.models)
            with filelock.FileLock(self.models / f".{ELSEWHERE}.lock", mode=0o600):
                before = set(self._elsewhere())
                if (after := changed(before)) != before:
                    text = json.dumps(sorted(map(str, after)), ensure_ascii=False, indent=1)
                    write_private(self.models / ELSEWHERE, f"{text}\n".encode("utf-8", "replace"))


def read_run(path: Path) -> Run:
    """What a folder tells of its run; sizes are looked at, hashes are not."""
    folder = RunFolder(path)
    manifest: Manifest | None = None
    why = ""
    try:
        manifest = read_manifest(path / MANIFEST)
        why = _looks_torn(path, manifest)
    except NotFound:
        pass
    except (TornRun, NewerRun) as error:
        why = error.message
    request = _request(folder)
    own_id, created = str(request.get("id") or path.name), str(request.get("created") or "")
    if manifest is not None:
        return Run(folder, manifest.id, manifest.created, "torn" if why else "done", manifest, request, why)
    state: State = "torn" if why else "running" if folder.running else "interrupted"
    return Run(folder, own_id, created, state, None, request, why)


def _looks_torn(path: Path, manifest: Manifest) -> str:
    for name, size in manifest.sizes.items():
        file = path / name
        if not file.is_file() or file.stat().st_size != size:
            return torn(path, f"{name} {'has another size' if file.is_file() else 'is missing'}").message
    return ""


def _request(folder: RunFolder) -> Mapping[str, Any]:
    try:
        return folder.read_request()
    except TornRun:
        return {}


def _holds_run(path: Path) -> bool:
    """Whether one can be seen there: the folder of another user holds none."""
    try:
        return (path / MANIFEST).is_file() or (path / _REQUEST).is_file()
    except OSError:
        return False


def _is_below(path: Path, models: Path) -> bool:
    """Whether looking finds it: two levels down at most."""
    try:
        return len(path.resolve().relative_to(models.resolve()).parts) <= 2
    except ValueError:
        return False
