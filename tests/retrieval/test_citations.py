"""Citations: every spelling becomes `[chunk_N]`, what does not exist is struck, support is measured."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval.citations import SUPPORTED, check, cited_sentences, normalise, support_score
from retrieval.types import Passage

KNOWN = {383: None, 385: None, 7: None}
TAG = re.compile(r"\[chunk_(\d+)\]")


def passage(chunk_id: int, text: str, title: str = "GIDAF") -> Passage:
    return Passage(chunk_id, "gidaf.md", "", title, (), text, 1.0, 0.5, 1.0)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("[chunk_383]", "[chunk_383]"),
        ("[chunk 383]", "[chunk_383]"),
        ("[Chunk_383]", "[chunk_383]"),
        ("[CHUNK 383]", "[chunk_383]"),
        ("[chunk383]", "[chunk_383]"),
        ("[chunk-383]", "[chunk_383]"),
        ("[chunk #383]", "[chunk_383]"),
        ("[chunk_0383]", "[chunk_383]"),
        ("[ chunk_383 ]", "[chunk_383]"),
        ("【383】", "[chunk_383]"),
        ("【chunk_383】", "[chunk_383]"),
        ("【383†gidaf.md】", "[chunk_383]"),
        ("(chunk_383)", "[chunk_383]"),
        ("[Source: chunk_383]", "[chunk_383]"),
        ("[Source : chunk_383]", "[chunk_383]"),
        ("[source 383]", "[chunk_383]"),
        ("[383]", "[chunk_383]"),
        ("[voir chunk_383]", "[chunk_383]"),
        ("[cf. chunk_383]", "[chunk_383]"),
        ("[Sources: chunk_383, chunk_385]", "[chunk_383] [chunk_385]"),
        ("[chunk_383; chunk_385]", "[chunk_383] [chunk_385]"),
        ("[chunk_383 et chunk_385]", "[chunk_383] [chunk_385]"),
        ("[chunks 383, 385 and 7]", "[chunk_383] [chunk_385] [chunk_7]"),
        ("(chunk_383, chunk_385)", "[chunk_383] [chunk_385]"),
        ("[383, 385]", "[chunk_383] [chunk_385]"),
        ("[chunk_383, chunk_383]", "[chunk_383]"),
        ("[chunk_383][chunk_385]", "[chunk_383][chunk_385]"),
    ],
)
def test_every_spelling_of_a_citation(written: str, normal: str) -> None:
    assert normalise(f"GIDAF est hébergé par SI-RAPP {written}.", KNOWN) == (
        f"GIDAF est hébergé par SI-RAPP {normal}.",
        0,
    )


@pytest.mark.parametrize(
    "plain", ["[2019]", "(2019)", "[1, 2]", "(383)", "[a]", "[x] fait", "(voir 2019)", "tab[0]", "383", "[Orion 9]"]
)
def test_other_brackets_are_left_alone(plain: str) -> None:
    text = f"Un texte {plain} de l'auteur."
    assert normalise(text, KNOWN) == (text, 0)


@pytest.mark.parametrize(
    ("text", "normal", "struck"),
    [
        ("Hébergé par SI-RAPP [chunk_9].", "Hébergé par SI-RAPP.", 1),
        ("Oui [chunk_9] et non [chunk_383].", "Oui et non [chunk_383].", 1),
        ("Oui [chunk_9, chunk_383, chunk_10].", "Oui [chunk_383].", 2),
        # The blank before `!` was there beside the citation: French puts one, English writes none to keep.
        ("Oui 【9】 !", "Oui !", 1),
        ("Oui 【9】!", "Oui!", 1),
        ("Oui (chunk_9).", "Oui.", 1),
        ("Oui [chunk_12345678901234567890123].", "Oui.", 1),
        ("Oui [[chunk_9]chunk_10].", "Oui.", 2),
    ],
)
def test_what_was_not_in_the_context_is_struck_and_counted(text: str, normal: str, struck: int) -> None:
    assert normalise(text, KNOWN) == (normal, struck)


PIECES = st.sampled_from(
    ["[", "]", "(", ")", "【", "】", "chunk", "_", " ", "383", "7", "9", "385", ",", ";", "et", "Source:", "†", "2019", ".", "Orion",
     "\n", "[chunk_", "[chunk_383]", "[chunk_9]", "chunk_7]", "1" * 19, "٣", "²"]
)  # fmt: skip
HOSTILE = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=80)


@settings(max_examples=2500)
@given(HOSTILE)
@example("[[chunk_9]chunk_10]")
@example("[[[chunk_9]chunk_10]chunk_11]")
@example("[chunk_" + "1" * 30 + "]")
@example("[chunk_" + "1" * 5000 + "]")
@example("[chunk_٣]")
@example("[chunk_[chunk_9]383]")
def test_after_normalising_every_citation_exists_and_twice_changes_nothing(text: str) -> None:
    done, struck = normalise(text, KNOWN)
    assert struck >= 0
    assert all(int(number) in KNOWN for number in TAG.findall(done))
    assert normalise(done, KNOWN) == (done, 0)


@settings(max_examples=500)
@given(HOSTILE)
@example("[chunk_" + "1" * 19 + "]")
def test_checking_never_raises_and_cites_only_what_was_given(text: str) -> None:
    checked = check(text, [passage(383, "GIDAF"), passage(7, "Orion 2019")], "fr")
    assert {c.chunk_id for c in checked.citations} <= {383, 7}
    assert all(0 <= c.support <= 1 for c in checked.citations)


@pytest.mark.parametrize(
    "unit",
    ["[", "[chunk ", "[chunk_1, ", "[1,1,1,", "【1†", "(chunk", "(chunk_1 et ", "[source ", "chunk_383] ", "[chunk_9] ", "[[chunk_9]",
     " ", "[chunk_383]", ". [chunk_383]", "1 ", "1,", "."],
)  # fmt: skip
def test_hostile_text_takes_linear_time(unit: str) -> None:
    text = "a" + unit * (100_000 // len(unit)) + "b"
    start = time.perf_counter()
    check(text, [passage(383, "GIDAF")], "fr")
    assert time.perf_counter() - start < 30


def test_deep_nesting_takes_linear_time() -> None:
    start = time.perf_counter()
    done, _ = normalise("[" * 20_000 + "chunk_9]" * 20_000, KNOWN)
    assert time.perf_counter() - start < 30
    assert not TAG.findall(done)


def test_sentences_with_their_citations() -> None:
    text = "Un [chunk_1]. Deux. [chunk_2] Trois [chunk_3] [chunk_4]."
    assert list(cited_sentences(text)) == [("Un", [1]), ("Deux", [2]), ("Trois", [3, 4])]


def test_support_is_the_share_of_what_is_said() -> None:
    source = passage(383, "GIDAF est hébergé par SI-RAPP depuis 2019. Le port est 8080.")
    assert support_score("GIDAF est hébergé par SI-RAPP depuis 2019", source, "fr") == 1.0
    assert support_score("Le port est 8080", source, "fr") == 1.0
    wrong = support_score("Le port est 9090", source, "fr")
    assert wrong < SUPPORTED
    assert wrong < support_score("La prise est 8080", source, "fr")
    assert support_score("", source, "fr") == 0.0


def test_numbers_are_compared_as_numbers() -> None:
    assert support_score("1500.50", passage(1, "Le prix : 1 500,50 €"), "fr") == 1.0
    assert support_score("3.7", passage(1, "version 3.70"), "fr") == 1.0
    assert support_score("35", passage(1, "3,5 %"), "fr") == 0.0


def test_a_checked_answer() -> None:
    given = [passage(383, "GIDAF est hébergé par SI-RAPP."), passage(385, "Orion utilise Redis.", "Orion")]
    checked = check(
        "GIDAF est hébergé par SI-RAPP [Source: chunk_383]. Orion coûte 900 euros [chunk 385] [chunk_9].", given, "fr"
    )
    assert checked.text == "GIDAF est hébergé par SI-RAPP [chunk_383]. Orion coûte 900 euros [chunk_385]."
    assert checked.unknown == 1
    assert [(c.chunk_id, c.supported) for c in checked.citations] == [(383, True), (385, False)]
    assert checked.citations[0].document == "gidaf.md"
