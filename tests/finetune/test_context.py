"""What stands before a question: the right chunks, others around them, and never one of another split."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from workspace import Workspace

from finetune.context import PASSAGES, Context, Framed, Framer
from finetune.examples import Example, Split
from finetune.sources import Source
from retrieval.types import Language, Message, Passage

REFUSAL = "Je ne trouve pas."


class Framing:
    """Prompts that show all there is to see."""

    def messages(self, question: str, language: Language, passages: Sequence[Passage]) -> tuple[Message, ...]:
        lines = [f"chunk_{p.chunk_id} {p.document}: {' '.join(p.text.split())}" for p in passages]
        return (Message("user", "\n".join([*lines, question])),)

    def refusal(self, language: Language, *, with_passages: bool) -> str:
        return REFUSAL if with_passages else "Je ne sais pas."


@pytest.fixture
def source(workspace: Workspace) -> Iterator[Source]:
    for n in range(1, 13):
        workspace.write(f"doc{n:02}.md", f"# Doc{n}\n\nLicence : L{n}")
    workspace.write("doc13.md", "# Comparatif\n\nDoc1 est distribué sous la licence L1.")
    workspace.sync()
    with workspace.library(create=False) as library:
        yield Source(library)


def framer(source: Source, kind: Context, seed: int = 1) -> Framer:
    splits: dict[int, Split] = {n: "train" if n <= 8 or n == 13 else "test" for n in range(1, 14)}

    def search(question: str, language: Language, limit: int) -> list[Passage]:
        return list(source.passages(range(13, 0, -1)).values())

    return Framer(kind, source, Framing(), splits, {}, seed, search)


def example(n: int) -> Example:
    return Example(
        f"Quelle est la licence de Doc{n} ?", f"La licence de Doc{n} est L{n} [chunk_{n}].", "which", "fr", (n,), (f"doc{n:02}.md",),
        "rule-based", "field.which.0", (f"L{n}",), f"Licence : L{n}", f"doc{n}|licence",
    )  # fmt: skip


def shown(framed: Framed) -> dict[int, str]:
    """Text by the id that the row shows."""
    return {int(n): text for n, text in re.findall(r"chunk_(\d+) [^:]*: (.*)", framed.messages[0].content)}


def test_no_context_leaves_the_example_as_it_is(source: Source) -> None:
    framed = framer(source, "none").frame(example(1), "train")
    assert (framed.example, framed.messages[0].content) == (example(1), "Quelle est la licence de Doc1 ?")


def test_gold_shows_the_right_chunk_under_another_id(source: Source) -> None:
    framed = framer(source, "gold").frame(example(1), "train")
    ((number, text),) = shown(framed).items()
    assert "L1" in text
    assert framed.example.answer == f"La licence de Doc1 est L1 [chunk_{number}]."
    assert framed.more["shown"] == {f"chunk_{number}": "chunk_1"}
    assert framed.more["has_gold"]


def rows(source: Source, seeds: int = 60, split: Split = "train", n: int = 1) -> list[Framed]:
    return [framer(source, "raft", seed).frame(example(n), split) for seed in range(seeds)]


def test_raft_hides_the_right_chunk_among_others_of_its_split(source: Source) -> None:
    for framed in rows(source):
        texts = shown(framed)
        titles = {int(t.split("L")[-1]) for t in texts.values() if "Licence :" in t}
        assert titles <= set(range(1, 9)), "documents 9 to 12 test"
        assert not any("distribué" in text for text in texts.values()), "it would tell the answer too"
        if framed.more["has_gold"]:
            assert len(texts) == PASSAGES
            cited = re.search(r"\[chunk_(\d+)\]", framed.example.answer)
            assert cited
            assert "L1" in texts[int(cited[1])]
        else:
            assert 1 not in titles
            assert (framed.example.answer, framed.example.answerable) == (REFUSAL, False)


def test_a_fifth_of_raft_rows_lacks_the_chunk(source: Source) -> None:
    lacking = sum(not framed.more["has_gold"] for framed in rows(source, 300))
    assert 30 <= lacking <= 95


def test_the_right_chunk_stands_anywhere_and_its_id_is_anything(source: Source) -> None:
    found = [framed for framed in rows(source, 100) if framed.more["has_gold"]]
    places = {list(framed.more["shown"].values()).index("chunk_1") for framed in found}
    assert places == set(range(PASSAGES))
    assert len({framed.example.answer for framed in found}) > 60


def test_a_test_row_shows_documents_that_test(source: Source) -> None:
    for framed in rows(source, 20, "test", 9):
        assert {int(t.split("L")[-1]) for t in shown(framed).values()} <= {9, 10, 11, 12}


def test_near_misses_keep_their_refusal(source: Source) -> None:
    refusal = replace(example(1), answer=REFUSAL, type="refusal", answers=())
    for seed in range(30):
        framed = framer(source, "raft", seed).frame(refusal, "train")
        assert framed.example.answer == REFUSAL
        assert framed.more["has_gold"]


def test_the_same_seed_frames_the_same(source: Source) -> None:
    assert framer(source, "raft", 3).frame(example(2), "train") == framer(source, "raft", 3).frame(example(2), "train")


def test_a_chunk_with_something_of_another_split_is_not_shown(source: Source) -> None:
    made = framer(source, "gold")
    made.parts = {1: None, 2: "train", 3: "test"}
    assert [made.may_show(example(n), "train") for n in (1, 2, 3, 4)] == [False, True, False, True]
    assert framer(source, "none").may_show(example(1), "train")
