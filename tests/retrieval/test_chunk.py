"""Documents to chunks: whole when they fit, never over the window, and nothing of the text lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from words import WordEmbedder

from retrieval.chunk import SPECIAL_TOKENS, Piece, chunk, embedded_text, full_text
from retrieval.text import words
from retrieval.types import Document

EMBEDDER = WordEmbedder()


def cut(text: str, title: str = "Orion", window: int = 64) -> list[Piece]:
    return chunk(Document(text, title), WordEmbedder(window))


def prose(n: int, word: str = "mot") -> str:
    """`n` sentences of ten words."""
    return " ".join(f"Phrase {word}{i} de dix petits mots bien comptés ici même." for i in range(n))


def tokens(piece: Piece, title: str = "Orion") -> int:
    return EMBEDDER.count_tokens([embedded_text(title, piece.headings, piece.text)])[0] + SPECIAL_TOKENS


def assert_all_there(text: str, pieces: list[Piece]) -> None:
    """Every word of the text occurs in the chunks, in order."""
    said = iter(words("\n".join(piece.text for piece in pieces)))
    for word in words(text):
        assert word in said, f"{word!r} is missing or out of order"


def test_a_document_that_fits_is_one_chunk_word_for_word() -> None:
    text = "# Orion\n\nUne application.\n\n## Port\n\n8080"
    assert cut(text) == [Piece((), text)]


def test_nothing_gives_no_chunk() -> None:
    assert cut("") == cut(" \n\n ") == []


def test_a_long_document_is_cut_at_headings_and_knows_their_path() -> None:
    text = f"# Guide\n\n{prose(3)}\n\n## Ports\n\n{prose(3)}\n\n### Web\n\n{prose(3)}\n\n## Licence\n\n{prose(3)}"
    pieces = cut(text)
    found = {piece.text.split("\n")[0]: piece.headings for piece in pieces}
    assert found["## Ports"] == ("Guide",)
    assert found["### Web"] == ("Guide", "Ports")
    assert found["## Licence"] == ("Guide",)
    assert_all_there(text, pieces)


def test_the_second_chunk_of_a_section_carries_its_path() -> None:
    pieces = cut(f"# Guide\n\n## Ports\n\n{prose(20)}")
    assert len(pieces) > 2
    assert all(piece.headings == ("Guide", "Ports") for piece in pieces[1:])


def test_small_sections_are_merged() -> None:
    text = "\n\n".join(f"## Titre {i}\n\nCourt." for i in range(30))
    assert len(cut(text)) <= 15


def test_a_heading_stays_with_what_follows() -> None:
    for piece in cut("\n\n".join(f"## Titre {i}\n\n{prose(4, f'w{i}x')}" for i in range(6))):
        assert not piece.text.split("\n")[-1].startswith("#")


def test_underlined_headings_count() -> None:
    pieces = cut(f"Guide\n=====\n\n{prose(4)}\n\nPorts\n-----\n\n{prose(8)}")
    assert ("Guide", "Ports") in [piece.headings for piece in pieces]


def test_every_part_of_a_table_repeats_the_header() -> None:
    rows = "\n".join(f"| port{i} | {9000 + i} | rôle{i} |" for i in range(40))
    pieces = cut(f"# Ports\n\n| Nom | Numéro | Rôle |\n|---|---|---|\n{rows}")
    tables = [piece for piece in pieces if "| port" in piece.text]
    assert len(tables) > 3
    for piece in tables:
        assert piece.text.count("| Nom | Numéro | Rôle |\n|---|---|---|") == 1
    assert_all_there(rows, pieces)


def test_code_is_not_cut_at_hash_signs() -> None:
    code = "```sh\n# installer\n## vraiment\napt install orion\n```"
    pieces = cut(f"# Guide\n\n{prose(4)}\n\n## Installer\n\n{code}\n\n{prose(4)}")
    assert [code in piece.text for piece in pieces].count(True) == 1
    assert {name for piece in pieces for name in piece.headings} <= {"Guide", "Installer"}


def test_a_ready_made_chunk_is_kept_whole() -> None:
    document = Document(prose(50), "Orion", "chunk_383", atomic=True)
    assert chunk(document, EMBEDDER) == [Piece((), document.text)]


def test_front_matter_is_searchable_when_it_says_so() -> None:
    document = Document("Du texte.", "Orion", "", {"licence": "MIT"}, fields_in_text=True)
    assert chunk(document, EMBEDDER)[0].text == full_text(document) == "licence : MIT\n\nDu texte."
    assert chunk(Document("Du texte.", "Orion", "", {"licence": "MIT"}), EMBEDDER)[0].text == "Du texte."


def test_what_the_embedder_reads_of_a_chunk() -> None:
    assert embedded_text("Orion", ("Ports",), "8080") == "Orion › Ports\n8080"
    assert embedded_text("Orion", ("Orion",), "8080") == "Orion\n8080"
    assert embedded_text("", (), "8080") == "8080"


WORD = st.sampled_from(
    ["Orion", "port", "8080", "l'été", "Mme.", "fin.", "fin !", "C++", "#", "|", "`x`", "SI-RAPP", "a" * 30]
)
LINE = st.lists(WORD, max_size=30).map(" ".join)
HEADING = st.tuples(st.integers(1, 6), st.sampled_from(["Ports", "Base de données", "Qui ?"])).map(
    lambda h: f"{'#' * h[0]} {h[1]}"
)
TABLE = st.integers(1, 20).map(lambda n: "| A | B |\n|---|---|\n" + "\n".join(f"| clé {i} | {i} |" for i in range(n)))
CODE = st.lists(LINE, max_size=8).map(lambda lines: "```\n" + "\n".join(lines) + "\n```")
MARKDOWN = st.lists(LINE | HEADING | TABLE | CODE | st.just("Titre\n---") | st.just("- un\n- deux"), max_size=25).map(
    "\n\n".join
)


@given(MARKDOWN | st.text(max_size=2000))
@example("# " + "Orion l'été " * 9 + "\n\n## Ports\n\n| A | B |\n|---|---|\n| clé 0 | 0 |\n| clé 1 | 1 |")
@example("# A\n\n## B\n\n" + "x " * 57 + "\n\n### C\n\n" + "y " * 53)
def test_no_chunk_is_over_the_window_and_no_word_is_lost(text: str) -> None:
    pieces = cut(text)
    for piece in pieces:
        assert tokens(piece) <= EMBEDDER.window, piece
        assert piece.text.strip()
    assert_all_there(text, pieces)


@pytest.mark.parametrize(
    "text",
    [
        "mot " * 50_000,
        "m" * 200_000,
        "." * 200_000,
        "a. " * 60_000,
        "# " + "x " * 100_000,
        "# a" + " " * 200_000 + "b",
        "# " + "#" * 200_000 + "x",
        "#\t" * 100_000,
        "# a\n" * 50_000,
        "\n" * 200_000,
        "a\n" * 100_000,
        "|a|b|\n|-|-|\n" + "|c|d|\n" * 30_000,
        "|a|b|\n" + " " * 200_000 + "x\n" + "y " * 500,
        "```\n" * 50_000,
        "=" * 200_000,
        "-" * 200_000,
    ],
    ids=lambda text: f"{text[:14]!r}",
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    start = time.perf_counter()
    cut(text, window=256)
    assert time.perf_counter() - start < 30
