"""The library: tombstones open, ids are never reused, filters find, foreign files are refused, nothing is public."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat

import numpy as np
import pytest
from workspace import Workspace

from retrieval.errors import BadInput, LibraryDamaged, NewerLibrary, NoAccess
from retrieval.generation import current_name
from retrieval.library import Library
from retrieval.migrations import MIGRATIONS

SHEETS = {
    "orion.md": {"licence": "MIT", "langages": ["Python", "C++"], "Ministère": "Éducation nationale", "actif": True, "port": 8080},
    "gidaf.md": {"licence": "AGPL", "langages": ["Java"], "ministère": "Écologie", "actif": False, "port": 9090},
    "redis.md": {"licence": "BSD"},
}  # fmt: skip


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    for name, fields in SHEETS.items():
        head = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items())
        workspace.write(name, f"---\n{head}\n---\n# {name}\n\nTexte de {name}.")
    workspace.sync()
    return workspace


def test_a_deleted_chunk_still_opens_and_its_id_is_not_used_again(filled: Workspace) -> None:
    before = filled.texts()
    (filled.docs / "redis.md").unlink()
    filled.sync()
    (gone,) = before.keys() - filled.texts().keys()
    with filled.library() as library:
        old = library.chunks([gone])[gone]
        assert old.deleted
        assert old.text == before[gone]
        assert library.origins([old.document_id])[old.document_id].path.endswith("redis.md")
    filled.write("redis.md", "# redis.md\n\nRevenu.")
    filled.sync()
    new = filled.texts().keys() - before.keys()
    assert new
    assert min(new) > max(before)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"licence": "MIT"}, {"orion.md"}),
        ({"LICENCE": "mit"}, {"orion.md"}),
        ({"langages": "c++"}, {"orion.md"}),
        ({"langages": "Java"}, {"gidaf.md"}),
        ({"langages": "Jav"}, set()),
        ({"ministère": "ÉCOLOGIE"}, {"gidaf.md"}),
        ({"ministere": "education nationale"}, {"orion.md"}),
        ({"actif": "true"}, {"orion.md"}),
        ({"port": "9090"}, {"gidaf.md"}),
        ({"licence": "MIT", "port": "8080"}, {"orion.md"}),
        ({"licence": "MIT", "port": "9090"}, set()),
        ({"licence": "' OR 1=1 --"}, set()),
    ],
)
def test_filters(filled: Workspace, filters: dict[str, str], names: set[str]) -> None:
    with filled.library() as library:
        chunks = library.chunks(library.chunks_where(filters))
        origins = library.origins(c.document_id for c in chunks.values())
        assert {os.path.basename(o.path) for o in origins.values()} == names
    assert set(filled.found("texte", filters=filters)) == names


def test_an_unknown_key_is_an_error_that_lists_the_known(filled: Workspace) -> None:
    with filled.searcher() as searcher, pytest.raises(BadInput) as error:
        searcher.search("texte", filters={"licnce": "MIT"})
    assert "licnce" in error.value.message
    assert "licence" in error.value.hint
    assert set(filled.found("texte", filters={"ministere": "ecologie"})) == {"gidaf.md"}


def test_a_filter_limits_both_searches(filled: Workspace) -> None:
    assert filled.found("Texte de orion.md", filters={"licence": "BSD"}) == ["redis.md"]


def test_a_newer_library_is_refused_and_left_alone(filled: Workspace) -> None:
    with sqlite3.connect(filled.database) as db:
        db.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    db.close()
    before = filled.database.read_bytes()
    for create in (False, True):
        with pytest.raises(NewerLibrary) as error:
            Library(filled.database, create=create)
        assert str(filled.database) in error.value.message
        assert error.value.hint
    assert filled.database.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all, but longer than a header " * 50, bytes(range(256)) * 20])
def test_what_is_not_a_database_is_said_and_left_alone(workspace: Workspace, content: bytes) -> None:
    workspace.database.parent.mkdir()
    workspace.database.write_bytes(content)
    for create in (False, True):
        with pytest.raises(LibraryDamaged) as error:
            Library(workspace.database, create=create)
        assert "library.sqlite3" in error.value.message
        assert error.value.hint
    assert workspace.database.read_bytes() == content


def test_a_library_that_is_a_folder_is_one_message(workspace: Workspace) -> None:
    workspace.database.mkdir(parents=True)
    for create in (False, True):
        with pytest.raises(NoAccess, match=r"library\.sqlite3 cannot be used") as error:
            Library(workspace.database, create=create)
        assert error.value.hint


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE chunks SET headings='[1'",
        "UPDATE chunks SET headings='{}'",
        "UPDATE chunks SET headings=x'ff'",
        "UPDATE documents SET metadata='[]'",
        "UPDATE documents SET metadata='{\"a'",
        "UPDATE meta SET value='1x' WHERE key='revision'",
        "UPDATE embeddings SET vector=x'0102'",
    ],
)
def test_a_value_that_dyag_cannot_have_written_is_damage(filled: Workspace, change: str) -> None:
    with filled.library() as library:
        library.query(change)
    shutil.rmtree(filled.index)
    with pytest.raises(LibraryDamaged, match="is damaged") as error:
        filled.found("texte")
    assert "restore a backup" in error.value.hint


def test_one_wrong_bit_in_a_text_is_damage_and_the_index_stays(filled: Workspace) -> None:
    before = current_name(filled.index)
    filled.database.write_bytes(filled.database.read_bytes().replace(b"Texte de redis", b"Texte d\xff redis"))
    with pytest.raises(LibraryDamaged, match="is damaged"):
        filled.sync(rebuild=True)
    assert current_name(filled.index) == before
    assert not list(filled.index.glob("*.building"))


def test_a_metadata_value_that_is_no_json_is_damage_to_a_filter(filled: Workspace) -> None:
    with filled.library() as library:
        library.query("UPDATE documents SET metadata='{\"a'")
        with pytest.raises(LibraryDamaged, match="malformed"):
            library.chunks_where({"licence": "MIT"})


def test_no_two_libraries_have_the_same_identity(workspace: Workspace) -> None:
    with workspace.library() as library:
        first = library.identity
    workspace.database.unlink()
    with workspace.library() as library:
        assert len(library.identity) == len(first) == 32
        assert library.identity != first


def test_a_library_of_the_first_schema_is_brought_up_to_date(filled: Workspace) -> None:
    with sqlite3.connect(filled.database) as db:
        db.executescript("DELETE FROM meta WHERE key='identity'; DROP TABLE forgotten; PRAGMA user_version=1")
    db.close()
    with filled.library(create=False) as library:
        assert len(library.identity) == 32
    assert filled.sync().unchanged == len(SHEETS)


def test_an_empty_file_is_no_library_for_reading_but_becomes_one(workspace: Workspace) -> None:
    workspace.database.parent.mkdir()
    workspace.database.touch()
    with pytest.raises(LibraryDamaged):
        Library(workspace.database)
    Library(workspace.database, create=True).close()
    Library(workspace.database).close()


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_everything_written_is_private(filled: Workspace) -> None:
    data = filled.path / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for path in data.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or path.suffix == ".lock", path
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600) or path.suffix == ".lock", path


def test_a_transaction_is_all_or_nothing(filled: Workspace) -> None:
    with filled.library() as library:
        revision = library.revision

        def interrupted() -> None:
            with library.transaction():
                library.bump()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert library.revision == revision


def test_more_ids_than_one_statement_holds(filled: Workspace) -> None:
    with filled.library() as library:
        assert set(library.chunks(range(5000))) == set(filled.texts())


def test_facts_by_key(filled: Workspace) -> None:
    with filled.library() as library:
        keys = dict(library.fact_keys())
        assert keys["licence"] == 3
        assert {(f.title, f.value) for f in library.facts_with_keys(["licence"])} >= {
            ("orion.md", "MIT"),
            ("redis.md", "BSD"),
        }
        (document,) = {f.document_id for f in library.facts_with_keys(["port"]) if f.value == "8080"}
        assert ("port", "8080") in {(f.key, f.value) for f in library.facts_of([document])}


def test_embeddings_of_two_models_do_not_mix(filled: Workspace) -> None:
    with filled.library() as library:
        count = library.count_chunks()
        assert library.count_chunks("words/1") == count
        assert library.count_chunks("other") == 0
        assert len(library.missing_embeddings("other")) == count
        vectors = dict(library.embeddings("words/1"))
        assert set(vectors) == set(filled.texts())
        assert all(np.isclose(np.linalg.norm(v), 1, atol=1e-5) for v in vectors.values())


def test_only_vectors_unused_for_long_are_forgotten(filled: Workspace) -> None:
    (filled.docs / "redis.md").unlink()
    filled.sync()
    with filled.library() as library:

        def count() -> int:
            return int(library.query("SELECT COUNT(*) FROM embeddings")[0][0])

        before = count()
        library.forget_stale_embeddings()
        assert count() == before
        library.forget_stale_embeddings(keep_days=-1)
        assert count() == library.count_chunks()
