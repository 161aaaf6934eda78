"""Cases that say what is right and not where: the one document that states it holds the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import cheap_sheets, run

from assistant.tuning_gold import placed
from eval.types import Case
from retrieval.library import Library


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    cheap_sheets(home / "docs")
    assert run("index", home / "docs", home=home, cheap=True).code == 0
    return home


def case(**known: object) -> Case:
    return Case(id="q", question="Lequel ?", **known)  # type: ignore[arg-type]


def names(home: Path, asked: Case) -> list[str]:
    """The files of the documents that a case is taken to be about."""
    library = Library(home / "data" / "library.sqlite3")
    (found,) = placed([asked], library)
    sql = "SELECT f.path FROM documents d JOIN files f ON f.id=d.file_id WHERE d.id=?"
    return [Path(path).name for id in found.documents for (path,) in library.query(sql, [id])]


def test_an_answer_that_one_document_states_leads_to_it(home: Path) -> None:
    found = names(home, case(answers=("nothing of the kind", "Tool7"), language="en"))
    assert found == ["en07.md"]


@pytest.mark.parametrize(
    "asked",
    [
        case(answers=("Maker3",), language="en"),  # several documents state it
        case(answers=("7",), language="en"),  # says too little
        case(answers=("nobody states this",), language="en"),
        case(answers=("Tool7", "Tool8"), every=True, language="en"),  # a list
        case(answers=("Tool7",), gold=("gone.md",), language="en"),  # its document is not here
        case(answerable=False, language="en"),
    ],
)
def test_anything_else_leads_nowhere(home: Path, asked: Case) -> None:
    assert names(home, asked) == []


def test_what_the_case_names_goes_before_what_states_its_answer(home: Path) -> None:
    assert names(home, case(answers=("Tool7",), gold=("en08.md",), language="en")) == ["en08.md"]


def test_tuning_needs_no_gold(home: Path, tmp_path: Path) -> None:
    rows = [
        {"id": f"q{n}", "question": f"How long does the backup of Tool{n} take?", "answers": [f"Tool{n}"], "lang": "en"}
        for n in range(30)
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    done = run("tune", path, "--only", "weight", "--dry-run", "--json", home=home, cheap=True)
    assert done.code == 0, done.err
    (weight,) = done.json["settings"]
    assert (weight["questions"], weight["documents"]) == (30, 30)
    assert any("30 questions have no `gold`" in note for note in done.json["notes"])
