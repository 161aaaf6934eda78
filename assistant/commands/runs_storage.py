"""`dyag runs push`, `dyag runs pull`: trainings in a storage that others reach."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import Completes, command
from assistant.commands.runs import RUN

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.export.place import Tick

URL = Annotated[
    str, typer.Argument(help="s3://bucket/folder, file:///mnt/share, or any other address of fsspec.", metavar="URL")
]


@dataclass(frozen=True)
class StoredView:
    """A run that was copied to a storage, or from one."""

    run: str
    place: str
    """The address of the copy, or the folder of the run that was fetched."""
    files: int
    copied: int
    """Of these; the others were there already."""
    bytes: int
    fetched: bool


@command(
    "runs push",
    examples=("dyag runs push latest s3://bucket/models", "dyag runs push promoted file:///mnt/share/models"),
)
def push(app: App, run: RUN, url: URL) -> StoredView:
    """Copy a finished training into a storage, into a folder of its own below URL, with a card that model hubs read.

    All its files go: model, rows, log and manifest, which comes last: what was broken off is no run there. Given again, it
    goes on, and sends nothing that is there with the right hash. Keys are those that the storage's own driver reads.
    """
    from finetune.export.storage import push as copy
    from finetune.runs.store import Runs

    found = Runs(app.home.models).find(run)
    found.whole()
    made = copy(found.path, url, _tick(app))
    return StoredView(made.run, made.place, made.files, made.copied, made.bytes, fetched=False)


@command("runs pull", examples=("dyag runs pull s3://bucket/models/20261104-153012-a1f3",))
def pull(
    app: App,
    url: URL,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A folder that does not exist yet; default: in models/runs."),
        Completes("path"),
    ] = None,
) -> StoredView:
    """Fetch a training from a storage: the folder that `dyag runs push` told.

    Every file is checked against the manifest, and the run appears when all of them are right. Given again, it goes on.
    Only safetensors weights are fetched, and nothing that could run code.
    """
    from finetune.export.storage import pull as copy
    from finetune.runs.store import Runs

    runs = Runs(app.home.models)

    def folder(run_id: str) -> Path:
        known = next((run.path for run in runs.all() if run.id == run_id and run.state == "done"), None)
        chosen = output.expanduser().absolute() if output else known
        return runs.place(run_id, chosen).path

    made = copy(url, folder, _tick(app))
    return StoredView(made.run, made.place, made.files, made.copied, made.bytes, fetched=True)


def _tick(app: App) -> Tick:
    """Show how far a copy is."""
    return lambda what, done, size: app.screen.waiting(f"{what}: {done * 100 // max(size, 1)} % …")
