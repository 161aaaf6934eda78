"""`results.json`: what is written is read back, and what is no evaluation is said to be none."""

from __future__ import annotations

import json
import math
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.metrics import score
from eval.store import read_evaluation, write_evaluation
from eval.types import Case, Cited, Evaluation, Identity, Response, Scored
from retrieval.errors import BadInput, NoAccess, NotFound
from retrieval.types import Message

IDENTITY = Identity(
    "eval_20261104_153012_a1f3", "2026-11-04T15:30:12+01:00", "rag", "extractive", "cases.jsonl", "0" * 64, 2,
    generation="g1", settings={"search.top_k": 10, "answer.refuse_below": None}, versions={"dyag": "2.0"},
    command="dyag eval cases.jsonl",
)  # fmt: skip
CASES = (
    Case("q1", "Quel port écoute Gitea ?", answers=("3000",), type="port", gold=("chunk_3",), group="gitea.md"),
    Case(
        "q2", "What is its price?", answerable=False, language="en", messages=(Message("user", "What is its price?"),)
    ),
)
RESPONSES = (
    Response(
        "3000 [chunk_3]", cited=(Cited(("chunk_3", "gitea.md"), True),), retrieved=(("chunk_3", "gitea.md"), ("chunk_4",)),
        sentences=1, seconds=0.5, first_token_seconds=0.25, prompt_tokens=100, tokens=5, cost=0.001, stopped=True,
    ),
    Response("", error="no answer"),
)  # fmt: skip
EVALUATION = Evaluation(
    IDENTITY, tuple(Scored(case, said, score(case, said)) for case, said in zip(CASES, RESPONSES, strict=True))
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "evaluation" / "results.json"


def data_of(path: Path) -> Any:
    return json.loads(path.read_bytes())


def test_an_evaluation_is_read_back_as_it_was(path: Path) -> None:
    write_evaluation(EVALUATION, path)
    assert read_evaluation(path) == EVALUATION
    assert [p.name for p in path.parent.iterdir()] == ["results.json"]


def test_it_has_the_block_of_the_guides_and_a_line_for_each_case(path: Path) -> None:
    write_evaluation(EVALUATION, path)
    data = data_of(path)
    assert data["metrics"] == {
        "success_rate": 50.0, "exact_match_rate": data["metrics"]["exact_match_rate"], "avg_time_seconds": 0.5,
        "avg_tokens": 105.0, "total_tokens": 105,
    }  # fmt: skip
    first = data["results"][0]
    assert (first["id"], first["question"], first["answer"], first["seconds"]) == (
        "q1", "Quel port écoute Gitea ?", "3000 [chunk_3]", 0.5,
    )  # fmt: skip
    assert first["scores"]["contains"] == 1.0
    assert data["results"][1]["error"] == "no answer"
    assert data["identity"]["model"] == "extractive"
    assert data["summary"]["failed"] == 1


TEXT = st.text(max_size=12)
NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)


@given(TEXT, TEXT, st.lists(TEXT, max_size=3), st.lists(st.lists(TEXT, min_size=1, max_size=2), max_size=3), NUMBER)
def test_whatever_was_asked_and_said_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    question: str,
    text: str,
    answers: list[str],
    names: list[list[str]],
    cost: float | None,
) -> None:
    case = Case("q", question, answers=tuple(answers))
    response = Response(
        text, cited=tuple(Cited(tuple(n), False) for n in names), retrieved=tuple(map(tuple, names)), cost=cost
    )
    made = Evaluation(IDENTITY, (Scored(case, response, {"judge": cost, "contains": None}),))
    path = tmp_path_factory.mktemp("store") / "results.json"
    write_evaluation(made, path)
    assert read_evaluation(path) == made


def test_nan_is_a_bug_when_it_is_written_and_leaves_the_old_file(path: Path) -> None:
    write_evaluation(EVALUATION, path)
    before = path.read_bytes()
    wrong = Evaluation(IDENTITY, (Scored(CASES[0], Response("x", seconds=math.nan), {}),))
    with pytest.raises(ValueError, match="JSON compliant"):
        write_evaluation(wrong, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(path: Path, number: str) -> None:
    write_evaluation(EVALUATION, path)
    path.write_text(path.read_text().replace('"seconds": 0.5', f'"seconds": {number}', 1))
    with pytest.raises(BadInput, match=r"results\.json"):
        read_evaluation(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_torn_file_is_refused(path: Path, share: float) -> None:
    write_evaluation(EVALUATION, path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(BadInput, match="no whole JSON file") as error:
        read_evaluation(path)
    assert error.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "[]", "3", '"text"', "{}", '{"metrics": {}}', '{"metrics": [1]}', '{"metrics": {"success_rate": "high"}}',
        '{"identity": {}}', '{"identity": 1, "results": []}', '{"identity": null, "results": [{"question": "x"}]}',
        '{"results": [], "rows": []}', "[" * 100_000,
    ],
)  # fmt: skip
def test_another_file_is_refused_with_its_name_and_what_to_do(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(BadInput, match=r"results\.json") as error:
        read_evaluation(path)
    assert error.value.hint


@pytest.mark.parametrize("key", ["id", "question", "answer", "scores"])
def test_a_result_without_what_it_needs_is_refused(path: Path, key: str) -> None:
    write_evaluation(EVALUATION, path)
    data = data_of(path)
    del data["results"][1][key]
    path.write_text(json.dumps(data))
    with pytest.raises(BadInput, match=key if key != "answer" else "answer"):
        read_evaluation(path)


@given(st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode))
def test_any_bytes_are_an_evaluation_or_bad_input(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "results.json"
    path.write_bytes(data)
    with pytest.raises(BadInput):
        read_evaluation(path)


def test_the_file_of_the_guides_is_an_evaluation_without_cases(path: Path) -> None:
    path.parent.mkdir()
    metrics = {
        "success_rate": 85.5,
        "exact_match_rate": 42.3,
        "avg_time_seconds": 2.15,
        "avg_tokens": 487,
        "total_tokens": 48700,
    }
    path.write_text("\ufeff" + json.dumps({"metrics": metrics, "results": [{"anything": 1}]}))
    found = read_evaluation(path)
    assert found.scored == ()
    assert found.stated == metrics
    assert found.identity.id == "results"


def test_keys_of_a_later_version_are_passed_over(path: Path) -> None:
    write_evaluation(EVALUATION, path)
    data = data_of(path)
    data["later"] = data["identity"]["later"] = data["results"][0]["later"] = {"a": 1}
    path.write_text(json.dumps(data))
    assert read_evaluation(path) == EVALUATION


def test_where_it_cannot_be_written_or_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        write_evaluation(EVALUATION, tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NoAccess):
        write_evaluation(EVALUATION, tmp_path / "file" / "results.json")
    with pytest.raises(BadInput, match="is a folder"):
        read_evaluation(tmp_path)
    with pytest.raises(NotFound, match=r"none\.json"):
        read_evaluation(tmp_path / "none.json")
