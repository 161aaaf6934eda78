"""Index generations: a damaged one is known when it is opened and made again from the library, embedding nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from words import WordEmbedder
from workspace import Workspace

from assistant.app import App
from assistant.workspace import Home
from retrieval import generation
from retrieval.errors import Busy, IndexFailed, NoIndex, NoSpace, WrongEmbedder
from retrieval.generation import Damaged
from retrieval.sync import writer_lock

NAMES = ("ada", "bob", "cleo")
QUESTION = "Que dit la fiche de bob ?"


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    for name in NAMES:
        workspace.write(f"{name}.md", f"# {name}\n\nLa fiche de {name} parle de {name} et de son travail.\n")
    workspace.sync()
    workspace.embedder.embedded.clear()
    return workspace


def live(workspace: Workspace) -> Path:
    """Folder of the live generation."""
    name = generation.current_name(workspace.index)
    assert name is not None
    return workspace.index / name


def entries(workspace: Workspace) -> set[str]:
    return {path.name for path in workspace.index.iterdir()}


# damage --------------------------------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flip(path: Path) -> None:
    """One bit of the last byte: the size stays."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def edit(folder: Path, **fields: Any) -> None:
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **fields}))


def drop(folder: Path, field: str) -> None:
    manifest = folder / "manifest.json"
    fields = json.loads(manifest.read_text())
    del fields[field]
    manifest.write_text(json.dumps(fields))


