"""`dyag source`: a cited chunk by any of its names, also after it left its document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import Ran, indexed_sheets, run
from workspace import write

LONG = "# Guide\n\n" + "\n\n".join(
    f"## Chapter {number}\n\n" + f"Sentence about subject {number} with words enough to count. " * 30
    for number in range(3)
)
SHAPE = [
    "chunk_id", "document", "external_id", "title", "headings", "position", "text", "deleted", "metadata", "before",
    "after", "before_id", "after_id",
]  # fmt: skip


def make(home: Path) -> Path:
    write(home / "docs" / "guide.md", LONG)
    write(home / "docs" / "dyag.jsonl", '{"id": "chunk_383", "content": "GIDAF est hébergé à Lyon."}\n')
    return indexed_sheets(home, cheap=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("source"))


def source(home: Path, name: str, *options: str) -> Ran:
    return run("source", name, *options, home=home, cheap=True)


def found(home: Path, question: str) -> Any:
    return run("search", question, "--top-k", 1, "--json", home=home, cheap=True).json["passages"][0]


def test_a_chunk_is_shown_with_its_title_its_file_and_its_text(home: Path) -> None:
    passage = found(home, "Squid is a caching proxy for the web")
    ran = source(home, str(passage["chunk_id"]))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"Squid  [chunk_{passage['chunk_id']}]\ndocs/en-squid.md\n\n{passage['text']}\n"


def test_every_way_to_write_an_id_names_the_same_chunk(home: Path) -> None:
    number = found(home, "Squid is a caching proxy for the web")["chunk_id"]
    shown = {
        source(home, name).out for name in (f"{number}", f"chunk_{number}", f"[chunk_{number}]", f"chunk {number}")
    }
    assert len(shown) == 1


def test_json_has_every_field(home: Path) -> None:
    shown = source(home, "faq-7", "--json").json
    assert list(shown) == SHAPE
    assert (shown["document"], shown["external_id"], shown["title"]) == ("docs/rows.jsonl", "faq-7", "Cantine")
    assert (shown["position"], shown["headings"], shown["deleted"]) == (0, [], False)
    assert shown["text"] == "La cantine du siège ouvre à midi et ferme à quatorze heures."
    assert shown["metadata"]["team"] == "siège"
    assert (shown["before"], shown["after"], shown["before_id"], shown["after_id"]) == ("", "", None, None)


@pytest.mark.parametrize(("name", "text"), [("d9", "The car park of the north"), ("chunk_383", "GIDAF est hébergé")])
def test_an_id_of_the_document_s_own_names_its_chunk(home: Path, name: str, text: str) -> None:
    shown = source(home, name, "--json").json
    assert (shown["external_id"], shown["text"].startswith(text)) == (name, True)


def test_what_stands_around_a_chunk_is_shown(home: Path) -> None:
    first = found(home, "subject 1 chapter 1")
    shown = source(home, str(first["chunk_id"]), "--json").json
    while shown["headings"] != ["Guide", "Chapter 1"]:
        shown = source(home, str(shown["after_id"]), "--json").json
    assert (shown["document"], shown["title"]) == ("docs/guide.md", "Guide")
    before = source(home, str(shown["before_id"]), "--json").json
    after = source(home, str(shown["after_id"]), "--json").json
    assert (before["text"], after["text"]) == (shown["before"], shown["after"])
    assert (before["position"], after["position"]) == (shown["position"] - 1, shown["position"] + 1)
    text = source(home, str(shown["chunk_id"])).out
    assert text.startswith(f"Guide › Chapter 1  [chunk_{shown['chunk_id']}]\n")
    assert f"\n… [chunk_{shown['before_id']}] " in text
    assert f"\n… [chunk_{shown['after_id']}] " in text


@pytest.mark.parametrize("name", ["999999", "chunk_999999", "9" * 30, "no-such-id", "-1", "chunk_"])
def test_an_unknown_id_is_one_error_with_a_hint(home: Path, name: str) -> None:
    assert source(home, "--", name) == (
        1,
        "",
        f"dyag: There is no chunk {name}.\nChunk ids are shown by `dyag search` and in every answer.\n",
    )


@pytest.mark.parametrize("name", ["", "  "])
def test_an_empty_id_names_no_chunk(home: Path, name: str) -> None:
    ran = source(home, name)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("dyag: The chunk id is empty.\nChunk ids are shown by ")


def test_a_chunk_that_left_its_document_still_opens_and_says_so(tmp_path: Path) -> None:
    home = make(tmp_path)
    number = found(home, "Squid is a caching proxy for the web")["chunk_id"]
    (home / "docs" / "en-squid.md").unlink()
    run("index", home=home, cheap=True)
    shown = source(home, f"chunk_{number}", "--json")
    assert (shown.code, shown.json["deleted"], shown.json["document"]) == (0, True, "docs/en-squid.md")
    assert "Squid is a caching proxy" in shown.json["text"]
    assert source(home, str(number)).out.startswith(f"Squid  [chunk_{number}]  (deleted)\n")
    assert found(home, "Squid is a caching proxy for the web")["document"] != "docs/en-squid.md"


def test_an_id_that_left_with_its_document_is_not_taken_for_a_live_one(tmp_path: Path) -> None:
    home = make(tmp_path)
    (home / "docs" / "rows.jsonl").unlink()
    run("index", home=home, cheap=True)
    assert source(home, "faq-7").code == 1


def test_without_an_index_it_names_the_command(tmp_path: Path) -> None:
    ran = source(tmp_path, "1")
    assert (ran.code, ran.out) == (1, "")
    assert "Run `dyag index PATH`" in ran.err.splitlines()[-1]


def test_without_an_id_it_is_a_usage_error(home: Path) -> None:
    ran = run("source", home=home, cheap=True)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("dyag: Missing argument 'CHUNK'")


def test_a_number_of_the_files_own_is_enough(home: Path) -> None:
    assert source(home, "383", "--json").json["external_id"] == "chunk_383"
