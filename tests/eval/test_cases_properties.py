"""Whatever a file holds, reading it ends in cases or in a message; what was written is what is read."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from eval.cases import read_cases
from eval.types import Case
from retrieval.errors import UserError
from retrieval.types import Message

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=12)
LANGUAGE = st.sampled_from(["fr", "en"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "question", "messages", "metadata", "answers", "role", "content", "data", "paragraphs", "qas", "text", "shown"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
CASES = st.builds(
    Case, id=TEXT, question=TEXT, answers=st.lists(TEXT, unique=True, max_size=3).map(tuple), every=st.booleans(),
    expected=TEXT, language=LANGUAGE, type=TEXT, difficulty=TEXT, split=TEXT, group=TEXT,
    gold=st.lists(TEXT, unique=True, max_size=3).map(tuple),
    messages=st.just(()) | st.just((Message("system", "Cite."), Message("user", "Quel port ?"))),
)  # fmt: skip


def cases_or_message(path: Path) -> tuple[Case, ...]:
    """Nothing but a UserError may come in place of cases."""
    try:
        return read_cases(path).cases
    except UserError:
        return ()


def read(name: str, data: bytes) -> tuple[Case, ...]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_bytes(data)
        return cases_or_message(Path(folder, name))


def read_folder(queries: bytes, judgements: bytes) -> tuple[Case, ...]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "queries.jsonl").write_bytes(queries)
        Path(folder, "qrels").mkdir()
        Path(folder, "qrels", "dev.tsv").write_bytes(judgements)
        return cases_or_message(Path(folder))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    read("cases.json", data)
    read_folder(data, data)


@given(st.lists(JSON, max_size=4), st.booleans())
@settings(max_examples=60)
def test_any_json(rows: list[object], lines: bool) -> None:
    data = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows)
    for case in (*read("cases.json", data.encode()), *read_folder(data.encode(), b"a\tb\t1\n")):
        assert case.question
        assert case.id
        assert case.question.encode()


@given(JSON)
@settings(max_examples=60)
def test_any_squad(articles: object) -> None:
    read("squad.json", json.dumps({"data": [articles]}).encode())
    read("squad.json", json.dumps({"data": [{"title": 1, "paragraphs": [{"qas": [articles]}]}]}).encode())


def row(case: Case) -> dict[str, object]:
    """A case under our keys."""
    messages = [{"role": m.role, "content": m.content} for m in case.messages]
    return {
        "id": case.id, "question": case.question, "answers": list(case.answers), "every": case.every, "lang": case.language,
        "expected_answer": case.expected, "type": case.type, "difficulty": case.difficulty, "split": case.split,
        "group": case.group, "gold": list(case.gold), **({"messages": messages} if messages else {}),
    }  # fmt: skip


@given(st.lists(CASES, min_size=1, max_size=4, unique_by=lambda case: case.id), st.booleans())
@settings(max_examples=50)
def test_lines_and_arrays_round_trip(cases: list[Case], ascii_only: bool) -> None:
    rows = [json.dumps(row(case), ensure_ascii=ascii_only) for case in cases]
    assert read("a.jsonl", "\n".join(rows).encode()) == tuple(cases)
    assert read("a.json", f"[{','.join(rows)}]".encode()) == tuple(cases)


@given(st.lists(st.builds(Case, id=TEXT, question=TEXT, expected=TEXT, language=LANGUAGE), min_size=1, max_size=4,
                unique_by=lambda case: case.id))  # fmt: skip
@settings(max_examples=50)
def test_messages_round_trip(cases: list[Case]) -> None:
    lines = [
        json.dumps({"messages": [{"role": "user", "content": case.question}, {"role": "assistant", "content": case.expected}],
                    "metadata": {"id": case.id, "lang": case.language}})
        for case in cases
    ]  # fmt: skip
    found = read("a.jsonl", "\n".join(lines).encode())
    assert [(c.id, c.question, c.expected, c.language) for c in found] == [
        (c.id, c.question, c.expected, c.language) for c in cases
    ]


ASKED = st.builds(
    Case, id=TEXT, question=TEXT, answers=st.lists(TEXT, unique=True, min_size=1, max_size=3).map(tuple),
    answerable=st.booleans(), group=TEXT,
)  # fmt: skip


@given(st.lists(ASKED, min_size=1, max_size=4, unique_by=lambda case: case.id))
@settings(max_examples=50)
def test_squad_round_trips(cases: list[Case]) -> None:
    articles = [
        {"title": case.group, "paragraphs": [{"context": "", "qas": [{
            "id": case.id, "question": case.question, "is_impossible": not case.answerable,
            "answers": [{"text": answer, "answer_start": 0} for answer in case.answers] if case.answerable else [],
        }]}]}
        for case in cases
    ]  # fmt: skip
    found = read("squad.json", json.dumps({"data": articles}).encode())
    assert [(c.id, c.question, c.answerable, c.group) for c in found] == [
        (c.id, c.question, c.answerable, c.group) for c in cases
    ]
    assert [c.answers for c in found] == [c.answers if c.answerable else () for c in cases]


@given(st.lists(CASES, min_size=1, max_size=4, unique_by=lambda case: case.id), st.booleans())
@settings(max_examples=50)
def test_beir_round_trips(cases: list[Case], header: bool) -> None:
    queries = [
        {"_id": case.id, "text": case.question, "metadata": {"answers": list(case.answers), "lang": case.language}}
        for case in cases
    ]
    judged = [f"{case.id}\t{name}\t1" for case in cases for name in case.gold]
    data = "\n".join([*(["query-id\tcorpus-id\tscore"] if header else []), *judged]) or "x\ty\t0"
    found = read_folder("\n".join(map(json.dumps, queries)).encode(), data.encode())
    assert [(c.id, c.question, c.answers, c.gold, c.language) for c in found] == [
        (c.id, c.question, c.answers, c.gold, c.language) for c in cases
    ]