def replace(path: Path, make: Callable[[Path], Any]) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    make(path)


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def terms(folder: Path) -> Path:
    """The file of the lexical index that holds the words."""
    (path,) = (folder / "lexical").glob("*.term")
    return path


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "vectors cut": lambda folder: cut(folder / "vectors.npy"),
    "vectors flipped": lambda folder: flip(folder / "vectors.npy"),
    "vectors gone": lambda folder: (folder / "vectors.npy").unlink(),
    "ids flipped": lambda folder: flip(folder / "ids.npy"),
    "words flipped": lambda folder: flip(terms(folder)),
    "words gone": lambda folder: terms(folder).unlink(),
    "lexical emptied": lambda folder: empty(folder / "lexical"),
    "lexical gone": lambda folder: shutil.rmtree(folder / "lexical"),
    "manifest gone": lambda folder: (folder / "manifest.json").unlink(),
    "manifest cut": lambda folder: cut(folder / "manifest.json"),
    "manifest binary": lambda folder: (folder / "manifest.json").write_bytes(bytes(range(128, 256))),
    "manifest a list": lambda folder: (folder / "manifest.json").write_text("[]"),
    "manifest of another format": lambda folder: edit(folder, format=generation.FORMAT + 1),
    "manifest with a field too many": lambda folder: edit(folder, colour="blue"),
    "manifest nested deeply": lambda folder: (folder / "manifest.json").write_text("[" * 100_000),
    "manifest of another folder": lambda folder: edit(folder, name="00000001-1"),
    "manifest without a field": lambda folder: drop(folder, "dimension"),
    "manifest with a number for files": lambda folder: edit(folder, files=5),
    "manifest with a list for files": lambda folder: edit(folder, files=[]),
    "manifest with a number for a file": lambda folder: edit(folder, files={"x": 3}),
    "manifest with three values for a file": lambda folder: edit(folder, files={"ids.npy": [1, 2, 3]}),
    "manifest with text for a size": lambda folder: edit(folder, files={"ids.npy": ["a", 2]}),
    "manifest with a NUL in a name": lambda folder: edit(folder, files={"ids\0.npy": [1, 2]}),
    "manifest with text for a revision": lambda folder: edit(folder, revision="1"),
    "manifest with a number for a model": lambda folder: edit(folder, model=1),
    "manifest of more chunks": lambda folder: edit(folder, chunks=99),
    "folder emptied": empty,
}
POINTER: dict[str, Callable[[Path], Any]] = {
    "gone": lambda index: (index / "CURRENT").unlink(),
    "empty": lambda index: (index / "CURRENT").write_bytes(b""),
    "binary": lambda index: (index / "CURRENT").write_bytes(bytes(range(256))),
    "nowhere": lambda index: (index / "CURRENT").write_text("00000009-deadbeef"),
    "outside": lambda index: (index / "CURRENT").write_text("../.."),
    "above": lambda index: (index / "CURRENT").write_text(".."),
    "300 letters": lambda index: (index / "CURRENT").write_text("x" * 300),
    "a folder": lambda index: replace(index / "CURRENT", Path.mkdir),
    "index emptied": empty,
    "index a file": lambda index: replace(index, Path.touch),
    "index gone": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_known_when_the_generation_is_opened(filled: Workspace, damage: str) -> None:
    folder = live(filled)
    DAMAGE[damage](folder)
    with pytest.raises(Damaged):
        generation.open_generation(filled.index, folder.name)


def assert_made_again(workspace: Workspace, before: str) -> None:
    """A whole new generation answers, and no chunk was embedded for it."""
    assert workspace.embedder.embedded in ([], [QUESTION])
    name = generation.current_name(workspace.index)
    assert name not in (None, before)
    generation.verify(workspace.index, str(name))
    assert {line.split("|")[0] for line in workspace.shown()} == {f"{n}.md" for n in NAMES}


@pytest.mark.parametrize("damage", [*DAMAGE, *(f"CURRENT {kind}" for kind in POINTER)])
def test_the_next_search_repairs_once_without_embedding(filled: Workspace, damage: str) -> None:
    before = live(filled)
    pointer = POINTER.get(damage.removeprefix("CURRENT "))
    pointer(filled.index) if pointer else DAMAGE[damage](before)
    with filled.searcher() as searcher:
        for _ in range(2):
            assert searcher.search(QUESTION).passages[0].document == "docs/bob.md"
    assert len(filled.repaired) == 1
    assert_made_again(filled, before.name)


@pytest.mark.parametrize("damage", [*list(DAMAGE)[::3], *(f"CURRENT {kind}" for kind in POINTER)])
def test_the_next_sync_rebuilds_without_embedding(filled: Workspace, damage: str) -> None:
    before = live(filled)
    pointer = POINTER.get(damage.removeprefix("CURRENT "))
    pointer(filled.index) if pointer else DAMAGE[damage](before)
    report = filled.sync()
    assert (report.unchanged, report.embedded, report.rebuilt) == (3, 0, True)
    assert_made_again(filled, before.name)


@pytest.mark.parametrize("name", ["", " \n", "00000009-deadbeef", "..{0}..{0}docs", "{1}", "CURRENT"])
def test_a_pointer_names_a_folder_of_the_index_or_nothing(filled: Workspace, name: str) -> None:
    (filled.index / "CURRENT").write_text(name.format(os.sep, filled.docs))
    assert generation.current_name(filled.index) is None


def test_damage_in_an_index_too_large_for_checksums_is_found_by_verify(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "CHECKSUM_LIMIT", 0)
    folder = live(filled)
    flip(folder / "vectors.npy")
    generation.open_generation(filled.index, folder.name)
    with pytest.raises(Damaged, match=r"vectors\.npy is not what was written"):
        generation.verify(filled.index, folder.name)


@pytest.mark.parametrize("name", ["ids.npy", "lexical/meta.json"])
def test_all_but_the_vectors_is_checked_however_large_the_index(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(generation, "CHECKSUM_LIMIT", 0)
    flip(live(filled) / name)
    with pytest.raises(Damaged, match="is not what was written"):
        generation.open_generation(filled.index, live(filled).name)


class PanicException(BaseException):
    """What tantivy raises when its Rust panics: no `Exception`."""


@pytest.mark.parametrize("error", [PanicException, ValueError, TypeError, SyntaxError])
def test_whatever_a_damaged_file_makes_the_libraries_raise_is_damage(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def fails(folder: Path) -> None:
        raise error("index out of range")

    monkeypatch.setattr(generation.lexical, "LexicalIndex", fails)
    with pytest.raises(Damaged, match="index out of range"):
        generation.open_generation(filled.index, live(filled).name)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, ModuleNotFoundError, NoSpace])
def test_what_no_damage_raises_is_left_alone(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def fails(folder: Path) -> None:
        raise error("enough")

    monkeypatch.setattr(generation.lexical, "LexicalIndex", fails)
    with pytest.raises(error):
        generation.open_generation(filled.index, live(filled).name)


@pytest.mark.parametrize("error", [PanicException, ValueError])
def test_a_search_that_fails_in_a_damaged_index_repairs_it_and_answers(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    with filled.searcher() as searcher:
        opened = searcher.generation()

        def fails(*args: Any) -> None:
            raise error("a wrong bit")

        monkeypatch.setattr(opened.lexical, "search", fails)
        flip(live(filled) / "vectors.npy")
        assert searcher.search(QUESTION).passages[0].document == "docs/bob.md"
    assert filled.repaired == ["vectors.npy is not what was written"]


def test_a_search_that_fails_in_a_sound_index_is_a_bug(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with filled.searcher() as searcher:
        opened = searcher.generation()

        def fails(*args: Any) -> None:
            raise ValueError("a bug")

        monkeypatch.setattr(opened.lexical, "search", fails)
        with pytest.raises(ValueError, match="a bug"):
            searcher.search(QUESTION)
    assert not hasattr(filled, "repaired")


# another library, another embedder -----------------------------------------------------------------------------------


def replaced_library(workspace: Workspace) -> None:
    """Another library in the place of the one that was indexed; both are at their first revision."""
    other = Workspace(workspace.path / "other", workspace.loader, workspace.embedder)
    for name in NAMES:
        other.write(f"{name}.md", f"# {name} II\n\nUne seconde fiche de {name}, tout autre.\n")
    other.sync()
    shutil.copy(other.database, workspace.database)


def test_an_index_of_another_library_is_made_again_by_the_next_search(filled: Workspace) -> None:
    replaced_library(filled)
    with filled.searcher() as searcher:
        assert searcher.search(QUESTION).passages[0].title == "bob II"
    assert filled.repaired == ["it was made from another library"]


def test_an_index_of_another_library_is_made_again_by_the_next_sync(filled: Workspace) -> None:
    replaced_library(filled)
    assert filled.sync(filled.path / "other" / "docs").rebuilt


def test_an_index_is_made_again_for_a_library_that_was_restored(filled: Workspace) -> None:
    shutil.copy(filled.database, filled.path / "backup")
    filled.write("dan.md", "# dan\n\nLa fiche de dan.\n")
    filled.sync()
    shutil.copy(filled.path / "backup", filled.database)
    assert set(filled.found("Que dit la fiche de dan ?")) == {f"{name}.md" for name in NAMES}
    assert filled.repaired == ["it was made from a later state of the library"]


def test_a_lost_index_is_not_made_again_with_another_embedder(filled: Workspace) -> None:
    shutil.rmtree(filled.index)
    good, filled.embedder = filled.embedder, WordEmbedder(name="others/1")
    with pytest.raises(WrongEmbedder, match="words/1, but others/1 is configured") as error:
        filled.found(QUESTION)
    assert "dyag index" in error.value.hint
    assert not filled.index.exists()
    filled.embedder = good
    assert filled.found(QUESTION)[0] == "bob.md"
    assert good.embedded == [QUESTION]


def test_a_lost_index_is_made_again_of_what_this_embedder_has_done(filled: Workspace) -> None:
    filled.embedder = WordEmbedder(name="others/1")
    filled.embedder.stop_after = 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retrieval.sync.EMBED_STEP", 1)
        patch.setattr("retrieval.sync.EMBED_COMMIT", 1)
        with pytest.raises(KeyboardInterrupt):
            filled.sync()
    filled.embedder.stop_after = None
    shutil.rmtree(filled.index)
    assert len(filled.found(QUESTION)) == 2


def test_a_first_sync_killed_before_it_embeds_is_no_index(workspace: Workspace) -> None:
    workspace.write("ada.md", "# ada\n\nUne fiche.\n")
    workspace.embedder.stop_after = 0
    with pytest.raises(KeyboardInterrupt):
        workspace.sync()
    with pytest.raises(NoIndex, match="interrupted") as error:
        workspace.found(QUESTION)
    assert "dyag index" in error.value.hint


def test_an_application_repairs_under_the_writers_lock(filled: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    app = App(Home(filled.path, "test"), {})
    app.embedder = filled.embedder
    shutil.rmtree(filled.index)
    with writer_lock(app.home.lock), pytest.raises(Busy):
        app.searcher.search(QUESTION)
    assert not filled.index.exists()
    assert app.searcher.search(QUESTION).passages[0].title == "bob"
    assert "has to be rebuilt from the library (the index folder is missing or empty)" in capsys.readouterr().err
    app.library.close()


# building ------------------------------------------------------------------------------------------------------------


def test_a_manifest_tells_what_the_generation_holds(filled: Workspace) -> None:
    manifest = generation.read_manifest(filled.index, live(filled).name)
    with filled.library() as library:
        assert (manifest.revision, manifest.chunks) == (library.revision, library.count_chunks())
    assert (manifest.model, manifest.dimension, manifest.kind) == ("words/1", 64, "exact")
    assert {"vectors.npy", "ids.npy", "lexical/meta.json"} <= set(manifest.files)


def test_what_killed_builds_left_is_swept_by_the_next(filled: Workspace) -> None:
    before = live(filled).name
    for name in ("00000001-1.building", "00000000-0"):
        (filled.index / name / "lexical").mkdir(parents=True)
        (filled.index / name / "vectors.npy").write_bytes(b"half")
    (filled.index / "CURRENT.4711.part").write_bytes(b"0000")
    filled.sync(rebuild=True)
    assert entries(filled) == {"CURRENT", before, live(filled).name}


def test_the_generation_before_stays_for_one_build_for_those_who_read_it(filled: Workspace) -> None:
    names = [live(filled).name]
    for _ in range(3):
        filled.sync(rebuild=True)
        names.append(live(filled).name)
        assert entries(filled) == {"CURRENT", *names[-2:]}
    assert len(set(names)) == 4


STEPS = ["_write", "_canaries", "_open", "_sync_files", "sync_folder", "write_private"]


@pytest.mark.parametrize(("step", "code"), [*((step, errno.ENOSPC) for step in STEPS), ("_write", errno.EDQUOT)])
def test_a_build_without_space_leaves_the_last_generation_answering(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch, step: str, code: int
) -> None:
    before = live(filled).name
    filled.write("dan.md", "# dan\n\nLa fiche de dan parle de dan.\n")

    def full(*args: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(generation, step, full)
        with pytest.raises(NoSpace) as error:
            filled.sync()
    assert error.value.message == f"No space left to write under {filled.index}."
    assert live(filled).name == before
    assert filled.found(QUESTION)[0] == "bob.md"
    filled.embedder.embedded.clear()
    assert filled.sync().rebuilt
    assert filled.embedder.embedded == [], "what was embedded before the disk was full is kept"
    assert filled.found("Que dit la fiche de dan ?")[0] == "dan.md"
    assert not any(name.endswith(".building") for name in entries(filled))


def test_a_build_that_loses_vectors_is_not_swapped_in(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = live(filled).name
    plain = generation.vectors.build

    def lossy(kind: str, folder: Path, pairs: Any, count: int, dimension: int) -> None:
        rows = list(pairs)
        plain(kind, folder, [(i, -v) for i, v in rows], count, dimension)

    with monkeypatch.context() as patch:
        patch.setattr(generation.vectors, "build", lossy)
        with pytest.raises(IndexFailed, match="canary"):
            filled.sync(rebuild=True)
    assert live(filled).name == before
    assert filled.found(QUESTION)[0] == "bob.md"
    assert not [name for name in entries(filled) if name.endswith(".building")]


def test_a_disk_full_while_the_words_are_written_is_one_message(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **options: Any) -> None:
        raise ValueError("An IO error occurred: 'No space left on device (os error 28)'")  # what tantivy raises

    monkeypatch.setattr(generation.lexical.tantivy, "Index", full)
    with pytest.raises(NoSpace) as error:
        filled.sync(rebuild=True)
    assert error.value.message == f"No space left to write under {filled.index}."


def test_vectors_of_another_size_under_the_same_name_are_not_swapped_in(filled: Workspace) -> None:
    before = live(filled).name
    filled.embedder.dimension = 32
    with pytest.raises(IndexFailed, match="has 64 dimensions, not 32") as error:
        filled.sync(rebuild=True)
    assert "dyag index --rebuild" in error.value.hint
    assert live(filled).name == before


class Approximate:
    """A vector index whose search returns what it is told, as HNSW may."""

    def __init__(self, found: list[tuple[int, float]], cosines: dict[int, float]) -> None:
        self.found, self.cosines = found, cosines

    def search(self, query: Any, limit: int) -> list[tuple[int, float]]:
        return self.found

    def similarities(self, query: Any, ids: list[int]) -> dict[int, float]:
        return {i: self.cosines[i] for i in ids if i in self.cosines}


@pytest.mark.parametrize(
    ("found", "cosines", "chroma", "exact"),
    [
        ([(1, 1.0)], {1: 1.0}, True, True),
        ([(2, 0.7)], {1: 1.0, 2: 0.7}, True, False),
        ([(2, 0.9)], {1: 1.0, 2: 0.1}, False, False),
        ([(3, 0.7)], {1: 1.0, 2: 0.7}, False, False),
        ([(1, 1.0)], {1: 0.9}, False, False),
        ([], {1: 1.0}, False, False),
    ],
    ids=["itself", "a neighbour", "not as near as said", "not stored", "not itself", "nothing"],
)
def test_an_approximate_index_may_miss_the_nearest_but_not_lie(
    found: Any, cosines: Any, chroma: bool, exact: bool
) -> None:
    for kind, expected in (("chroma", chroma), ("exact", exact)):
        opened: Any = SimpleNamespace(vectors=Approximate(found, cosines), manifest=SimpleNamespace(kind=kind))
        assert generation._finds(opened, 1, np.zeros(3, np.float32)) is expected


def test_a_build_that_loses_words_is_not_swapped_in(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = live(filled).name
    plain = generation.lexical.build

    def lossy(folder: Path, found: Any) -> None:
        plain(folder, [generation.lexical.Entry(e.chunk_id, "", "autre chose") for e in found])

    with monkeypatch.context() as patch:
        patch.setattr(generation.lexical, "build", lossy)
        with pytest.raises(IndexFailed, match="own words"):
            filled.sync(rebuild=True)
    assert live(filled).name == before


def test_nothing_is_rebuilt_while_all_is_well(filled: Workspace) -> None:
    before = live(filled).name
    assert not filled.sync().rebuilt
    with filled.searcher() as searcher:
        searcher.search(QUESTION)
    assert live(filled).name == before
    assert not hasattr(filled, "repaired")


def test_a_generation_of_another_model_is_replaced(filled: Workspace) -> None:
    filled.embedder = WordEmbedder(name="others/1")
    filled.sync()
    assert generation.read_manifest(filled.index, live(filled).name).model == "others/1"
