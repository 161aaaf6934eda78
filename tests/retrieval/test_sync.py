"""Sync: what changed and nothing else, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from words import WordEmbedder
from workspace import Workspace, settle

from retrieval import generation
from retrieval import sync as sync_module
from retrieval.errors import Busy, NoAccess, NoSpace, NotFound, ParseFailed
from retrieval.library import Library
from retrieval.load.loader import Problem
from retrieval.roots import forget
from retrieval.sync import live_manifest, writer_lock
from retrieval.types import Document

SECTION = "Une phrase sur {0} numéro {1} avec assez de mots pour remplir un peu la fenêtre du modèle de test. "


def sheet(name: str, sections: int = 4) -> str:
    body = "\n\n".join(f"## {name} {i}\n\n" + SECTION.format(name, i) * 3 for i in range(sections))
    return f"# {name}\n\n{body}\n"


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    for name in ("ada", "bob", "cleo"):
        workspace.write(f"{name}.md", sheet(name))
    workspace.sync()
    workspace.embedder.embedded.clear()
    return workspace


def counts(report: Any) -> tuple[int, ...]:
    return report.added, report.changed, report.removed, report.renamed, report.unchanged, report.failed


def test_the_first_sync_adds_everything(workspace: Workspace) -> None:
    for name in ("ada", "bob", "cleo"):
        workspace.write(f"{name}.md", sheet(name))
    report = workspace.sync()
    assert counts(report) == (3, 0, 0, 0, 0, 0)
    assert (report.documents, report.chunks, report.embedded) == (3, len(workspace.texts()), len(workspace.texts()))
    assert report.rebuilt
    assert workspace.found("bob")[0] == "bob.md"


def test_added_changed_removed_renamed_unchanged(filled: Workspace) -> None:
    filled.write("ada.md", sheet("ada") + "\nUn mot de plus.\n")
    (filled.docs / "bob.md").unlink()
    (filled.docs / "cleo.md").rename(filled.docs / "chloe.md")
    filled.write("dan.md", sheet("dan"))
    assert counts(filled.sync()) == (1, 1, 1, 1, 0, 0)
    assert counts(filled.sync()) == (0, 0, 0, 0, 3, 0)
    assert set(filled.found("une phrase sur", top_k=50)) == {"ada.md", "chloe.md", "dan.md"}


def test_only_changed_chunks_are_embedded_and_the_others_keep_their_ids(filled: Workspace) -> None:
    before = filled.texts()
    filled.write("bob.md", sheet("bob").replace("numéro 2", "numéro 22"))
    report = filled.sync()
    after = filled.texts()
    changed = [text for text in after.values() if "numéro 22" in text]
    assert 0 < len(changed) < 4
    assert report.embedded == len(filled.embedder.embedded) == len(changed)
    kept = {i: text for i, text in before.items() if "bob numéro 2 " not in text}
    assert kept.items() <= after.items()
    assert len(after) == len(before)


def test_unchanged_files_are_not_opened(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*args: Any) -> None:
        raise AssertionError(f"opened {args}")

    monkeypatch.setattr(sync_module, "_sha256", opened)
    monkeypatch.setattr(filled.loader, "load", opened)
    report = filled.sync()
    assert counts(report) == (0, 0, 0, 0, 3, 0)
    assert not report.rebuilt
    assert filled.embedder.embedded == []


def test_a_touched_file_is_hashed_but_not_parsed(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filled.loader, "load", lambda path: pytest.fail("parsed"))
    settle(filled.docs / "bob.md", 1_650_000_000)
    report = filled.sync()
    assert counts(report) == (0, 0, 0, 0, 3, 0)
    assert not report.rebuilt


def test_a_change_within_one_tick_of_the_clock_is_seen(workspace: Workspace) -> None:
    path = workspace.write("ada.md", "# ada\n\nvaut 1111\n", settled=False)
    time = path.stat().st_mtime_ns
    workspace.sync()
    path.write_text("# ada\n\nvaut 2222\n")
    os.utime(path, ns=(time, time))
    assert counts(workspace.sync()) == (0, 1, 0, 0, 0, 0)
    assert "2222" in " ".join(workspace.texts().values())


def test_a_renamed_file_keeps_its_chunks_and_is_cited_under_its_new_name(filled: Workspace) -> None:
    before = filled.texts()
    (filled.docs / "sub").mkdir()
    (filled.docs / "bob.md").rename(filled.docs / "sub" / "robert.md")
    report = filled.sync()
    assert counts(report) == (0, 0, 0, 1, 2, 0)
    assert filled.texts() == before
    assert filled.embedder.embedded == []
    assert filled.found("bob")[0] == "robert.md"
    (filled.docs / "sub" / "robert.md").rename(filled.docs / "bob.md")
    assert filled.sync().renamed == 1
    assert filled.found("bob")[0] == "bob.md"


def test_a_file_titled_by_its_name_takes_the_new_one(workspace: Workspace) -> None:
    workspace.write("alpha.txt", "du texte sans titre\n")
    workspace.sync()
    (workspace.docs / "alpha.txt").rename(workspace.docs / "omega.txt")
    workspace.sync()
    with workspace.library() as library:
        assert library.query("SELECT title FROM documents WHERE deleted_at IS NULL") == [("omega",)]


def test_another_suffix_is_another_reading(workspace: Workspace) -> None:
    workspace.write("sheet.pdf", "# Orion\n\nDu texte.\n")
    assert workspace.sync().failed == 1
    (workspace.docs / "sheet.pdf").rename(workspace.docs / "sheet.md")
    report = workspace.sync()
    assert (report.failed, report.documents) == (0, 1)
    assert workspace.found("Orion") == ["sheet.md"]


def test_a_copy_is_added_and_the_original_stays(filled: Workspace) -> None:
    shutil.copy(filled.docs / "bob.md", filled.docs / "copy.md")
    report = filled.sync()
    assert counts(report) == (1, 0, 0, 0, 3, 0)
    assert report.embedded == 0


def test_two_files_swap_names(filled: Workspace) -> None:
    ada, bob, spare = (filled.docs / n for n in ("ada.md", "bob.md", "spare"))
    ada.rename(spare), bob.rename(ada), spare.rename(bob)
    filled.sync()
    with filled.library() as library:
        rows = dict(
            library.query(
                "SELECT f.path, d.title FROM documents d JOIN files f ON f.id=d.file_id WHERE d.deleted_at IS NULL"
            )
        )
    assert {Path(p).name: t for p, t in rows.items()} == {"ada.md": "bob", "bob.md": "ada", "cleo.md": "cleo"}


def test_repeated_ids_are_all_kept_and_reported(workspace: Workspace) -> None:
    lines = ['{"_id": "a", "text": "premier"}', '{"_id": "b", "text": "autre"}', '{"_id": "a", "text": "second"}']
    workspace.write("corpus.jsonl", "\n".join(lines))
    report = workspace.sync()
    assert sorted(workspace.texts().values()) == ["autre", "premier", "second"]
    assert [(f.reason, f.whole_file) for f in report.failures] == [("id `a` occurs 2 times; all are kept", False)]
    assert counts(workspace.sync(rebuild=True)) == (0, 0, 0, 0, 1, 0)


def test_a_bad_record_is_reported_and_the_rest_is_read(workspace: Workspace) -> None:
    workspace.write("corpus.jsonl", '{"_id": "a", "text": "premier"}\n{"_id": \n{"_id": "c", "text": "troisième"}\n')
    report = workspace.sync()
    assert sorted(workspace.texts().values()) == ["premier", "troisième"]
    assert report.failures[0].reason.startswith("line 2: not valid JSON")
    assert [f.reason for f in workspace.sync().failures] == [f.reason for f in report.failures]


def test_a_file_that_can_no_longer_be_read_keeps_its_last_good_version(filled: Workspace) -> None:
    before = filled.texts()
    filled.write("bob.md", b"\x00\x01\x02" * 500)
    report = filled.sync()
    assert report.failed == 1
    assert filled.texts() == before
    assert filled.found("bob")[0] == "bob.md"
    assert filled.sync().failed == 1
    filled.write("bob.md", sheet("bob"))
    assert counts(filled.sync()) == (0, 0, 0, 0, 3, 0)


def test_a_parser_that_dies_half_way_loses_nothing(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = filled.texts()

    def dies(path: Path) -> Iterator[Document | Problem]:
        yield Document("Le début d'une nouvelle version.", "bob")
        raise ParseFailed("took longer than 60 s")

    monkeypatch.setattr(filled.loader, "load", dies)
    filled.write("bob.md", "autre chose")
    report = filled.sync()
    assert [f.reason for f in report.failures] == ["took longer than 60 s"]
    monkeypatch.undo()
    assert filled.texts() == before
    filled.write("bob.md", sheet("bob"))
    filled.sync()
    assert set(filled.texts().values()) == set(before.values())


def test_a_file_that_becomes_unreadable_is_kept_and_read_again_when_it_can_be(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = filled.texts()

    def denied(path: Path) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(sync_module, "_sha256", denied)
        settle(filled.docs / "bob.md", 1_650_000_000)
        report = filled.sync()
        assert [f.reason for f in report.failures] == ["cannot be read: Permission denied"]
        assert filled.sync().failed == 1
    assert filled.texts() == before
    # `chmod` changes neither size nor time.
    assert counts(filled.sync()) == (0, 0, 0, 0, 3, 0)


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root reads everything")
def test_a_folder_that_cannot_be_entered_keeps_its_documents(filled: Workspace) -> None:
    filled.write("sub/dan.md", sheet("dan"))
    filled.sync()
    (filled.docs / "sub").chmod(0)
    try:
        report = filled.sync()
        assert (report.removed, report.failed, report.documents) == (0, 1, 4)
    finally:
        (filled.docs / "sub").chmod(0o700)


def test_a_missing_folder_keeps_its_documents_until_it_is_forgotten(filled: Workspace) -> None:
    filled.docs.rename(filled.path / "away")
    with filled.sync_known() as sync:
        report = sync.run()
    assert (report.removed, report.failed, report.documents) == (0, 1, 3)
    assert "--forget" in report.failures[0].reason
    assert filled.found("bob")[0] == "bob.md"
    with filled.sync_known() as sync:
        assert forget(sync.library, filled.docs) == 3
        report = sync.run()
    assert (report.documents, report.failed) == (0, 0)
    assert filled.found("bob") == []


def test_a_single_file_that_is_gone_is_removed(workspace: Workspace) -> None:
    path = workspace.write("ada.md", sheet("ada"))
    workspace.sync(path)
    path.unlink()
    with workspace.sync_known() as sync:
        report = sync.run()
    assert (report.removed, report.documents) == (1, 0)


def test_forgetting_a_folder_leaves_its_namesakes(workspace: Workspace) -> None:
    for name in ("notes/a.md", "notes2/b.md"):
        workspace.write(name, sheet(name))
    workspace.sync(workspace.docs / "notes", workspace.docs / "notes2")
    with workspace.sync_known() as sync:
        forget(sync.library, workspace.docs / "notes")
        sync.run()
    assert workspace.found("une phrase sur") == ["b.md"]


def forgotten(workspace: Workspace, *paths: Path) -> int:
    with workspace.sync_known() as sync:
        count = forget(sync.library, *paths)
        sync.run()
    return count


def test_a_forgotten_file_of_a_known_folder_stays_forgotten_until_it_is_named(filled: Workspace) -> None:
    bob = filled.docs / "bob.md"
    assert forgotten(filled, bob) == 1
    assert counts(filled.sync()) == (0, 0, 0, 0, 2, 0)
    filled.write("bob.md", sheet("bob", 2))
    assert counts(filled.sync()) == (0, 0, 0, 0, 2, 0)
    assert filled.sync(bob).added == 1
    assert counts(filled.sync()) == (0, 0, 0, 0, 3, 0)


def test_a_file_of_a_forgotten_folder_can_be_indexed_alone(filled: Workspace) -> None:
    for name in ("dan", "eve"):
        filled.write(f"sub/{name}.md", sheet(name))
    filled.sync()
    assert forgotten(filled, filled.docs / "sub") == 2
    assert filled.sync(filled.docs / "sub" / "dan.md").added == 1
    assert counts(filled.sync()) == (0, 0, 0, 0, 3, 0)
    with filled.sync_known() as sync:
        assert counts(sync.run()) == (0, 0, 0, 0, 4, 0)
    (filled.docs / "sub" / "dan.md").unlink()
    with filled.sync_known() as sync:
        assert sync.run().removed == 1


def test_a_folder_that_was_forgotten_whole_comes_back_whole(filled: Workspace) -> None:
    forgotten(filled, filled.docs / "bob.md")
    forgotten(filled, filled.docs)
    assert filled.sync().added == 3


def test_forgetting_what_is_not_known_changes_nothing(filled: Workspace) -> None:
    before = filled.texts()
    with pytest.raises(NotFound, match=r"dan\.md is not in the library") as error:
        forgotten(filled, filled.docs / "bob.md", filled.docs / "dan.md")
    assert "dyag status" in error.value.hint
    assert filled.texts() == before


def test_a_path_with_dots_is_the_path_without(filled: Workspace) -> None:
    (filled.path / "notes").mkdir()
    other = filled.write("../notes/dan.md", sheet("dan"))
    filled.sync(filled.docs / ".." / "notes")
    other.unlink()
    assert filled.sync(filled.docs / ".." / "notes").removed == 1
    assert forgotten(filled, filled.docs / ".." / "docs" / "bob.md") == 1


def test_a_path_that_does_not_exist_changes_nothing(filled: Workspace) -> None:
    before = filled.texts()
    with pytest.raises(NotFound):
        filled.sync(filled.docs, filled.path / "nowhere")
    assert filled.texts() == before


def test_dyagignore(filled: Workspace) -> None:
    filled.write(".dyagignore", "# brouillons\nb*.md\nsub\n")
    filled.write("sub/dan.md", sheet("dan"))
    assert counts(filled.sync()) == (0, 0, 1, 0, 2, 0)
    filled.write(".dyagignore", "")
    assert counts(filled.sync()) == (2, 0, 0, 0, 2, 0)


def test_the_workspace_does_not_index_itself(filled: Workspace) -> None:
    filled.sync(filled.path, exclude=(filled.path / "data",))
    assert filled.sync(filled.path, exclude=(filled.path / "data",)).unchanged == 3


def test_a_name_that_is_not_unicode_is_one_failure(filled: Workspace) -> None:
    try:
        (filled.docs / os.fsdecode(b"caf\xe9.md")).write_text("# Café\n\nDu texte.")
    except OSError:
        pytest.skip("this file system refuses such names")
    filled.write("dan.md", sheet("dan"))
    report = filled.sync()
    assert (report.added, report.failed, report.unchanged) == (1, 1, 3)
    assert "name" in report.failures[0].reason


def test_an_empty_folder_gives_an_empty_index(workspace: Workspace) -> None:
    report = workspace.sync()
    assert (report.documents, report.chunks) == (0, 0)
    assert workspace.found("quoi") == []


def test_rebuild_reads_everything_and_embeds_nothing(filled: Workspace) -> None:
    before, name = filled.texts(), generation.current_name(filled.index)
    report = filled.sync(rebuild=True)
    assert (report.unchanged, report.embedded, report.rebuilt) == (3, 0, True)
    assert filled.embedder.embedded == []
    assert filled.texts() == before
    assert generation.current_name(filled.index) != name


def test_a_returning_text_is_not_embedded_again(filled: Workspace) -> None:
    (filled.docs / "bob.md").unlink()
    filled.sync()
    filled.write("bob.md", sheet("bob"))
    assert filled.sync().embedded == 0


def test_another_model_embeds_everything_again(filled: Workspace) -> None:
    filled.embedder = WordEmbedder(name="others/1")
    report = filled.sync()
    assert report.embedded == report.chunks > 0
    assert filled.found("bob")[0] == "bob.md"


def test_another_window_cuts_again(filled: Workspace) -> None:
    before = filled.texts()
    filled.embedder = WordEmbedder(window=128)
    filled.sync()
    assert 0 < len(filled.texts()) < len(before)


def test_a_second_writer_is_told_to_wait(filled: Workspace) -> None:
    with writer_lock(filled.path / "data" / "index.lock"):
        code = (
            "import sys; from pathlib import Path; from retrieval.sync import writer_lock\n"
            f"with writer_lock(Path({str(filled.path / 'data' / 'index.lock')!r})): pass"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        assert "retrieval.errors.Busy: Another dyag is indexing" in done.stderr
        with pytest.raises(Busy), writer_lock(filled.path / "data" / "index.lock"):
            pass
        assert filled.found("bob")[0] == "bob.md"
    assert filled.sync().unchanged == 3


def test_a_disk_full_in_the_middle_names_the_folder_and_not_the_lock(filled: Workspace) -> None:
    with (
        pytest.raises(NoSpace, match=f"under {filled.path / 'data'}\\.$"),
        writer_lock(filled.path / "data" / "index.lock"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_data_folder_that_is_a_file_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(NoAccess, match="Not a directory"), writer_lock(tmp_path / "data" / "index.lock"):
        pass


def test_vectors_are_stored_by_the_hundreds_or_by_the_second(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f'{{"_id": "{i}", "text": "texte numéro {i}"}}' for i in range(600)]
    workspace.write("corpus.jsonl", "\n".join(lines))
    stored, shown = [], []
    plain = Library.store_embeddings

    def counted(self: Library, model: str, vectors: Any) -> None:
        stored.append(len(vectors))
        plain(self, model, vectors)

    monkeypatch.setattr(Library, "store_embeddings", counted)
    workspace.sync(progress=lambda stage, done, total: shown.append(done) if stage == "embedding" else None)
    assert stored == [512, 88]
    assert shown == [*range(0, 600, 64), 600]
    monkeypatch.setattr(sync_module, "EMBED_SECONDS", 0.0)
    stored.clear()
    workspace.embedder = WordEmbedder(name="others/1")
    workspace.sync()
    assert stored == [64] * 9 + [24, 0]


# interrupted at any point --------------------------------------------------------------------------------------------


@pytest.fixture
def torn(filled: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a change of every kind to sync; every step commits."""
    monkeypatch.setattr(sync_module, "COMMIT_SECONDS", -1.0)
    monkeypatch.setattr(sync_module, "EMBED_STEP", 1)
    monkeypatch.setattr(sync_module, "EMBED_COMMIT", 1)
    filled.write("ada.md", sheet("ada", 3).replace("numéro 1", "numéro 11"))
    (filled.docs / "bob.md").unlink()
    (filled.docs / "cleo.md").rename(filled.docs / "chloe.md")
    filled.write("dan.md", sheet("dan", 2))
    filled.write("eve.jsonl", '{"_id": "1", "text": "Eve un"}\n{"_id": "2", "text": "Eve deux"}\n')
    shutil.copytree(filled.path / "data", filled.path / "saved")
    return filled


