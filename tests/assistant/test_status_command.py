"""`dyag status`: the library and its index as they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import CHEAP, Ran, indexed_sheets, run
from workspace import write

SHAPE = [
    "home", "documents", "chunks", "deleted_chunks", "files", "model", "dimension", "vectors", "generation", "current",
    "created", "library_bytes", "index_bytes", "roots", "failures",
]  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("built"), cheap=True)


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    """A copy that a test may change; its known folder is still that of the first one."""
    return Path(shutil.copytree(built, tmp_path / "home"))


def status(home: Path, *options: str) -> Ran:
    return run("status", *options, home=home, cheap=True)


def rows(ran: Ran) -> list[tuple[str, ...]]:
    return [tuple(line.split(None, 1)) for line in ran.out.splitlines()]


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_before_anything_is_indexed_it_names_the_command(tmp_path: Path, options: tuple[str, ...]) -> None:
    ran = status(tmp_path, *options)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"dyag: Nothing has been indexed in {tmp_path} yet.\n"
        "Run `dyag index PATH` on your documents, or name another workspace with --home.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_after_indexing_it_says_what_there_is(built: Path) -> None:
    ran = status(built)
    assert (ran.code, ran.err) == (0, "")
    shown = dict(rows(ran))
    assert shown["workspace"] == str(built)
    assert (shown["documents"], shown["files"]) == ("6", "5 ok")
    assert shown["chunks"] == "6  (0 deleted, kept for old citations)"
    assert shown["model"] == "langchain:words:HashEmbeddings, 64 dimensions"
    assert ", exact vectors, built 2" in shown["generation"]
    assert "behind" not in shown["generation"]
    assert shown["source"] == str(built / "docs")
    assert list(shown) == [
        "workspace", "documents", "chunks", "files", "model", "generation", "library", "index", "source",
    ]  # fmt: skip


def test_json_has_every_field(built: Path) -> None:
    shown = status(built, "--json").json
    assert list(shown) == SHAPE
    assert (shown["home"], shown["files"], shown["roots"]) == (str(built), {"ok": 5}, [str(built / "docs")])
    assert (shown["documents"], shown["chunks"], shown["deleted_chunks"], shown["failures"]) == (6, 6, 0, [])
    assert (shown["model"], shown["dimension"]) == (CHEAP[1].partition("=")[2], 64)
    assert (shown["vectors"], shown["current"]) == ("exact", True)
    assert shown["library_bytes"] == (built / "data" / "library.sqlite3").stat().st_size
    assert shown["index_bytes"] > 0


def test_what_failed_stays_listed_with_its_reason(tmp_path: Path) -> None:
    home = indexed_sheets(tmp_path, cheap=True)
    photo = write(home / "docs" / "photo.png", b"\x89PNG")
    run("index", home=home, cheap=True)
    shown = status(home, "--json").json
    assert shown["files"] == {"ok": 5, "failed": 1}
    assert shown["failures"] == [{"path": str(photo), "reason": "an image: OCR is not included", "whole_file": True}]
    assert status(home).out.endswith(f"\n\n  {photo}: an image: OCR is not included\n")
    photo.unlink()
    run("index", home=home, cheap=True)
    assert status(home, "--json").json["failures"] == []


def test_chunks_of_removed_files_are_counted_as_deleted(tmp_path: Path) -> None:
    home = indexed_sheets(tmp_path, cheap=True)
    (home / "docs" / "rows.jsonl").unlink()
    run("index", home=home, cheap=True)
    shown = status(home, "--json").json
    assert (shown["documents"], shown["chunks"], shown["deleted_chunks"]) == (4, 4, 2)


def test_an_index_that_is_gone_is_said_to_be_behind_the_library(home: Path) -> None:
    shutil.rmtree(home / "data" / "index")
    shown = status(home, "--json").json
    assert (shown["current"], shown["generation"], shown["created"], shown["index_bytes"]) == (False, "", 0.0, 0)
    assert "(behind the library: run `dyag index`)" in status(home).out


def test_it_needs_no_model_and_changes_nothing(home: Path) -> None:
    def files() -> dict[Path, tuple[int, int]]:
        return {p: (p.stat().st_size, p.stat().st_mtime_ns) for p in home.rglob("*")}

    before = files()
    ran = run("--set", "index.embedder=langchain:nowhere:Nothing", "status", "--json", home=home)
    assert (ran.code, ran.json["documents"]) == (0, 6)
    assert files() == before


def test_a_library_that_is_no_database_is_one_error_with_the_way_out(home: Path) -> None:
    (home / "data" / "library.sqlite3").write_text("not a database, however long it is\n" * 100)
    ran = status(home)
    assert (ran.code, ran.out) == (1, "")
    message, hint = ran.err.splitlines()
    assert message.startswith(f"dyag: The library {home}/data/library.sqlite3 is damaged: ")
    assert "Move it away and run `dyag index PATH`" in hint
