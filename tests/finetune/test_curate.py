"""What is dropped, and under which reason it is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from words import WordEmbedder
from workspace import Workspace

from finetune.curate import Curator, quotes
from finetune.drops import Drops
from finetune.examples import Example
from finetune.sources import Source

GOOD = Example(
    "Quelle est la licence de Redis ?", "La licence de Redis est BSD [chunk_1].", "which", "fr", (1,), ("redis.md",), "rule-based",
    "field.which.0", ("BSD",), "Licence : BSD", "redis|licence",
)  # fmt: skip


@pytest.fixture
def curator(workspace: Workspace) -> Iterator[Curator]:
    workspace.write(
        "redis.md", "---\ntitle: Redis\n---\nLicence : BSD\nPort : 6379\n\nRedis garde ses données en mémoire vive."
    )
    workspace.sync()
    with workspace.library(create=False) as library:
        yield Curator(Source(library), WordEmbedder(), Drops(), frozenset(("fr",)))


def test_a_good_example_passes_once(curator: Curator) -> None:
    assert curator.passes(GOOD)
    assert not curator.passes(replace(GOOD, question="quelle est la LICENCE de redis"))
    assert curator.drops.counts == {"the same question as another": 1}
    assert curator.drops.shown["the same question as another"] == [
        "quelle est la LICENCE de redis → La licence de Redis est BSD [chunk_1]."
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"language": "en"}, "in another language"),
        ({"question": "Quelle est la licence de cette application ?"}, "not standalone"),
        ({"answers": ("MIT",)}, "its chunk does not hold the answer"),
        ({"answer": "La licence de Redis est BSD."}, "no citation"),
        ({"answer": "Redis est distribué gratuitement selon des conditions très larges [chunk_1].", "answers": ()},
         "its chunk does not support the answer"),
        ({"answer": "La licence de Redis est BSD [chunk_9]."}, "it cites another chunk than its own"),
        ({"answer": "Selon la fiche, « Redis garde ses données sur disque dur » [chunk_1].", "answers": ()},
         "a quote is not in its chunk"),
        ({"quote": "Licence : MIT"}, "a quote is not in its chunk"),
        ({"gold": (99,), "answer": "BSD [chunk_99]."}, "its chunk does not exist"),
        ({"answer": " "}, "empty"),
    ],
)  # fmt: skip
def test_faults(curator: Curator, change: dict[str, object], reason: str) -> None:
    assert not curator.passes(replace(GOOD, **change))  # type: ignore[arg-type]
    assert dict(curator.drops.counts) == {reason: 1}


def test_a_verbatim_quote_passes_whatever_its_apostrophes(curator: Curator) -> None:
    said = "La fiche indique « Redis garde ses données en mémoire vive » [chunk_1]."
    assert curator.passes(replace(GOOD, answer=said, answers=()))


def test_near_duplicates_are_found_by_words_and_by_meaning(curator: Curator) -> None:
    long = "Redis garde ses données en mémoire vive [chunk_1]."
    first = replace(
        GOOD, question="Où Redis garde ses données selon la documentation interne de Redis ?", answer=long, answers=()
    )
    assert curator.passes(first)
    assert not curator.passes(
        replace(first, question="Redis garde ses données où selon la documentation interne de Redis ?")
    )
    assert curator.drops.counts["a near-duplicate of another (embedding)"] == 1
    assert curator.passes(replace(GOOD, question="Où Redis garde ses données selon nous ?", answer=long, answers=()))


def test_a_paraphrase_may_repeat_in_other_letters_but_not_itself(curator: Curator) -> None:
    assert curator.passes(GOOD)
    other = replace(GOOD, question="quelle est la licence de redis", method="augmented")
    assert curator.passes(other)
    assert not curator.passes(replace(other, form="again"))
    assert not curator.passes(replace(GOOD, method="augmented")), "the question itself"
    assert not curator.passes(replace(GOOD, question="Quelle est la licence de REDIS ?")), (
        "a test may not ask what trained"
    )


def test_refusals_need_no_proof(curator: Curator) -> None:
    refusal = replace(
        GOOD, question="Quel est le prix de Redis ?", answer="Je ne connais pas la réponse.", type="refusal", answers=()
    )
    assert curator.passes(refusal)


def test_what_counts_as_a_quote() -> None:
    said = "« Redis », “un nom plus long que vingt” et « une phrase entière citée mot à mot »"
    assert quotes(said) == ["un nom plus long que vingt", "une phrase entière citée mot à mot"]
