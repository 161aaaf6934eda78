"""Index generations: a damaged one is known when it is opened and made again from the library, embedding nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from words import WordEmbedder
from workspace import Workspace

from assistant.app import App
from assistant.workspace import Home
from retrieval import generation
from retrieval.errors import Busy, NoSpace
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
    "index emptied": empty,
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
        with pytest.raises(Damaged, match="canary"):
            filled.sync(rebuild=True)
    assert live(filled).name == before
    assert filled.found(QUESTION)[0] == "bob.md"


def test_a_build_that_loses_words_is_not_swapped_in(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = live(filled).name
    plain = generation.lexical.build

    def lossy(folder: Path, found: Any) -> None:
        plain(folder, [generation.lexical.Entry(e.chunk_id, "", "autre chose") for e in found])

    with monkeypatch.context() as patch:
        patch.setattr(generation.lexical, "build", lossy)
        with pytest.raises(Damaged, match="own words"):
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