def restore(workspace: Workspace) -> None:
    shutil.rmtree(workspace.path / "data")
    shutil.copytree(workspace.path / "saved", workspace.path / "data")


def fresh(workspace: Workspace) -> set[str]:
    """What the index of a new workspace over the same files shows."""
    other = Workspace(workspace.path / "other", workspace.loader, WordEmbedder())
    other.sync(workspace.docs)
    return other.shown()


def assert_recovers(workspace: Workspace, expected: set[str]) -> None:
    assert workspace.found("une phrase sur"), "the last good index still answers"
    workspace.sync()
    assert workspace.shown() == expected
    live = live_manifest(workspace.index)
    with workspace.library() as library:
        assert live is not None
        assert live.revision == library.revision
    assert counts(workspace.sync()) == (0, 0, 0, 0, 4, 0)


def test_interrupted_at_any_statement_the_next_sync_completes_it(
    torn: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fresh(torn)
    plain = Library.query
    left = 0

    def counted(self: Library, sql: str, values: Any = ()) -> list[Any]:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return plain(self, sql, values)

    step, point = 3, 1
    while True:
        restore(torn)
        left = point
        with monkeypatch.context() as patch:
            patch.setattr(Library, "query", counted)
            try:
                torn.sync()
            except KeyboardInterrupt:
                pass
            else:
                break
        assert_recovers(torn, expected)
        point += step
    assert point > 60


def test_interrupted_while_embedding(torn: Workspace) -> None:
    expected = fresh(torn)
    torn.sync()
    total = len(torn.embedder.embedded)
    assert total > 5
    for point in range(total):
        restore(torn)
        torn.embedder = WordEmbedder()
        torn.embedder.stop_after = point
        with pytest.raises(KeyboardInterrupt):
            torn.sync()
        torn.embedder = WordEmbedder()
        torn.sync()
        assert len(torn.embedder.embedded) == total - point, "what was embedded is kept"
        assert torn.shown() == expected


def test_interrupted_while_reporting(torn: Workspace) -> None:
    expected = fresh(torn)
    point = 0
    while True:
        restore(torn)
        calls = iter(range(point))

        def progress(stage: str, done: int, total: int | None, calls: Iterator[int] = calls) -> None:
            if next(calls, None) is None:
                raise KeyboardInterrupt

        try:
            torn.sync(progress=progress)
            break
        except KeyboardInterrupt:
            assert_recovers(torn, expected)
            point += 1
    assert point > 8


@pytest.mark.parametrize("victim", ["write_private", "sync_folder", "_canaries", "_sync_files", "sweep"])
def test_interrupted_while_the_index_is_written(torn: Workspace, monkeypatch: pytest.MonkeyPatch, victim: str) -> None:
    expected = fresh(torn)
    plain = getattr(generation, victim)
    for point in (0, 1):
        restore(torn)
        calls = iter(range(point))

        def interrupted(*args: Any, calls: Iterator[int] = calls) -> Any:
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return plain(*args)

        with monkeypatch.context() as patch:
            patch.setattr(generation, victim, interrupted)
            try:
                torn.sync()
            except KeyboardInterrupt:
                pass
            else:
                continue
        assert_recovers(torn, expected)


def test_an_index_repaired_in_the_middle_of_a_sync_is_built_again(torn: Workspace) -> None:
    """The repair shows only what is embedded, and may not pass for the whole."""
    expected = fresh(torn)
    torn.embedder.stop_after = len(torn.embedder.embedded) + 2
    with pytest.raises(KeyboardInterrupt):
        torn.sync()
    torn.embedder.stop_after = None
    shutil.rmtree(torn.index)
    assert torn.found("une phrase sur")
    torn.sync()
    assert torn.shown() == expected
