"""A teacher's reply: what is read, what is refused, and that nothing else can happen."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.teacher.kinds import ASKED, kind_of
from finetune.teacher.reply import BadReply, Proposal, parse

ONE = {
    "question": "Who created Redis?",
    "answer": "Salvatore did.",
    "quote": "by Salvatore",
    "value": "",
    "type": "who",
}
READ = Proposal("Who created Redis?", "Salvatore did.", "by Salvatore", "who")
WHOLE = json.dumps({"questions": [ONE]})


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        f"```json\n{WHOLE}\n```",
        f"```\n{WHOLE}\n```",
        f"Here is {{the}} JSON:\n\n{WHOLE}\n\nI hope [this] helps!",
        json.dumps([ONE]),
        json.dumps(ONE),
        json.dumps({"questions": [ONE]}, indent=2),
        json.dumps({"questions": [{k: v for k, v in ONE.items() if k != "value"}], "note": 1}),
        f"\ufeff  {WHOLE}",
    ],
)
def test_what_is_read(text: str) -> None:
    assert parse(text) == [READ]


def test_no_question_is_an_answer_too() -> None:
    assert parse('{"questions": []}') == []


def test_null_is_nothing_said() -> None:
    assert parse(json.dumps({**ONE, "answer": None, "quote": None, "type": "refusal"}))[0].answer == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("Sure! Who created Redis?", "no JSON"),
        ("[]", "no list"),
        ('{"answers": []}', "no list"),
        ('{"questions": "none"}', "no list"),
        ("[1, 2]", "no list"),
        (WHOLE[:-5], "not valid JSON"),
        (json.dumps({"questions": [ONE, ONE, ONE]})[:-40], "not valid JSON"),
        ('{"questions": [{"question": NaN}]}', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"question": ' + "9" * 5000 + "}", "not valid JSON"),
        (json.dumps({"questions": [ONE, "two"]}), "question 2 is not an object"),
        (json.dumps({"questions": [ONE, {**ONE, "quote": 3}]}), "`quote` of question 2 is not a text"),
        (json.dumps([{k: v for k, v in ONE.items() if k != "type"}]), "`type` of question 1 is missing"),
        (json.dumps({**ONE, "question": " "}), "is empty"),
        (json.dumps({**ONE, "answer": "x" * 6000}), "too long"),
    ],
)
def test_what_is_refused_and_why(text: str, why: str) -> None:
    with pytest.raises(BadReply) as caught:
        parse(text)
    assert why in caught.value.why


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadReply):
        assert isinstance(parse(text), list)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["questions", *ONE]), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(JSON, st.text(max_size=10), st.text(max_size=10))
def test_any_json_is_read_or_refused(value: object, before: str, after: str) -> None:
    try:
        found = parse(before + json.dumps(value) + after)
    except BadReply:
        return
    assert all(isinstance(p, Proposal) and p.question for p in found)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).map(str.strip).filter(bool)


@given(st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), max_size=5), st.text("abc {}`\n", max_size=20))
def test_what_was_written_is_what_is_read(made: list[tuple[str, str, str, str]], before: str) -> None:
    items = [dict(zip(("question", "answer", "quote", "type"), values, strict=True)) for values in made]
    text = json.dumps({"questions": items}, ensure_ascii=False)
    assert [(p.question, p.answer, p.quote, p.type) for p in parse(f"{before.replace('{}', '')}\n{text}")] == made


@pytest.mark.parametrize("text", ["{" * 100_000, '{"a":' * 20_000, "[{" * 50_000, '"' * 100_000, "{}" * 50_000])
def test_a_hostile_reply_costs_little_time(text: str) -> None:
    start = time.monotonic()
    with pytest.raises(BadReply):
        parse(text)
    assert time.monotonic() - start < 15


def test_lone_surrogates_cannot_reach_a_file() -> None:
    parse(json.dumps({**ONE, "answer": "\ud800"}))[0].answer.encode("utf-8")


@pytest.mark.parametrize(
    ("said", "kind"),
    [("who", "who"), ("Yes/No", "yes-no"), ("how_many", "how-many"), ("Quand ?", "when"), ("liste", "items"), ("list", "items"),
     ("definition", "definition"), ("how-to", "procedure"), ("unanswerable", "refusal"), ("poem", None), ("", None)],
)  # fmt: skip
def test_types_by_other_names(said: str, kind: str | None) -> None:
    assert kind_of(said) == kind


def test_every_type_that_is_asked_for_is_known() -> None:
    assert [kind_of(kind) for kind in ASKED] == list(ASKED)
