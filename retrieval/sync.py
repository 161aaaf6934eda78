"""Sync: make the library and its index show what is on disk, doing only what changed.

Walk the known folders, read the files whose size or time moved, write their documents, embed the chunks that are new,
then build and swap in a generation if anything it would show has changed. Every step commits as it goes, so that a sync
killed at any point is simply continued by the next one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from retrieval import chunk as chunking
from retrieval import generation
from retrieval.embed import Embedder, Vectors
from retrieval.errors import Busy, ParseFailed
from retrieval.files import disk_errors, private_folder
from retrieval.ingest import FileWriter, remove_documents
from retrieval.library import Library
from retrieval.load.loader import Loader, Problem, unsupported_reason
from retrieval.load.walk import Found, Unreadable, walk
from retrieval.roots import followed, forgotten, is_unicode, looked_for, remember

COMMIT_SECONDS = 1.0
"""Longest stretch of work a kill can lose while files are read."""
EMBED_WINDOW = 1024
"""Chunks sorted by length together, so that a batch pads little."""
EMBED_STEP = 64
"""Chunks between two reports of progress."""
EMBED_COMMIT = 512
EMBED_SECONDS = 2.0
"""Vectors are stored when there are so many, or after so long: a commit waits for the disk, and a kill loses the rest."""
RACY_NS = 2_000_000_000
"""A file modified this shortly before it was read may have changed again within one tick of its clock."""


class Progress(Protocol):
    """Where long work reports; `total` is None when it is not known."""

    def __call__(self, stage: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True)
class Failure:
    """A file, or a record of one, that could not be read."""

    path: str
    reason: str
    whole_file: bool = True


@dataclass
class SyncReport:
    """What a sync did, in files; `failures` lists every file that is not (wholly) in the index."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    renamed: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)
    documents: int = 0
    chunks: int = 0
    embedded: int = 0
    generation: str = ""
    rebuilt: bool = False
    seconds: float = 0.0


@dataclass
class _Known:
    """A row of `files`."""

    id: int
    size: int
    mtime_ns: int
    sha256: str
    recipe: str
    status: str
    reason: str
    synced_at: float

    def same_stat(self, found: Found, recipe: str) -> bool:
        settled = found.mtime_ns < self.synced_at * 1e9 - RACY_NS
        same = (self.size, self.mtime_ns, self.recipe) == (found.size, found.mtime_ns, recipe)
        # Without a hash it was never opened: the permission that was missing may be there now.
        return same and settled and (self.status == "ok" or (self.status == "failed" and self.sha256 != ""))


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """The workspace's one writer. Raises Busy at once when another process holds it, NoAccess when none can."""
    import filelock

    private_folder(path.parent)
    try:
        with disk_errors(path.parent), filelock.FileLock(path, timeout=0, mode=0o600):
            yield
    except filelock.Timeout:
        raise Busy(
            "Another dyag is indexing this workspace.", "Wait for it to finish; searching works meanwhile."
        ) from None


