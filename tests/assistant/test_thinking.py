"""Reasoning is cut out of an answer's text, wherever the stream is split."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.models.thinking import without_thinking
from retrieval.errors import GeneratorFailed

PARTS = ["<think>", "</think>", "<thinking>", "</thinking>", "<THINK>", "<", "think", ">", "</", "oui ", "\n", "a<b"]


def shown(*pieces: str) -> str:
    return "".join(without_thinking(iter(pieces)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("oui", "oui"),
        ("<think>hm</think>oui", "oui"),
        (" <think>hm</think>\n\noui\n", " oui\n"),
        ("<Thinking>hm</Thinking> oui", "oui"),
        ("<think></think><think>hm</think>oui", "oui"),
        ("oui <think>hm</think> non", "oui non"),
        ("<think>hm", ""),
        ("oui <think>hm", "oui <think>hm"),
        ("a < b <thin", "a < b <thin"),
        ("</think> oui", "</think> oui"),
        ("<think>a <think> b</think>oui", "oui"),
    ],
)
def test_thinking_is_cut_out(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert shown(*text) == expected


@given(st.lists(st.sampled_from(PARTS)).map("".join), st.data())
def test_where_the_stream_is_split_does_not_matter(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert shown(*pieces) == shown(text)


@given(st.text())
def test_other_text_is_untouched(text: str) -> None:
    assert shown(*text) == text


def test_text_is_shown_at_once() -> None:
    pieces = iter(["Le port", " est", " <", "b"])
    said = without_thinking(pieces)
    assert [next(said), next(said), next(said), next(said)] == ["Le port", " est", " ", "<b"]


def test_what_was_held_back_comes_before_a_fault() -> None:
    def broken() -> Iterator[str]:
        yield "oui <th"
        raise GeneratorFailed("lost")

    said = without_thinking(broken())
    assert [next(said), next(said)] == ["oui ", "<th"]
    with pytest.raises(GeneratorFailed):
        next(said)


def test_long_thinking_takes_no_longer_by_the_piece() -> None:
    assert shown("<think>", *["hm "] * 50_000, "</think>", "oui") == "oui"
