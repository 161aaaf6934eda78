"""`dyag index`, `dyag status`, `dyag chunk`: documents in, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.command import BadUsage, command
from retrieval.errors import BadInput, NoIndex, NotFound

if TYPE_CHECKING:
    from assistant.app import App

_READ = "Markdown, text, HTML, PDF, Office files, CSV, JSON, XML and e-mail"


@dataclass(frozen=True)
class FailureView:
    """A file, or a record of one, that is not in the index."""

    path: str
    reason: str
    whole_file: bool


@dataclass(frozen=True)
class IndexResult:
    """What a sync did, in files."""

    added: int
    changed: int
    removed: int
    renamed: int
    unchanged: int
    failed: int
    failures: tuple[FailureView, ...]
    documents: int
    chunks: int
    embedded: int
    generation: str
    seconds: float
    forgotten: int = 0

    @property
    def exit_code(self) -> int:
        """1 when nothing is indexed now, unless that was asked for."""
        return 0 if self.documents or self.forgotten else 1


@dataclass(frozen=True)
class StatusResult:
    """The library and its index as they are."""

    home: Path
    documents: int
    chunks: int
    deleted_chunks: int
    files: dict[str, int]
    """Files by state: ok, failed, partial (interrupted)."""
    model: str
    dimension: int
    vectors: str
    generation: str
    current: bool
    """Whether the index shows everything in the library."""
    created: float
    """When the index was built, in seconds since the epoch; 0 when there is none."""
    library_bytes: int
    index_bytes: int
    roots: tuple[str, ...]
    failures: tuple[FailureView, ...]


@dataclass(frozen=True)
class ChunkFileResult:
    """A file of DYAG chunks that was written."""

    output: Path
    documents: int
    chunks: int
    failures: tuple[FailureView, ...]


@command(
    background=True,
    examples=("dyag index docs/ notes.pdf", "dyag index", "dyag index --rebuild", "dyag index --forget old-docs/"),
)
def index(
    app: App,
    paths: Annotated[list[Path] | None, typer.Argument(help="Files and folders; none: everything known.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read every file again and write a new index.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Drop these paths from the library instead.")] = False,
) -> IndexResult:
    """Read documents and make them searchable; run it again to pick up what changed.

    Unchanged files cost nothing; of a changed file only changed chunks are embedded again. Interrupt it whenever you
    like: what is done is kept, and the last good index goes on answering. Files named in a .dyagignore are left out.

    A path without a file that can be read is said; exit code 1 means that nothing is indexed.
    """
    from assistant.progress import SyncProgress

    wanted = list(paths or [])
    if forget and rebuild:
        raise BadUsage("--forget and --rebuild do not go together.", "Forget first, then run `dyag index --rebuild`.")
    if forget and not wanted:
        raise BadUsage("--forget needs the paths to drop.", "dyag index --forget PATH…")
    if (forget or not wanted) and not app.home.library.is_file():
        raise NoIndex(f"Nothing has been indexed in {app.home.path} yet.", "Name files or folders: dyag index PATH…")
    empty = [] if forget else _empty(app, wanted)
    with SyncProgress(app.screen) as progress, app.writer(progress) as sync:
        from retrieval.roots import forget as drop

        forgotten = drop(sync.library, *wanted) if forget else 0
        report = sync.run([] if forget else wanted, rebuild=rebuild)
    for nothing in empty:
        app.screen.error(nothing.message, nothing.hint)
    failures = tuple(FailureView(f.path, f.reason, f.whole_file) for f in report.failures)
    counts = (report.added, report.changed, report.removed, report.renamed, report.unchanged, report.failed)
    return IndexResult(
        *counts,
        failures,
        report.documents,
        report.chunks,
        report.embedded,
        report.generation,
        report.seconds,
        forgotten,
    )


def _empty(app: App, wanted: Sequence[Path]) -> list[BadInput]:
    """What is to be said of paths that hold nothing. Raises when there would be nothing to index at all."""
    missing = [p for p in wanted if not p.expanduser().exists() and not p.is_symlink()]
    if missing:
        raise NotFound(f"There is no file or folder {missing[0]}.", "Check the path; nothing was changed.")
    empty = [_nothing_in(p) for p in wanted if _is_empty(app, p)]
    if empty and len(empty) == len(wanted) and not app.home.library.is_file():
        raise empty[0]
    return empty


def _is_empty(app: App, path: Path) -> bool:
    """Whether there is nothing to be read or reported under a path; stops at the first file."""
    from retrieval.load.walk import walk

    own = (app.home.index, app.home.library, app.home.log, app.home.lock)
    return next(walk([path.expanduser()], own), None) is None


def _nothing_in(path: Path) -> BadInput:
    hint = f"Put documents there ({_READ}) and run `dyag index {path}`; hidden and ignored files are left out."
    return BadInput(f"No file that can be read was found under {path}.", hint)


@command(examples=("dyag status", "dyag status --json"))
def status(app: App) -> StatusResult:
    """Show what is indexed, with which model, how large it is, and what failed."""
    from retrieval.sync import live_manifest

    library, live = app.library, live_manifest(app.home.index)
    deleted = library.query("SELECT COUNT(*) FROM chunks WHERE deleted_at IS NOT NULL")[0][0]
    states = Counter(
        dict(library.query("SELECT status, COUNT(*) FROM files WHERE status != 'removed' GROUP BY status"))
    )
    rows = library.query(
        "SELECT path, reason, status FROM files WHERE reason != '' AND status != 'removed' ORDER BY path"
    )
    return StatusResult(
        app.home.path,
        library.count_documents(),
        library.count_chunks(),
        deleted,
        dict(states),
        live.model if live else "",
        live.dimension if live else 0,
        live.kind if live else "",
        live.name if live else "",
        bool(live and live.shows(library, live.model)),
        live.created if live else 0.0,
        app.home.library.stat().st_size,
        sum(p.stat().st_size for p in app.home.index.rglob("*") if p.is_file()) if app.home.index.is_dir() else 0,
        tuple(row[0] for row in library.query("SELECT path FROM roots ORDER BY path")),
        tuple(FailureView(p, reason, state == "failed") for p, text, state in rows for reason in text.split("\n")),
    )


@command(examples=("dyag chunk docs/ --output chunks.jsonl", "dyag chunk --output chunks.jsonl"))
def chunk(
    app: App,
    source: Annotated[
        Path | None, typer.Argument(metavar="IN", help="A file or folder; none: those that are indexed.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write; - for standard output.")] = Path("-"),
) -> ChunkFileResult | None:
    """Cut documents into chunks and write them in the DYAG chunk format, without indexing them.

    One JSON object a line: {"id", "content", "metadata"}; metadata holds title, headings, document and position. Chunks
    that are read keep their id, the others are counted around them.
    """
    from assistant.export import Export, part_of, write_jsonl

    to_stdout = str(output) == "-"
    sources, left_out = _to_cut(app, source)
    export = Export(app, sources, left_out if to_stdout else (*left_out, output, part_of(output)))
    if to_stdout:
        for record in export.records():
            app.screen.json(record)
        for failure in export.failures:
            app.screen.note(f"{failure.path}: {failure.reason}")
        return None
    count = write_jsonl(output, export.records())
    failures = tuple(FailureView(f.path, f.reason, f.whole_file) for f in export.failures)
    return ChunkFileResult(output, export.documents, count, failures)


def _to_cut(app: App, source: Path | None) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """The paths to read and those below to leave out: of what is indexed, if none is named. Raises NotFound, NoIndex."""
    from retrieval.roots import followed, forgotten

    if source is None:
        return tuple(followed(app.library)), tuple(forgotten(app.library))
    if not source.expanduser().exists():
        raise NotFound(f"There is no file or folder {source}.", "Check the path.")
    return (source.expanduser(),), ()
