"""Rows that are too long lose documents that they do not cite, and only those."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assistant.datasets.shorten import Row, shortened
from assistant.prompts.fence import fenced, unfenced
from retrieval.types import Passage


def row(cited: list[int], shown: list[int], *, form: str = "sft") -> dict[str, Any]:
    passages = [Passage(n, f"doc{n}.md", "", f"Doc {n}", (), f"Text {n}.\n" * 5, 0, 0, 0) for n in shown]
    asked = [{"role": "user", "content": f"{fenced(passages)}\n\nQuestion : quel port ?"}]
    said = {"role": "assistant", "content": " ".join(f"3000 [chunk_{n}]." for n in cited) or "Je ne sais pas."}
    if form == "sft":
        return {"messages": [*asked, said], "metadata": {"gold": [f"chunk_{n}" for n in cited]}}
    return {"prompt": asked, "chosen": [said], "rejected": [{"role": "assistant", "content": "Non."}], "metadata": {}}


def documents(found: Row) -> list[int]:
    asked = found.get("messages") or found["prompt"]
    return [p.chunk_id for p in unfenced(asked[0]["content"])]


def test_the_last_ones_that_are_not_cited_go_first() -> None:
    for form in ("sft", "dpo"):
        found = shortened(row([4], [1, 2, 4, 3], form=form), lambda r: len(documents(r)) <= 2)
        assert found is not None
        assert documents(found) == [1, 4]


def test_what_is_cited_stays_whatever_is_read() -> None:
    assert shortened(row([1, 2], [1, 2, 3]), lambda r: len(documents(r)) <= 1) is None


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8, unique=True), st.data(), st.integers(0, 8))
def test_it_fits_and_holds_what_it_cites_or_is_none(shown: list[int], data: st.DataObject, most: int) -> None:
    cited = data.draw(st.lists(st.sampled_from(shown), max_size=3, unique=True))
    given_row = row(cited, shown)
    found = shortened(given_row, lambda r: len(documents(r)) <= most)
    if found is None:
        assert len(cited) > most or len(shown) == len(cited)
        return
    left = documents(found)
    assert set(cited) <= set(left)
    assert left == [n for n in shown if n in left]
    assert len(left) <= most
    assert found["messages"][-1] == given_row["messages"][-1]
    assert "quel port" in found["messages"][0]["content"]
