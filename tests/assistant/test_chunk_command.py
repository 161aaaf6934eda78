"""`dyag chunk`: documents cut into rows of the DYAG chunk format, which `dyag index` reads back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import CHEAP_ENVIRON, STEERING, Ran, run
from workspace import write

LONG = "# Guide\n\n" + "\n\n".join(
    f"## Chapter {number}\n\n" + f"Sentence about subject {number} with words enough to count. " * 30
    for number in range(4)
)


def dyag(*argv: str | Path, home: Path) -> Ran:
    return run(*argv, home=home, cheap=True)


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_each_row_has_an_id_a_content_and_metadata(docs: Path, home: Path, tmp_path: Path) -> None:
    ran = dyag("chunk", docs, "--output", tmp_path / "chunks.jsonl", home=home)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"6 chunks of 6 documents in {tmp_path}/chunks.jsonl\n"
    rows = read(tmp_path / "chunks.jsonl")
    assert all(list(row) == ["id", "content", "metadata"] for row in rows)
    assert all({"title", "document", "position"} <= row["metadata"].keys() for row in rows)
    assert [Path(row["metadata"]["document"]).name for row in rows] == [
        "en-nats.md", "en-squid.md", "fr-gitea.md", "fr-redis.md", "rows.jsonl", "rows.jsonl",
    ]  # fmt: skip
    assert rows[0]["metadata"]["creator"] == "Derek Collison"
    assert "Licence : MIT" in rows[2]["content"]


def test_a_long_document_is_cut_in_order_with_its_headings(tmp_path: Path, home: Path) -> None:
    source = write(tmp_path / "guide.md", LONG)
    dyag("chunk", source, "-o", tmp_path / "chunks.jsonl", home=home)
    rows = read(tmp_path / "chunks.jsonl")
    assert [row["metadata"]["position"] for row in rows] == list(range(len(rows)))
    assert len(rows) > 3
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["metadata"]["title"] for row in rows} == {"Guide"}
    assert {heading for row in rows for heading in row["metadata"].get("headings", ())} >= {"Chapter 1", "Chapter 3"}


def test_without_an_output_the_rows_go_to_standard_output(docs: Path, home: Path) -> None:
    write(docs / "photo.png", b"\x89PNG")
    ran = dyag("chunk", docs, home=home)
    assert (ran.code, len(ran.lines)) == (0, 6)
    assert ran.err == f"{docs}/photo.png: an image: OCR is not included\n"


def test_without_a_path_what_is_indexed_is_cut_and_what_was_forgotten_is_not(docs: Path, home: Path) -> None:
    assert dyag("index", docs, home=home).code == 0
    assert dyag("index", "--forget", docs / "rows.jsonl", home=home).code == 0
    ran = dyag("chunk", home=home)
    assert (ran.code, ran.err) == (0, "")
    assert [Path(row["metadata"]["document"]).name for row in ran.lines] == [
        "en-nats.md", "en-squid.md", "fr-gitea.md", "fr-redis.md",
    ]  # fmt: skip


def test_without_a_path_and_an_index_it_is_said_what_to_do(home: Path) -> None:
    ran = dyag("chunk", home=home)
    assert (ran.code, ran.out) == (1, "")
    assert "Nothing has been indexed" in ran.err


def test_json_counts_and_names_what_failed(docs: Path, home: Path, tmp_path: Path) -> None:
    photo = write(docs / "photo.png", b"\x89PNG")
    output = tmp_path / "deep" / "chunks.jsonl"
    ran = dyag("chunk", docs, "--output", output, "--json", home=home)
    failure = {"path": str(photo), "reason": "an image: OCR is not included", "whole_file": True}
    assert ran.json == {"output": str(output), "documents": 6, "chunks": 6, "failures": [failure]}
    assert [path.name for path in output.parent.iterdir()] == ["chunks.jsonl"]


def test_a_record_that_failed_is_not_the_whole_file(docs: Path, home: Path, tmp_path: Path) -> None:
    write(docs / "rows.jsonl", '{"id": "a", "content": "A text."}\nnot json\n')
    ran = dyag("chunk", docs, "--output", tmp_path / "chunks.jsonl", "--json", home=home)
    assert [failure["whole_file"] for failure in ran.json["failures"]] == [False]


def test_ready_made_chunks_stay_whole_under_their_own_id(docs: Path, home: Path) -> None:
    rows = {row["id"]: row for row in dyag("chunk", docs / "rows.jsonl", home=home).lines}
    assert rows["faq-7"]["content"] == "La cantine du siège ouvre à midi et ferme à quatorze heures."
    assert rows["faq-7"]["metadata"]["team"] == "siège"
    (beir,) = [row for row in rows.values() if row["id"] != "faq-7"]
    assert beir["metadata"]["document_id"] == "d9"


def test_what_is_written_is_read_back_under_the_same_ids(docs: Path, home: Path, tmp_path: Path) -> None:
    chunks = tmp_path / "chunks.jsonl"
    dyag("chunk", docs, "--output", chunks, home=home)
    ran = dyag("index", chunks, "--json", home=home)
    assert (ran.json["added"], ran.json["documents"], ran.json["chunks"]) == (1, 6, 6)
    for row in read(chunks):
        found = dyag("search", row["content"][:200], "--top-k", 1, "--json", home=home).json["passages"][0]
        assert (found["external_id"], found["text"]) == (row["id"], row["content"])
    assert dyag("source", "faq-7", "--json", home=home).json["external_id"] == "faq-7"


def test_no_two_rows_have_the_same_id(tmp_path: Path, home: Path) -> None:
    write(tmp_path / "docs" / "a.md", "# A\n\nThe first text.\n")
    write(tmp_path / "docs" / "b.jsonl", '{"id": "chunk_1", "content": "The second text."}\n')
    ids = [row["id"] for row in dyag("chunk", tmp_path / "docs", home=home).lines]
    assert sorted(ids) == ["chunk_1", "chunk_2"]


def test_what_was_written_under_the_same_folder_is_no_input(docs: Path, home: Path) -> None:
    for _ in range(2):
        ran = dyag("chunk", docs, "--output", docs / "chunks.jsonl", "--json", home=home)
        assert (ran.json["chunks"], ran.json["failures"]) == (6, [])


def test_nothing_is_indexed(docs: Path, home: Path, tmp_path: Path) -> None:
    dyag("chunk", docs, "--output", tmp_path / "chunks.jsonl", home=home)
    assert not home.exists()


def test_a_missing_path_is_one_error_and_no_file_is_made(home: Path, tmp_path: Path) -> None:
    ran = dyag("chunk", tmp_path / "nowhere", "--output", tmp_path / "chunks.jsonl", home=home)
    assert ran == (1, "", f"dyag: There is no file or folder {tmp_path}/nowhere.\nCheck the path.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("output", ["docs", "docs/en-nats.md/chunks.jsonl"])
def test_an_output_that_cannot_be_written_is_an_error_of_the_user(docs: Path, home: Path, output: str) -> None:
    ran = dyag("chunk", docs, "--output", docs.parent / output, home=home)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"dyag: {docs.parent / output} ")
    assert "--output" in ran.err
    assert len(ran.err.splitlines()) == 2


def test_control_characters_are_escaped_and_kept(tmp_path: Path, home: Path) -> None:
    text = "A bell \x07, a colour \x1b[31m, a turn \u202e."
    source = write(tmp_path / "evil.md", f"# Evil\n\n{text}\n")
    ran = dyag("chunk", source, home=home)
    assert STEERING.search(ran.out) is None
    assert text in ran.json["content"]


def test_it_does_the_same_in_a_process_of_its_own(docs: Path, home: Path, process) -> None:
    ran = process("chunk", docs, home=home, **CHEAP_ENVIRON)
    assert (ran.code, ran.err, ran.out) == (0, "", dyag("chunk", docs, home=home).out)
