"""`dyag index`, `dyag status`, `dyag chunk`: documents in, and what became of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.command import command
from retrieval.errors import BadInput, NoIndex, NotFound

if TYPE_CHECKING:
    from assistant.app import App


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
        """1 when nothing at all could be indexed."""
        return 1 if self.failed and not self.documents else 0


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
    """
    from assistant.progress import SyncProgress

    wanted = list(paths or [])
    if not wanted and not app.home.library.is_file():
        raise NoIndex(f"Nothing has been indexed in {app.home.path} yet.", "Name files or folders: dyag index PATH…")
    if forget and not wanted:
        raise BadInput("--forget needs the paths to drop.", "dyag index --forget PATH…")
    missing = [p for p in wanted if not p.expanduser().exists() and not p.is_symlink() and not forget]
    if missing:
        raise NotFound(f"There is no file or folder {missing[0]}.", "Check the path; nothing was changed.")
    with SyncProgress(app.screen) as progress, app.writer(progress) as sync:
        from retrieval.sync import forget as drop

        forgotten = sum(drop(sync.library, path) for path in wanted) if forget else 0
        report = sync.run([] if forget else wanted, rebuild=rebuild)
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
        bool(live and live.revision == library.revision),
        live.created if live else 0.0,
        app.home.library.stat().st_size,
        sum(p.stat().st_size for p in app.home.index.rglob("*") if p.is_file()) if app.home.index.is_dir() else 0,
        tuple(row[0] for row in library.query("SELECT path FROM roots ORDER BY path")),
        tuple(FailureView(p, reason, state == "failed") for p, text, state in rows for reason in text.split("\n")),
    )


@command(examples=("dyag chunk docs/ --output chunks.jsonl",))
def chunk(
    app: App,
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file or folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write; - for standard output.")] = Path("-"),
) -> ChunkFileResult | None:
    """Cut documents into chunks and write them in the DYAG chunk format, without indexing them.

    One JSON object a line: {"id", "content", "metadata"}; metadata holds title, headings, document and position.
    """
    from assistant.export import chunk_records, write_jsonl

    if not source.expanduser().exists():
        raise NotFound(f"There is no file or folder {source}.", "Check the path.")
    failures: list[Any] = []
    documents: set[tuple[str, int]] = set()
    records = chunk_records(app, source.expanduser(), failures, documents)
    if str(output) == "-":
        for record in records:
            app.screen.json(record)
        for path, reason in failures:
            app.screen.note(f"{path}: {reason}")
        return None
    count = write_jsonl(output, records)
    return ChunkFileResult(output, len(documents), count, tuple(FailureView(p, r, True) for p, r in failures))
