"""Which rows feedback gives to train on: only what was approved, only what there is something to learn from."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from turns import CANTEEN, GITEA, answer, opened

from assistant.feedback.heldout import Rated
from assistant.feedback.rows import FORMATS, Format, Rows, capped, make_rows
from assistant.feedback.summary import all_rated, prompt_builder, statistics
from assistant.journal.values import Feedback, Interaction
from assistant.prompts import load_prompts
from assistant.settings import PromptSettings
from retrieval.types import Message

PROMPTS = load_prompts(PromptSettings(), Path())
SENT = answer().messages


def turn(number: int = 1, text: str = "Gitea écoute le port 3000. [chunk_7]", **changes: Any) -> Interaction:
    said = dataclasses.asdict(answer(text=text))
    kept = {field.name: said[field.name] for field in dataclasses.fields(Interaction) if field.name in said}
    more = {
        "passages": (GITEA, CANTEEN),
        "messages": SENT,
        "citations": (),
        "settings": {},
        "author": "ana",
        "created": 0.0,
    }
    return Interaction(**{**kept, **more, "id": number, "session_id": 1, **changes})


def said(rating: str = "good", correction: str = "", author: str = "ana", **changes: Any) -> Feedback:
    given = Feedback(1, author, rating, "", correction, "approved", "bob", "", 0.0, 0.0)  # type: ignore[arg-type]
    return dataclasses.replace(given, **changes)


def rated(feedback: Feedback, found: Interaction | None = None) -> Rated:
    found = found or turn()
    return Rated(found, dataclasses.replace(feedback, interaction_id=found.id))


def rows(form: Format, *items: Rated, share: float = 0.5) -> Rows:
    return make_rows(form, items, prompt_builder(PROMPTS), share)


def only(form: Format, item: Rated) -> Mapping[str, Any]:
    (row,) = rows(form, item).rows
    return row


def why(form: Format, *items: Rated) -> str:
    """Why the only piece of feedback gives no row."""
    made = rows(form, *items)
    assert made.rows == ()
    ((reason, count),) = made.left_out.items()
    assert count == len(items)
    return reason


# the rows ------------------------------------------------------------------------------------------------------------


def test_a_good_answer_is_a_completion_of_exactly_what_was_sent() -> None:
    assert only("sft", rated(said())) == {
        "prompt": [{"role": m.role, "content": m.content} for m in SENT],
        "completion": [{"role": "assistant", "content": "Gitea écoute le port 3000. [chunk_7]"}],
        "id": 1,
        "author": "ana",
        "language": "fr",
        "documents": ["docs/fr-gitea.md"],
    }


def test_a_correction_is_the_completion_whatever_the_rating() -> None:
    for rating in ("good", "bad", ""):
        row = only("sft", rated(said(rating, "Le port 3000. [chunk 7]")))
        assert row["completion"] == [{"role": "assistant", "content": "Le port 3000. [chunk_7]"}]


def test_a_correction_is_chosen_over_the_answer_it_corrects() -> None:
    row = only("dpo", rated(said("bad", "Le port 3000. [chunk_7]")))
    assert row["chosen"] == [{"role": "assistant", "content": "Le port 3000. [chunk_7]"}]
    assert row["rejected"] == [{"role": "assistant", "content": "Gitea écoute le port 3000. [chunk_7]"}]
    assert "completion" not in row


@pytest.mark.parametrize(
    ("feedback", "labels"),
    [
        (said("good"), {"Gitea écoute le port 3000. [chunk_7]": True}),
        (said("bad"), {"Gitea écoute le port 3000. [chunk_7]": False}),
        (said("bad", "Non."), {"Gitea écoute le port 3000. [chunk_7]": False, "Non.": True}),
        (said("", "Non."), {"Gitea écoute le port 3000. [chunk_7]": False, "Non.": True}),
        (said("good", "Oui."), {"Gitea écoute le port 3000. [chunk_7]": True, "Oui.": True}),
        (said("bad", "Gitea  écoute le port 3000. [chunk_7]"), {"Gitea  écoute le port 3000. [chunk_7]": True}),
    ],
)
def test_kto_labels(feedback: Feedback, labels: Mapping[str, bool]) -> None:
    made = rows("kto", rated(feedback)).rows
    assert {row["completion"][0]["content"]: row["label"] for row in made} == labels


def test_without_messages_the_prompt_holds_passages_and_question() -> None:
    row = only("sft", rated(said(), turn(messages=(), searched="Quel port écoute Gitea ?")))
    system, user = row["prompt"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert '<document id="chunk_7" title="Gitea"' in user["content"]
    assert user["content"].endswith("Quel port écoute Gitea ?")


def test_documents_of_one_file_are_told_apart() -> None:
    alone = turn(messages=(), question="Quel port écoute Gitea ?")
    row = only("sft", rated(said("", "À midi. [chunk_9]"), alone))
    assert row["documents"] == ["docs/rows.jsonl#faq-7"]
    row = only("sft", rated(said("", "À midi."), alone))
    assert row["documents"] == ["docs/fr-gitea.md", "docs/rows.jsonl#faq-7"]


def test_an_answer_from_memory_is_learnt_without_citations() -> None:
    """Its ids were found by a search afterwards; the model must not learn them."""
    alone = turn(messages=(Message("user", "Quel port ?"),), mode="finetuned")
    assert only("sft", rated(said(), alone))["completion"][0]["content"] == "Gitea écoute le port 3000."
    corrected = only("sft", rated(said("", "Le 3000. [chunk_99]"), alone))
    assert corrected["completion"][0]["content"] == "Le 3000."


# what is left out ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_only_what_was_approved_gives_rows(form: Format) -> None:
    assert why(form, rated(said("bad", "Non.", status="pending"))) == "not reviewed yet"
    assert why(form, rated(said("bad", "Non.", status="rejected"))) == "rejected by the reviewer"


@pytest.mark.parametrize("form", FORMATS)
def test_a_correction_that_cites_what_was_not_given_is_left_out(form: Format) -> None:
    reason = "the correction cites chunks that were not among the passages"
    assert why(form, rated(said("bad", "Le 3000. [chunk_99]"))) == reason
    # Found for the question, but not sent for want of room.
    assert why(form, rated(said("bad", "À midi. [chunk_9]"))) == reason


HELD_OUT = "La licence de PostgreSQL ?"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "feedback", [said("good"), said("bad", "Non."), said("good", "Oui. [chunk_7]")], ids=["good", "corrected", "both"]
)
def test_a_question_of_the_regression_tests_gives_no_row(form: Format, feedback: Feedback) -> None:
    reason = "kept for the regression tests"
    assert why(form, rated(feedback, turn(question=HELD_OUT))) == reason
    assert why(form, rated(feedback, turn(question="Et la licence ?", searched=HELD_OUT))) == reason
    assert rows(form, rated(feedback, turn(searched="Quel port ?", question=HELD_OUT))).left_out.get(reason) is None


@pytest.mark.parametrize("form", FORMATS)
def test_a_question_that_leans_on_what_its_prompt_does_not_hold_gives_no_row(form: Format) -> None:
    """The turns before it, and the rewritten question, may have been forgotten."""
    feedback = said("bad", "Non.")
    assert why(form, rated(feedback, turn(question="Et son port ?", messages=()))) == "not a question of its own"
    assert rows(form, rated(feedback, turn(question="Et son port ?"))).rows


def test_a_prompt_that_holds_a_regression_question_gives_no_row() -> None:
    earlier = (Message("user", HELD_OUT), Message("assistant", "MIT"), *SENT)
    corrected = rated(said("bad", "Non."), turn(1, question=HELD_OUT))
    follow_up = rated(said(), turn(2, messages=earlier))
    assert len(rows("sft", follow_up).rows) == 1, "nobody corrected the question before it"
    made = rows("sft", corrected, follow_up)
    assert (made.rows, made.left_out) == ((), {"kept for the regression tests": 1, "near a regression test": 1})


@pytest.mark.parametrize("form", ["sft", "kto"])
def test_an_answer_that_was_broken_off_or_refused_without_a_model_is_no_lesson(form: Format) -> None:
    assert why(form, rated(said(), turn(partial="interrupted"))) == "the answer was broken off"
    refusal = turn(
        text="Je ne trouve pas la réponse dans les documents. Les plus proches : Gitea [chunk_7].", refused=True
    )
    assert why(form, rated(said(), refusal)) == "the answer is a refusal that no model wrote"


def test_a_refusal_that_a_model_wrote_is_one() -> None:
    text = "Je ne trouve pas la réponse dans les documents."
    assert only("sft", rated(said(), turn(text=text, refused=True)))["completion"][0]["content"] == text


def test_a_broken_off_answer_can_still_be_corrected() -> None:
    item = rated(said("bad", "Le 3000."), turn(partial="interrupted"))
    assert [row["label"] for row in rows("kto", item).rows] == [True]
    assert len(rows("sft", item).rows) == 1
    assert why("dpo", item) == "the answer was broken off"


def test_other_reasons() -> None:
    assert why("sft", rated(said("bad"))) == "rated bad, without a correction"
    assert why("dpo", rated(said("bad"))) == "no correction"
    assert (
        why("dpo", rated(said("bad", "Gitea écoute\nle port 3000. [chunk_7]")))
        == "the correction says the same as the answer"
    )
    assert why("kto", rated(said("good")), rated(said("bad", author="bob"))) == "authors disagree about the answer"


def test_where_authors_disagree_the_correction_stands() -> None:
    made = rows("sft", rated(said("good")), rated(said("bad", "Le 3000.", author="bob")))
    assert [(row["author"], row["completion"][0]["content"]) for row in made.rows] == [("bob", "Le 3000.")]
    assert made.left_out == {"authors disagree about the answer": 1}


def test_a_row_that_two_authors_give_counts_once_for_the_later() -> None:
    made = rows("sft", rated(said(updated=1.0)), rated(said(author="bob", updated=2.0)))
    assert [row["author"] for row in made.rows] == ["bob"]
    assert made.left_out == {"the same row as another": 1}


# the share of an author ----------------------------------------------------------------------------------------------


def by_authors(counts: Mapping[str, int]) -> list[Rated]:
    numbers = iter(range(1, 1000))
    return [
        rated(said(author=author, updated=float(n)), turn(n, f"Réponse {n}."))
        for author, count in counts.items()
        for n in (next(numbers) for _ in range(count))
    ]


@pytest.mark.parametrize(
    ("counts", "share", "kept"),
    [
        ({"ana": 9}, 0.5, {"ana": 9}),
        ({"ana": 9, "bob": 3}, 0.5, {"ana": 3, "bob": 3}),
        ({"ana": 9, "bob": 3}, 0.75, {"ana": 9, "bob": 3}),
        ({"ana": 9, "bob": 3}, 1.0, {"ana": 9, "bob": 3}),
        ({"ana": 9, "bob": 3}, 0.1, {"ana": 3, "bob": 3}),
        ({"ana": 9, "bob": 3, "eva": 2}, 0.5, {"ana": 5, "bob": 3, "eva": 2}),
        ({"ana": 9, "bob": 3, "eva": 2}, 0.1, {"ana": 2, "bob": 2, "eva": 2}),
    ],
)
def test_no_author_gives_more_than_their_share(
    counts: Mapping[str, int], share: float, kept: Mapping[str, int]
) -> None:
    made = rows("sft", *by_authors(counts), share=share)
    assert Counter(row["author"] for row in made.rows) == kept
    over = sum(counts.values()) - sum(kept.values())
    assert made.left_out == ({"more than the author's share": over} if over else {})


def test_the_newest_rows_of_an_author_are_kept_in_any_order_given() -> None:
    items = by_authors({"ana": 5, "bob": 2})
    for given_order in (items, items[::-1]):
        assert [row["id"] for row in rows("sft", *given_order).rows] == [4, 5, 6, 7]


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=2), st.floats(0.01, 1))
def test_capped_keeps_as_much_as_the_share_allows(counts: Mapping[str, int], share: float) -> None:
    made: Sequence[Mapping[str, Any]] = [{"author": a, "n": n} for a, count in counts.items() for n in range(count)]
    kept, gone = capped(made, share)
    assert len(kept) + gone == len(made)
    most = max(share, 1 / len(counts))
    left = Counter(row["author"] for row in kept)
    assert left.keys() == counts.keys()
    assert all(count <= most * len(kept) + 1e-6 for count in left.values())
    assert all(row["n"] < left[row["author"]] for row in kept), "the first of each author"
    # No other limit on every author that keeps to the share would have kept more.
    for limit in range(1, max(counts.values()) + 1):
        others = [min(count, limit) for count in counts.values()]
        assert max(others) > most * sum(others) or sum(others) <= len(kept)


# counts --------------------------------------------------------------------------------------------------------------


def test_statistics_of_a_journal(tmp_path: Path) -> None:
    with opened(tmp_path / "journal.sqlite3") as journal:
        session = journal.new_session()
        numbers = [journal.record(session, answer(text=f"Réponse {n}."), {}, "ana") for n in range(4)]
        for number in numbers[:3]:
            journal.rate(number, "ana", "good")
        journal.correct(numbers[2], "ana", "Mieux.")
        journal.rate(numbers[3], "bob", "bad")
        journal.review(numbers[0], "ana", "approved", "ana")
        journal.review(numbers[2], "ana", "approved", "bob")
        found = statistics(all_rated(journal), prompt_builder(PROMPTS), 0.5)
    assert (found.total, found.self_reviewed) == (4, 1)
    assert found.by == {
        "rating": {"good": 2, "bad": 1, "good, corrected": 1},
        "status": {"approved": 2, "pending": 2},
        "author": {"ana": 3, "bob": 1},
        "mode": {"rag": 4},
        "generator": {"fake:x": 4},
    }
    assert {form: count.rows for form, count in found.exports.items()} == {"sft": 2, "dpo": 1, "kto": 3}
    assert found.exports["dpo"].left_out == {"not reviewed yet": 2, "no correction": 1}
