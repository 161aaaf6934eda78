"""Words to chunks: French and English, accents, elisions, plurals, and the codes of a catalogue."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from retrieval.lexical import MAX_TERMS, Entry, LexicalIndex, analyze, build

SHEETS = {
    1: ("GIDAF", "L'application est hébergée par SI-RAPP. Elle déclare l'autosurveillance des établissements."),
    2: ("Orion", "Écrit en C++ et en C#. Licence : MIT. Éditeur : dinum."),
    3: ("Redis", "Redis is an in-memory database. It listens on port 6379 and stores keys with databases."),
    4: ("Œuvres", "Le cœur du métier : les œuvres d’art, aujourd'hui déposées."),
    5: ("Jenkins", "Automates builds. Les serveurs d'intégration exécutent des travaux."),
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder = tmp_path_factory.mktemp("lexical")
    build(folder, (Entry(i, title, body) for i, (title, body) in SHEETS.items()))
    return LexicalIndex(folder)


@pytest.mark.parametrize(
    ("question", "language", "best"),
    [
        ("hebergee", "fr", 1),
        ("hébergées", "fr", 1),
        ("l'autosurveillance", "fr", 1),
        ("qu’est-ce que l’autosurveillance", "fr", 1),
        ("SI-RAPP", "fr", 1),
        ("si-rapp", "en", 1),
        ("ETABLISSEMENT", "fr", 1),
        ("C++", "fr", 2),
        ("c#", "en", 2),
        ("licences", "fr", 2),
        ("editeurs", "fr", 2),
        ("database", "en", 3),
        ("databases", "en", 3),
        ("6379", "fr", 3),
        ("redis", "fr", 3),
        ("coeur", "fr", 4),
        ("œuvre", "fr", 4),
        ("oeuvres", "fr", 4),
        ("d'art", "fr", 4),
        ("serveur d’intégration", "fr", 5),
        ("automate build", "en", 5),
    ],
)
def test_a_question_finds_its_sheet(index: LexicalIndex, question: str, language: str, best: int) -> None:
    found = index.search(question, language, 5)  # type: ignore[arg-type]
    assert found
    assert found[0][0] == best


def test_c_plus_plus_is_not_c(index: LexicalIndex) -> None:
    assert analyze("C++", "fr") != analyze("C", "fr") != analyze("C#", "fr")
    assert index.search("C", "fr", 5) == []


def test_a_french_question_finds_an_english_sheet_by_a_shared_word(index: LexicalIndex) -> None:
    assert index.search("Quel port pour Redis ?", "fr", 5)[0][0] == 3


def test_scores_are_positive_in_order_and_limited(index: LexicalIndex) -> None:
    found = index.search("port licence redis serveur application", "fr", 3)
    assert len(found) == 3
    assert [s for _, s in found] == sorted((s for _, s in found), reverse=True)
    assert all(score > 0 for _, score in found)


def test_only_allowed_chunks(index: LexicalIndex) -> None:
    free = dict(index.search("licence redis", "fr", 5))
    assert set(free) >= {2, 3}
    assert dict(index.search("licence redis", "fr", 5, allowed=[3, 99])) == {3: free[3]}
    assert index.search("licence redis", "fr", 5, allowed=[]) == []


@pytest.mark.parametrize("text", ["", " ", "?!", "\x00", "\U0001f600"])
def test_no_words_find_nothing(index: LexicalIndex, text: str) -> None:
    assert index.search(text, "fr", 5) == []


def test_nothing_but_stop_words_is_searched_as_written(index: LexicalIndex) -> None:
    assert isinstance(index.search("qui est là", "fr", 5), list)


def test_a_pasted_page_is_bounded(index: LexicalIndex) -> None:
    words = " ".join(f"mot{i}" for i in range(5 * MAX_TERMS))
    assert index.search(f"redis {words}", "fr", 5)[0][0] == 3
    assert index.search(f"{words} redis", "fr", 5) == []


def test_the_query_language_is_data_not_syntax(index: LexicalIndex) -> None:
    assert index.search('title:redis AND (body OR "x^2', "en", 5)[0][0] == 3


def test_document_frequency(index: LexicalIndex) -> None:
    (term,) = analyze("redis", "fr")
    assert index.document_frequency(term, "fr") == 1
    assert index.document_frequency("absent", "fr") == 0


def test_an_empty_index(tmp_path: Path) -> None:
    build(tmp_path, [])
    empty = LexicalIndex(tmp_path)
    assert len(empty) == 0
    assert empty.search("redis", "fr", 5) == []


def test_an_index_that_cannot_be_written_is_searched_in_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is mounted to be read: opening takes a lock file."""
    (tmp_path / "copies").mkdir()
    (tmp_path / "lexical").mkdir()
    build(tmp_path / "lexical", [Entry(7, "Gitea", "une forge")])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    found = LexicalIndex(tmp_path / "lexical")
    assert [i for i, _ in found.search("forge", "fr", 5)] == [7]
    assert list((tmp_path / "copies").iterdir())
    del found
    gc.collect()
    assert not list((tmp_path / "copies").iterdir())
