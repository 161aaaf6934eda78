"""The demo catalogue: enough sheets of every shape in both languages, and questions whose answers are in them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eval.metrics.text import contains, normalise
from retrieval.facts import facts
from retrieval.load.loader import Loader
from retrieval.load.walk import Found, walk
from retrieval.text import detect_language
from retrieval.types import Document

FOLDER = Path(__file__).resolve().parent.parent / "data" / "catalogue"
SHEETS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (FOLDER / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
ANSWERABLE = [row for row in QUESTIONS if row["answerable"]]
UNANSWERABLE = [row for row in QUESTIONS if not row["answerable"]]
FRONT_MATTER = re.compile(r"---\n(?:\S.*\n|[ -].*\n)+---\n")
KEY_VALUE = re.compile(r"(?:^|\n)(?:[*-] )?[^\W\d][^:\n|#]{0,40} ?: \S")
SHAPES = {
    "front matter": lambda text: FRONT_MATTER.match(text) is not None,
    "key and value": lambda text: len(KEY_VALUE.findall(FRONT_MATTER.sub("", text, count=1))) >= 3,
    "headings": lambda text: re.search(r"^## \S", text, re.MULTILINE) is not None,
    "table": lambda text: re.search(r"^\|(?:[ :-]+\|)+$", text, re.MULTILINE) is not None,
}


def documents(row: dict[str, Any]) -> list[str]:
    """The sheets that answer a question: one, or for a list several."""
    return row["document"] if isinstance(row["document"], list) else [row["document"]]


def language(name: str) -> str:
    return name.partition("-")[0]


def test_there_are_at_least_60_sheets_half_in_each_language() -> None:
    counted = Counter(map(language, SHEETS))
    assert set(counted) == {"fr", "en"}
    assert len(SHEETS) >= 60
    assert abs(counted["fr"] / len(SHEETS) - 0.5) <= 0.1


def test_each_sheet_is_in_the_language_its_name_says() -> None:
    wrong = [name for name, text in SHEETS.items() if detect_language(text) != language(name)]
    assert wrong == []


def test_the_sheets_are_indexed_and_the_questions_are_not() -> None:
    found = {entry.path.name for entry in walk([FOLDER]) if isinstance(entry, Found)}
    assert found == set(SHEETS)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_there_in_both_languages(shape: str) -> None:
    counted = Counter(language(name) for name, text in SHEETS.items() if SHAPES[shape](text))
    assert min(counted["fr"], counted["en"]) >= 5, counted


def test_some_sheets_are_plain_prose() -> None:
    plain = [name for name, text in SHEETS.items() if not any(SHAPES[s](text) for s in SHAPES if s != "headings")]
    assert Counter(map(language, plain)).keys() == {"fr", "en"}


def test_every_sheet_has_a_title_and_a_text_of_its_own(loader: Loader) -> None:
    read = [item for name in SHEETS for item in loader.load(FOLDER / name)]
    assert all(isinstance(item, Document) and len(item.text.split()) >= 80 for item in read)
    assert len(read) == len({item.title for item in read if isinstance(item, Document)}) == len(SHEETS)
    assert all(item.title and item.title[0] != "#" for item in read if isinstance(item, Document))


def test_the_facts_of_the_sheets_are_read() -> None:
    without = [name for name, text in SHEETS.items() if SHAPES["key and value"](text) and not list(facts(text))]
    assert without == []


def test_150_questions_can_be_answered_and_40_cannot() -> None:
    assert (len(ANSWERABLE), len(UNANSWERABLE)) == (150, 40)


def test_both_languages_ask_as_much() -> None:
    for rows in (ANSWERABLE, UNANSWERABLE):
        counted = Counter(row["lang"] for row in rows)
        assert set(counted) == {"fr", "en"}
        assert abs(counted["fr"] / len(rows) - 0.5) <= 0.05


def test_ids_and_questions_are_unique() -> None:
    assert len({row["id"] for row in QUESTIONS}) == len(QUESTIONS)
    assert len({" ".join(normalise(row["question"], row["lang"])) for row in QUESTIONS}) == len(QUESTIONS)


def test_every_question_has_every_field() -> None:
    assert {tuple(row) for row in QUESTIONS} == {
        ("id", "question", "answers", "answerable", "document", "lang", "type")
    }
    assert [row["id"] for row in QUESTIONS if not row["id"].startswith(f"{row['lang']}-")] == []
    assert [row["id"] for row in QUESTIONS if row["question"].strip() != row["question"] or not row["question"]] == []


def test_every_question_is_in_its_language() -> None:
    # A question of keywords has no language of its own.
    wrong = [row["id"] for row in QUESTIONS if detect_language(row["question"], default=row["lang"]) != row["lang"]]
    assert wrong == []


def test_every_answer_says_something() -> None:
    empty = [row["id"] for row in ANSWERABLE if not all(normalise(answer, row["lang"]) for answer in row["answers"])]
    assert empty == []
    assert all(row["answers"] and documents(row) for row in ANSWERABLE)


def test_the_sheets_of_a_question_hold_an_answer() -> None:
    without = [
        (row["id"], name)
        for row in ANSWERABLE
        for name in documents(row)
        if not contains(SHEETS[name], row["answers"], row["lang"])
    ]
    assert without == []


def test_a_question_that_cannot_be_answered_has_no_answer_and_no_sheet() -> None:
    assert [row["id"] for row in UNANSWERABLE if row["answers"] or row["document"] is not None] == []
    assert {row["type"] for row in UNANSWERABLE} == {"unanswerable"}


def test_the_questions_are_about_most_sheets_and_of_many_kinds() -> None:
    asked = {name for row in ANSWERABLE for name in documents(row)}
    assert len(asked) >= 0.8 * len(SHEETS)
    kinds = Counter((row["lang"], row["type"]) for row in ANSWERABLE)
    for kind in ("fact", "number", "definition", "who", "date", "list", "howto", "yesno"):
        assert min(kinds["fr", kind], kinds["en", kind]) >= 2, kind
