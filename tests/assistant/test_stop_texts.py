"""Texts that end an answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.base import Cut
from assistant.generators.stop import until

LETTERS = st.text("ab.", max_size=30)


@given(st.lists(LETTERS), st.lists(st.text("ab.", min_size=1, max_size=4), max_size=4))
def test_the_answer_ends_before_the_first_stop_text_however_it_is_cut(pieces: list[str], stops: list[str]) -> None:
    whole = "".join(pieces)
    ends = [whole.find(stop) for stop in stops if stop in whole]
    assert "".join(str(p) for p in until(iter(pieces), stops)) == whole[: min(ends, default=len(whole))]


@given(st.lists(LETTERS))
def test_without_a_stop_text_every_piece_comes_as_it_is(pieces: list[str]) -> None:
    assert list(until(iter(pieces), ())) == [piece for piece in pieces if piece]


def test_what_was_held_back_comes_before_a_cut() -> None:
    cut = Cut("the server went away")
    assert list(until(["Port 3000", "\n", cut], ["\n\n"])) == ["Port 3000", "\n", cut]


def test_nothing_more_is_asked_for_after_a_stop_text() -> None:
    def model() -> object:
        yield "Port 3000."
        yield " STOP "
        raise AssertionError("read on")

    assert list(until(model(), ["STOP"])) == ["Port 3000.", " "]  # type: ignore[arg-type]