@dataclass
class Sync:
    """One sync of a workspace; the caller holds the writer's lock."""

    library: Library
    index: Path
    embedder: Embedder
    loader: Loader
    progress: Progress = lambda stage, done, total: None
    vectors: str = "auto"
    exclude: tuple[Path, ...] = ()
    """Folders that are never walked (the workspace's own library and index)."""

    def __post_init__(self) -> None:
        self.report = SyncReport()
        self._recipe = f"{chunking.VERSION}/{self.embedder.window}/{self.embedder.name.split('/')[0]}"
        self._committed = 0.0
        self._touched = False

    def run(self, paths: Sequence[Path] = (), *, rebuild: bool = False) -> SyncReport:
        """Sync these files and folders, or everything known when none are given."""
        start = time.monotonic()
        roots = remember(self.library, paths) if paths else followed(self.library)
        self._files(roots, rebuild)
        self._embed()
        self._index(rebuild)
        self._totals()
        self.report.seconds = time.monotonic() - start
        return self.report

    def read(self, paths: Sequence[Path]) -> SyncReport:
        """Take these files and folders into the library without embedding or indexing them."""
        self._files(remember(self.library, paths), rebuild=False)
        self._totals()
        return self.report

    # files -----------------------------------------------------------------------------------------------------------

    def _files(self, roots: Sequence[Path], rebuild: bool) -> None:
        known = self._known_files()
        found, blocked = self._walk(roots)
        missing = self._missing(known, found, roots, blocked)
        lost = {known[path].sha256: path for path in sorted(missing) if known[path].status == "ok"}
        todo = []
        for path, entry in found.items():
            row = known.get(path)
            if row and not rebuild and row.same_stat(entry, self._recipe):
                self._count_same(path, row)
            else:
                todo.append((path, entry, row))
        with self._batched():
            for number, (path, entry, row) in enumerate(todo):
                self.progress("reading", number, len(todo))
                self._one(path, entry, row, lost, missing, rebuild)
                self._maybe_commit()
            for path in sorted(missing):
                self._remove(known[path])

    def _known_files(self) -> dict[str, _Known]:
        sql = "SELECT path, id, size, mtime_ns, sha256, recipe, status, reason, synced_at FROM files WHERE status != 'removed'"
        return {row[0]: _Known(*row[1:]) for row in self.library.query(sql)}

    def _walk(self, roots: Sequence[Path]) -> tuple[dict[str, Found], list[Path]]:
        """Files found, and the places that could not be looked into."""
        found: dict[str, Found] = {}
        blocked: list[Path] = []
        present = [root for root in roots if root.exists() or root.is_symlink()]
        for root in set(roots) - set(present):
            # A folder that is gone altogether is more often an unmounted disk than a decision.
            if self._had_many(root):
                blocked.append(root)
                self._fail(str(root), "the folder is missing; its documents are kept (dyag index --forget drops them)")
        for entry in walk(present, (*self.exclude, *forgotten(self.library))):
            if isinstance(entry, Unreadable):
                blocked.append(entry.path)
                self._fail(str(entry.path), entry.reason)
            elif not is_unicode(entry.path):
                self._fail(str(entry.path), "its name is not Unicode (UTF-8): rename it")
            else:
                found[str(entry.path)] = entry
                if len(found) % 500 == 0:
                    self.progress("looking", len(found), None)
        return found, blocked

    def _had_many(self, root: Path) -> bool:
        return not self.library.query("SELECT 1 FROM files WHERE path=?", (str(root),))

    def _missing(
        self, known: dict[str, _Known], found: dict[str, Found], roots: Sequence[Path], blocked: Sequence[Path]
    ) -> set[str]:
        """Known files under the walked roots that are no longer there."""
        hidden = forgotten(self.library)
        gone = set()
        for path in known.keys() - found.keys():
            closed = {Path(path), *Path(path).parents}.intersection(blocked)
            if not closed and looked_for(Path(path), set(roots), hidden):
                gone.add(path)
        return gone

    def _count_same(self, path: str, row: _Known) -> None:
        if row.status == "failed":
            self._fail(path, row.reason)
        else:
            self.report.unchanged += 1
            if row.reason:
                self.report.failures += [Failure(path, reason, False) for reason in row.reason.split("\n")]

    def _one(
        self, path: str, entry: Found, row: _Known | None, lost: dict[str, str], missing: set[str], rebuild: bool
    ) -> None:
        reason = unsupported_reason(entry.path)
        try:
            digest = "" if reason else _sha256(entry.path)
        except OSError as error:
            reason, digest = f"cannot be read: {error.strerror}", ""
        if reason:
            self._store(path, entry, digest, "failed", reason)
            self._fail(path, reason)
        elif row and row.status == "ok" and row.sha256 == digest and row.recipe == self._recipe and not rebuild:
            self._store(path, entry, digest, "ok", row.reason)
            self._count_same(path, row)
        elif row is None and digest in lost and lost[digest] in missing:
            old = lost[digest]
            self._rename(old, path, entry)
            missing.remove(old)
            if Path(old).name != Path(path).name:  # a name can be the title, and its suffix chooses the parser
                self._read(path, entry, digest, keep=True)
        else:
            changed = self._read(path, entry, digest, keep=row is not None and row.status != "partial")
            if changed is not None:
                self.report.added += row is None
                self.report.changed += row is not None and changed
                self.report.unchanged += row is not None and not changed

    def _read(self, path: str, entry: Found, digest: str, *, keep: bool) -> bool | None:
        """Parse a file and write its documents; whether anything changed, None when it cannot be read.

        `keep`: a version of it is indexed, and stays whole when this one cannot be read to its end.
        """
        touched = self._touched
        if keep:
            self.library.query("SAVEPOINT before")
        file_id = self._store(path, entry, "", "partial", "")
        writer = FileWriter(self.library, self.embedder, file_id, self._recipe)
        problems: list[str] = []
        try:
            for item in self.loader.load(entry.path):
                if isinstance(item, Problem):
                    problems.append(item.reason)
                else:
                    writer.write(item)
                    self._touch(writer.changed)
                if not keep:
                    self._maybe_commit()
        except ParseFailed as failure:
            if keep:
                self.library.query("ROLLBACK TO before")
                self._touched = touched
            self._store(path, entry, digest, "failed", failure.reason)
            self._fail(path, failure.reason)
            return None
        writer.finish()
        problems += [f"id `{i}` occurs {n + 1} times; all are kept" for i, n in writer.duplicates.items()]
        shown = problems[:20] + ([f"{len(problems) - 20} more problems"] if len(problems) > 20 else [])
        self._store(path, entry, digest, "ok", "\n".join(shown))
        self.report.failures += [Failure(path, reason, False) for reason in shown]
        self._touch(writer.changed)
        return writer.changed

    def _touch(self, changed: bool) -> None:
        """Make the live generation stale before the first change is committed, so that a kill cannot hide it."""
        if changed and not self._touched:
            self.library.bump()
            self._touched = True

    def _store(self, path: str, entry: Found, digest: str, status: str, reason: str) -> int:
        self.library.query(
            """INSERT INTO files(path, size, mtime_ns, sha256, recipe, status, reason, synced_at) VALUES (?,?,?,?,?,?,?,?)
               ON CONFLICT(path) DO UPDATE SET size=excluded.size, mtime_ns=excluded.mtime_ns, sha256=excluded.sha256,
               recipe=excluded.recipe, status=excluded.status, reason=excluded.reason, synced_at=excluded.synced_at""",
            (path, entry.size, entry.mtime_ns, digest, self._recipe, status, reason, time.time()),
        )
        return int(self.library.query("SELECT id FROM files WHERE path=?", (path,))[0][0])

    def _rename(self, old: str, new: str, entry: Found) -> None:
        """The same content under another path: documents, chunks and citations move with it."""
        # A file removed from that path earlier gives up the name, not its tombstoned documents.
        self.library.query("UPDATE files SET path=path || '#' || id WHERE path=? AND status='removed'", (new,))
        self.library.query(
            "UPDATE files SET path=?, size=?, mtime_ns=?, synced_at=? WHERE path=?",
            (new, entry.size, entry.mtime_ns, time.time(), old),
        )
        self.report.renamed += 1

    def _remove(self, row: _Known) -> None:
        ids = [
            r[0]
            for r in self.library.query("SELECT id FROM documents WHERE file_id=? AND deleted_at IS NULL", (row.id,))
        ]
        remove_documents(self.library, ids)
        self.library.query("UPDATE files SET status='removed', reason='', sha256='' WHERE id=?", (row.id,))
        self._touch(bool(ids))
        self.report.removed += 1

    def _fail(self, path: str, reason: str) -> None:
        self.report.failed += 1
        self.report.failures.append(Failure(path, reason))

    # transactions ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _batched(self) -> Iterator[None]:
        """Many small writes in few commits: one at least every COMMIT_SECONDS."""
        self._committed = time.monotonic()
        with self.library.transaction():
            yield

    def _maybe_commit(self) -> None:
        if time.monotonic() - self._committed > COMMIT_SECONDS:
            self.library.query("COMMIT")
            self.library.query("BEGIN IMMEDIATE")
            self._committed = time.monotonic()

    # embeddings and index --------------------------------------------------------------------------------------------

    def _embed(self) -> None:
        missing = self.library.missing_embeddings(self.embedder.name)
        ready: list[tuple[str, Vectors]] = []
        stored = time.monotonic()
        for part in self._embedding_steps(missing):
            self.progress("embedding", self.report.embedded, len(missing))
            vectors = self.embedder.embed([text for _, text in part])
            ready += [(h, vector) for (h, _), vector in zip(part, vectors, strict=True)]
            self.report.embedded += len(part)
            if len(ready) >= EMBED_COMMIT or time.monotonic() - stored >= EMBED_SECONDS:
                self.library.store_embeddings(self.embedder.name, ready)
                ready, stored = [], time.monotonic()
        self.library.store_embeddings(self.embedder.name, ready)
        self.progress("embedding", len(missing), len(missing))

    def _embedding_steps(self, missing: list[tuple[str, int]]) -> Iterator[list[tuple[str, str]]]:
        """(hash, text) to embed, EMBED_STEP at a time, texts of about one length together."""
        for start in range(0, len(missing), EMBED_WINDOW):
            window = missing[start : start + EMBED_WINDOW]
            chunks = self.library.chunks(i for _, i in window)
            pairs = [(h, chunking.embedded_text(c.title, c.headings, c.text)) for h, i in window for c in [chunks[i]]]
            pairs.sort(key=lambda pair: -len(pair[1]))
            for at in range(0, len(pairs), EMBED_STEP):
                yield pairs[at : at + EMBED_STEP]

    def _index(self, rebuild: bool) -> None:
        live = live_manifest(self.index)
        if live and live.shows(self.library, self.embedder.name) and not rebuild and not self._broken(live.name):
            self.report.generation = live.name
            return
        made = generation.build(
            self.index, self.library, self.embedder, self.vectors, lambda stage: self.progress(stage, 0, None)
        )
        self.library.forget_stale_embeddings()
        self.report.generation, self.report.rebuilt = made.name, True

    def _broken(self, name: str) -> bool:
        try:
            generation.open_generation(self.index, name)
        except generation.Damaged:
            return True
        return False

    def _totals(self) -> None:
        self.report.documents = self.library.count_documents()
        self.report.chunks = self.library.count_chunks()


def live_manifest(folder: Path) -> generation.Manifest | None:
    """The live generation's manifest, None when there is none that can be read."""
    name = generation.current_name(folder)
    try:
        return generation.read_manifest(folder, name) if name else None
    except generation.Damaged:
        return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
