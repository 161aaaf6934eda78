"""Citations in a text that comes in pieces: the pieces make no difference, and nothing is held longer than it must be."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from retrieval.citation_stream import CitationStream
from retrieval.citations import normalise

KNOWN = {7: None, 38: None, 383: None, 385: None}
# A reader of its own for what a person takes for a citation.
CITATION = re.compile(
    r"\[\s*(?:sources?\s*:\s*)?chunks?[\s_-]*(\d+)\s*[\]】]|【\s*(?:chunk[\s_-]*)?(\d+)\s*[\]】]|\(\s*chunk[\s_-]*(\d+)\s*\)",
    re.IGNORECASE,
)

PIECES = st.sampled_from(
    ["（", "）", "\\", "\\\\[", "**", "~", "|", "–", "^", "p. 4",
     "[", "]", "(", ")", "【", "】", "{", "}", "［", "］", "<", ">", "chunk", "chu", "nk", "Chunk_", "_", "-", "#", ":", ".", ",", ";",
     "&", "!", "?", "»", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u202f", "\u2028", "\x1c", "383", "38", "3", "7", "9", "385", "2019",
     "0", "1" * 19, "٣", "٧", "²", "₇", "７", "et", "and", "voir", "cf.", "see", "source", "Source: ", "passages", "id", "†", "†source",
     "Orion", "é", "e\u0301", "\u0301", "\u200b", "\ud83d", "ſource", "chun\u212a", "İ", "`", "```\n", "](http://x)", "[chunk_",
     "[chunk_383]", "[chunk_9]", "chunk_7]", "[[", "]]", "【9】", "(chunk_9)", "[2019]", "a" * 41]
)  # fmt: skip
TRICKY = st.lists(PIECES, max_size=25).map("".join) | st.text(st.characters(exclude_categories=()), max_size=60)


def streamed(pieces: Iterable[str]) -> tuple[str, int]:
    stream = CitationStream(set(KNOWN))
    return "".join([*map(stream.feed, pieces), stream.finish()]), stream.struck


def hold_for_every_split(text: str) -> None:
    whole = done, struck = normalise(text, KNOWN)
    assert streamed(text) == whole, "one character at a time"
    for at in range(len(text) if len(text) <= 50 else 0):
        assert streamed([text[:at], text[at:]]) == whole, at
    assert normalise(done, KNOWN) == (done, 0), "twice changes nothing"
    cited = [int(next(filter(None, match))) for match in CITATION.findall(done)]
    assert set(cited) <= set(KNOWN)
    assert struck <= len(re.findall(r"\d+", text))


@settings(max_examples=1500)
@given(TRICKY)
@example("[[chunk_9]chunk_10]")
@example("【【9】10】")
@example("[chu[chunk_9]nk_10]")
@example("[38 [chunk_9]3] [38[chunk_9] 3]")
@example("[chunk_[chunk_9]383]")
@example("【383†[a] (chunk_9)】")
def test_pieces_make_no_difference_and_every_citation_exists(text: str) -> None:
    hold_for_every_split(text)


@pytest.mark.slow
@settings(max_examples=60_000)
@given(TRICKY)
def test_pieces_make_no_difference_at_length(text: str) -> None:
    hold_for_every_split(text)


@given(TRICKY.filter(lambda text: not re.search("[【(\\[［（]", text)))
def test_text_without_brackets_is_only_stripped_at_its_end(text: str) -> None:
    assert streamed(text) == (text.rstrip(), 0)


@pytest.mark.parametrize(
    ("written", "normal", "struck"),
    [
        ("[chunk_383; 385 et 7]", "[chunk_383] [chunk_385] [chunk_7]", 0),
        ("【383†source】", "[chunk_383]", 0),
        ("[383†lines 4-9]", "[chunk_383]", 0),
        ("[[383]]", "[chunk_383]", 0),
        ("([chunk_383])", "[chunk_383]", 0),
        ("(voir [383], [chunk_9])", "[chunk_383]", 1),
        ("[chunk_id: 383]", "[chunk_383]", 0),
        ("[chunk_\n383]", "[chunk_383]", 0),
        ("[passage 9]", "", 1),
        ("[source 9]", "", 1),
        ("([chunk_9])", "", 1),
        ("[chunk_9, chunk_9]", "", 1),
        # Digits of any script are digits, as they are to a reader; superscripts are not.
        ("[chunk_٣٨٣]", "[chunk_383]", 0),
        ("[chunk_³⁸³]", "[chunk_³⁸³]", 0),
        # A note is short and stays on its line; a bracket with any other word is the author's.
        ("[383†" + "a" * 41 + "]", "[383†" + "a" * 41 + "]", 0),
        ("[383†a\nb]", "[383†a\nb]", 0),
        ("[383 pages]", "[383 pages]", 0),
        ("(passage 9)", "(passage 9)", 0),
        ("[38 3]", "[38 3]", 0),
        # What a writer adds to a whole id goes with it.
        ("[chunk_383: Gitea, port]", "[chunk_383]", 0),
        ("[chunk_9: Gitea]", "", 1),
        ("[chunk_9 – Gitea]", "", 1),
        ("[chunk_9 Gitea]", "", 1),
        ("[chunk_383, p. 4]", "[chunk_383]", 0),
        ("[chunk_383-385]", "[chunk_383]", 0),
        ("(chunk_9: Gitea)", "", 1),
        ("(chunk_383 says so)", "(chunk_383 says so)", 0),
        ("[chunk_9: " + "a" * 81 + "]", "[chunk_9: " + "a" * 81 + "]", 0),
        ("[chunk_9: a\nb]", "[chunk_9: a\nb]", 0),
        ("[9†]", "", 1),
        ("[9†source]", "", 1),
        # Markdown around an id, and brackets of other writings, are read as a reader sees them.
        ("\\[chunk\\_383\\]", "[chunk_383]", 0),
        ("\\[chunk_9\\]", "", 1),
        ("\\\\[chunk_9]", "", 1),
        ("[**chunk_383**]", "[chunk_383]", 0),
        ("[`chunk_9`]", "", 1),
        ("［chunk_383］", "[chunk_383]", 0),
        ("［ｃｈｕｎｋ_９］", "", 1),
        ("（chunk_9）", "", 1),
        ("\\[x\\]", "\\[x\\]", 0),
        ("[*7*]", "[*7*]", 0),
        # A bare word and a footnote are no citation, and are not shown as one.
        ("chunk_9", "chunk_9", 0),
        ("[^9]", "[^9]", 0),
        ("[^7]", "[^7]", 0),
        ("x[-7]", "x[-7]", 0),
        # The text of a link is a citation when its number is known; the address stays.
        ("[383](http://a.fr)", "[chunk_383](http://a.fr)", 0),
        ("[2019](http://a.fr)", "[2019](http://a.fr)", 0),
        # Code is read like prose.
        ("`[chunk 383]`", "`[chunk_383]`", 0),
        ("```\n[chunk 9]\n```", "```\n```", 1),
    ],
)  # fmt: skip
def test_what_a_bracket_becomes(written: str, normal: str, struck: int) -> None:
    assert streamed([f"Vu {written} ici"]) == (f"Vu {normal} ici".replace("  ", " "), struck)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Un [chunk_9] deux", "Un deux"),
        ("Un[chunk_9] deux", "Un deux"),
        ("Un [chunk_9][chunk_10] [chunk_11], deux", "Un, deux"),
        ("Vrai [chunk_9] ? Oui [chunk_9].", "Vrai ? Oui."),
        ("Vrai [chunk_9]\u202f!", "Vrai\u202f!"),
        ("a   b [chunk_9]", "a   b"),
        ("[chunk_9] Un", "Un"),
        ("[chunk_9]\n\nUn", "Un"),
        ("Un [chunk_9]\nDeux", "Un\nDeux"),
        ("- Un\n[chunk_9]\n- Deux", "- Un\n- Deux"),
        ("- Un\n  - [chunk_9] Deux", "- Un\n  - Deux"),
        ("    code [chunk_9]\n    code", "    code\n    code"),
        ("(dit [chunk_9])", "(dit)"),
        ("([chunk_9] dit)", "(dit)"),
    ],
)
def test_striking_leaves_the_blanks_of_a_text_that_never_cited(text: str, normal: str) -> None:
    assert streamed(text)[0] == normal


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["Le port ", "est 5432"], ["Le port", " est 5432"]),
        (["est [chu", "nk 38", "3]", "."], ["est", "", " [chunk_383]", "."]),
        (["est [chu", "nk 9", "]", "."], ["est", "", "", "."]),
        (["un [lien", " vers"], ["un [lien", " vers"]),
        (["un [", "l", "ien]"], ["un", " [l", "ien]"]),
        (["(voir", " l", "a page"], ["", "(voir l", "a page"]),
        (["(chu", "tes)"], ["", "(chutes)"]),
        (["[2019", "] a"], ["", "[2019] a"]),
        (["a [[", "x"], ["a", " [[x"]),
        (["[383†", "a" * 40, "a"], ["", "", "[383†" + "a" * 41]),
    ],
)
def test_a_bracket_is_held_only_while_it_can_become_a_citation(pieces: list[str], shown: list[str]) -> None:
    stream = CitationStream(set(KNOWN))
    assert [stream.feed(piece) for piece in pieces] == shown


def test_what_is_held_at_the_end_is_text() -> None:
    stream = CitationStream(set(KNOWN))
    assert (stream.feed("Vu [chunk_383 "), stream.finish(), stream.struck) == ("Vu", " [chunk_383", 0)


def test_ids_may_become_known_while_the_text_comes() -> None:
    stream = CitationStream(set())
    first = stream.feed("Un [chunk_9], ")
    stream.known.add(9)
    assert first + stream.feed("deux [chunk_9].") + stream.finish() == "Un, deux [chunk_9]."
    assert stream.struck == 1


UNITS = [
    "[",
    "[[chunk_9]",
    "[chunk_9] ",
    "[chunk_383] ",
    " ",
    "\n",
    "[ ",
    "\\",
    "\\[",
    "[chunk_1: ",
    "[383†",
    "【1†(",
    "[1,",
    "(chunk_1 et ",
    "9",
    "([chunk_9]) ",
]


@pytest.mark.parametrize(("unit", "size"), [*((unit, 200_000) for unit in UNITS), *((unit, 1) for unit in UNITS[:5])])
def test_the_time_grows_with_the_text_and_not_with_its_square(unit: str, size: int) -> None:
    def seconds(length: int) -> float:
        text = "[chunk_" + unit * (length // len(unit)) + "]" * (length // 4)
        start = time.process_time()
        streamed(text[i : i + size] for i in range(0, len(text), size))
        return time.process_time() - start

    short = min(seconds(20_000) for _ in range(3))
    assert min(seconds(200_000) for _ in range(2)) < 70 * short + 0.2, "10 times as long; the square would be 100 times"
