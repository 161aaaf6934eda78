"""Where a dataset's documents come from: the workspace's index, or files read into a library of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.datasets.scratch import scratch
from finetune.sources import Source
from retrieval.errors import BadInput, NotFound

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.context import Search
    from retrieval.library import Library
    from retrieval.search import Searcher
    from retrieval.sync import Failure


NAMED = 100
"""Files of the input that a manifest lists."""


@dataclass(frozen=True)
class Opened:
    """Documents to make a dataset from."""

    source: Source
    search: Search | None
    """Our own search over them; None when none was asked for."""
    about: dict[str, Any]
    """What the manifest says of the input: no path of this machine."""
    failures: tuple[Failure, ...] = ()
    """Files, and records of files, that could not be read."""


def check_inputs(inputs: Sequence[Path]) -> None:
    """Raises NotFound for a path where there is nothing."""
    missing = next((path for path in inputs if not path.exists()), None)
    if missing is not None:
        hint = "Name DYAG chunks (JSONL), documents, or nothing for the index."
        raise NotFound(f"There is no file or folder {missing}.", hint)


@contextmanager
def opened(app: App, inputs: Sequence[Path], *, search: bool) -> Iterator[Opened]:
    """The documents under these paths, or those of the index when there are none. Raises BadInput, NoIndex.

    `search`: whether they have to be searched, for which files are embedded too.
    """
    if not inputs:
        library = app.library
        if not library.count_documents():
            raise BadInput(
                "The index holds no document.", "Run `dyag index PATH`, or name files: dyag gen-dataset PATH…"
            )
        found = _search(app.searcher) if search else None
        # A path of this machine would be in every row, and in what the seed decides.
        roots = [Path(path).parent for (path,) in library.query("SELECT path FROM roots ORDER BY path")]
        yield Opened(Source(library, roots=roots), found, {"from": "index", **_content(library)})
        return
    with scratch() as folder:
        yield from _read(app, [path.absolute() for path in inputs], folder, search)


def _read(app: App, inputs: Sequence[Path], folder: Path, search: bool) -> Iterator[Opened]:
    """The files in a library of their own, which is gone afterwards."""
    from assistant.progress import SyncProgress
    from retrieval.library import Library
    from retrieval.load.loader import Limits, Loader
    from retrieval.search import Searcher
    from retrieval.sync import Sync

    index = app.settings.index
    (folder / "data").mkdir()
    library = Library(folder / "data" / "library.sqlite3", create=True)
    try:
        with (
            SyncProgress(app.screen) as progress,
            Loader(Limits(index.parse_seconds, index.parse_memory_mb, index.max_file_mb)) as loader,
        ):
            sync = Sync(
                library, folder / "data" / "index", app.embedder, loader, progress, index.vectors, app.own_files
            )
            report = sync.run(inputs) if search else sync.read(inputs)
        if not report.documents:
            raise _nothing(inputs, report.failures)
        roots = [path.parent for path in inputs]
        found = _search(Searcher(library, folder / "data" / "index", app.embedder, _never)) if search else None
        source = Source(library, given=True, roots=roots)
        about = {"from": "files", "files": _files(library, source), **_content(library)}
        yield Opened(source, found, about, tuple(report.failures))
    finally:
        library.close()


def _nothing(inputs: Sequence[Path], failures: Sequence[Failure]) -> BadInput:
    """What to say when nothing was read: why, when there is a reason."""
    names = ", ".join(map(str, inputs))
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        return BadInput(f"Nothing could be read: {failures[0].path}: {failures[0].reason}{more}.", _FORMS)
    return BadInput(f"{names} holds no document: it is empty, or nothing in it can be read.", _FORMS)


_FORMS = (
    "Give DYAG chunks, one JSON object a line with `id` and `content`, or documents: Markdown, text, HTML, PDF, Office."
)


def _never(damage: str) -> None:
    raise RuntimeError(f"a fresh index is damaged: {damage}")


def _search(searcher: Searcher) -> Search:
    return lambda question, language, limit: searcher.search(question, limit, language=language).passages


def _files(library: Library, source: Source) -> dict[str, str]:
    """sha256 of each file by its name, of the first NAMED; the hash of the content covers the others."""
    rows = library.query("SELECT path, sha256 FROM files WHERE status='ok' ORDER BY path LIMIT ?", (NAMED,))
    return {source.shown(path): digest for path, digest in rows}


def _content(library: Library) -> dict[str, Any]:
    """How much there is, and a hash of every chunk, which names the content wherever it lies."""
    digest = hashlib.sha256()
    for (chunk,) in library.iterate("SELECT hash FROM chunks WHERE deleted_at IS NULL ORDER BY id"):
        digest.update(chunk.encode())
    return {"records": library.count_documents(), "chunks": library.count_chunks(), "sha256": digest.hexdigest()}
