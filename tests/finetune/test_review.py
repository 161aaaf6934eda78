"""The sample, its share with an interval, and texts put into a row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.formats.row import Row
from finetune.review import edited, hash_of, parts_of, sample, share, shares
from retrieval.types import Message


def row(number: int, kind: str = "which") -> Row:
    return Row(
        number, "messages", (Message("user", f"Question {number} ?"),), f"Réponse {number}.", metadata={"type": kind}
    )


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(2, 30, 0.018, 0.213), (0, 30, 0.0, 0.114), (30, 30, 0.886, 1.0), (1, 1, 0.207, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_wilsons(count: int, of: int, low: float, high: float) -> None:
    found = share(count, of)
    assert (round(found.low, 3), round(found.high, 3)) == (low, high)


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 60), min_size=1, max_size=8), st.integers(1, 200))
def test_types_share_the_sample_by_their_size(sizes: dict[str, int], total: int) -> None:
    taken = shares(sizes, total)
    assert sum(taken.values()) == min(total, sum(sizes.values()))
    assert all(0 <= taken[name] <= sizes[name] for name in sizes)
    assert total < len(sizes) or all(taken.values())


def test_the_sample_depends_on_the_rows_and_the_seed_only() -> None:
    rows = [row(n, "who" if n % 10 == 0 else "which") for n in range(100)]
    one = sample(rows, 20, 0)
    assert [r.line for r in sample(reversed(rows), 20, 0)] == [r.line for r in one]
    assert [r.line for r in sample(rows, 20, 1)] != [r.line for r in one]
    assert sum(r.metadata["type"] == "who" for r in one) == 2
    assert len(sample(rows[:3], 20, 0)) == 3


def test_metadata_and_place_do_not_change_the_hash() -> None:
    assert hash_of(row(1)) == hash_of(Row(9, "trl", row(1).prompt, row(1).completion))  # type: ignore[arg-type]
    assert len({hash_of(row(n)) for n in range(50)}) == 50


def test_a_question_beside_documents_is_edited_in_its_place() -> None:
    content = '<document id="chunk_1" title="T">\nQuel port ?\n</document>\n\nQuestion : Quel port ?'
    old = Row(1, "messages", (Message("user", content),), "3000", metadata={"answers": ["3000", "8"]})
    new = edited(old, {"question": "Quel est le port ?", "answer": "Le port 3000."})
    assert new.prompt[-1].content == content[: -len("Quel port ?")] + "Quel est le port ?"
    assert parts_of(new) == {"question": "Quel est le port ?", "answer": "Le port 3000."}
    assert new.metadata["answers"] == ["3000"]
