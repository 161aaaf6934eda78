"""The search pipeline: what is found, in which order, for whom, and what is said when nothing can be."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from words import WordEmbedder
from workspace import Workspace

from assistant.app import App
from assistant.workspace import Home
from retrieval import generation
from retrieval.errors import BadInput, BadQuestion, NoIndex, WrongEmbedder
from retrieval.load.loader import Loader
from retrieval.search import DENSE_WEIGHT, MAX_QUESTION, REWRITTEN_WEIGHT, Searcher
from retrieval.types import Passage

SHEETS = {
    "gitea.md": ("Gitea", "MIT", "Go", "Gitea est une forge logicielle, hébergée par l'équipe. Son port est 3000."),
    "redis.md": ("Redis", "BSD", "C", "Redis garde des clés en mémoire. Le port de Redis est 6379."),
    "nginx.md": ("nginx", "BSD", "C", "nginx est un serveur web. Le serveur nginx écoute sur le port 80."),
    "traefik.md": ("Traefik", "MIT", "Go", "Traefik is a reverse proxy that discovers its routes by itself."),
}


def fill(workspace: Workspace) -> Workspace:
    for name, (title, licence, language, text) in SHEETS.items():
        workspace.write(name, f"---\nlicence: {licence}\nlangage: {language}\n---\n# {title}\n\n{text}\n")
    workspace.sync()
    workspace.embedder.embedded.clear()
    return workspace


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory, loader: Loader) -> Workspace:
    """The sheets, indexed once for all who only read them."""
    made = Workspace(tmp_path_factory.mktemp("sheets"), loader, WordEmbedder())
    made.docs.mkdir()
    return fill(made)


@pytest.fixture
def searcher(sheets: Workspace) -> Iterator[Searcher]:
    sheets.embedder.embedded.clear()
    with sheets.searcher() as searcher:
        yield searcher


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """The sheets in a workspace that may be changed."""
    return fill(workspace)


@pytest.fixture
def reader(filled: Workspace) -> Iterator[Searcher]:
    with filled.searcher() as searcher:
        yield searcher


def names(passages: tuple[Passage, ...]) -> list[str]:
    return [Path(p.document).name for p in passages]


def weighted(workspace: Workspace, searcher: Searcher, weight: float | None, **options: Any) -> Searcher:
    return Searcher(searcher.library, workspace.index, workspace.embedder, pytest.fail, dense_weight=weight, **options)


# order ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Quel port écoute Redis ?", "redis.md"),
        ("Sur quel port écoute nginx ?", "nginx.md"),
        ("What is Traefik?", "traefik.md"),
        ("forge logicielle", "gitea.md"),
    ],
)
def test_the_sheet_that_is_asked_about_comes_first(searcher: Searcher, question: str, name: str) -> None:
    assert names(searcher.search(question).passages)[0] == name


def test_passages_come_best_first_with_scores_between_0_and_1(searcher: Searcher) -> None:
    scores = [p.score for p in searcher.search("Quel est le port du serveur ?").passages]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] < scores[0] <= 1


def test_a_passage_says_where_it_is_from(searcher: Searcher) -> None:
    passage = searcher.search("Redis").passages[0]
    assert (passage.document, passage.title) == ("docs/redis.md", "Redis")
    assert "6379" in passage.text
    assert -1 <= passage.dense <= 1.0001
    assert passage.lexical > 0


def spread(values: list[float]) -> list[float]:
    low, high = min(values), max(values)
    return [(v - low) / (high - low) for v in values]


@pytest.mark.parametrize(("question", "language"), [("Quel est le port de Redis ?", "fr"), ("the port of Redis", "en")])
def test_the_score_is_the_weighted_sum_of_both_searches(searcher: Searcher, question: str, language: Any) -> None:
    found = searcher.search(question)
    assert found.language == language
    weight = DENSE_WEIGHT[found.language]
    dense, lexical = spread([p.dense for p in found.passages]), spread([p.lexical for p in found.passages])
    expected = [weight * d + (1 - weight) * b for d, b in zip(dense, lexical, strict=True)]
    assert [p.score for p in found.passages] == pytest.approx(expected)


def test_the_weight_at_its_ends_leaves_one_search_alone(sheets: Workspace, searcher: Searcher) -> None:
    question = "serveur port clés mémoire routes nginx"
    by_words = weighted(sheets, searcher, 0.0).search(question).passages
    by_vectors = weighted(sheets, searcher, 1.0).search(question).passages
    assert [p.lexical for p in by_words] == sorted((p.lexical for p in by_words), reverse=True)
    assert [p.dense for p in by_vectors] == sorted((p.dense for p in by_vectors), reverse=True)
    assert [p.score for p in by_words] == pytest.approx(spread([p.lexical for p in by_words]))
    assert [p.score for p in by_vectors] == pytest.approx(spread([p.dense for p in by_vectors]))


def test_top_k_is_a_limit_and_not_a_promise(searcher: Searcher) -> None:
    ranked = names(searcher.search("le port", 4).passages)
    for count in (1, 2, 3):
        assert names(searcher.search("le port", count).passages) == ranked[:count]
    assert len(searcher.search("le port", 1000).passages) == len(SHEETS)


def test_more_passages_than_candidates_can_be_asked_for(sheets: Workspace, searcher: Searcher) -> None:
    few = weighted(sheets, searcher, None, candidates=1)
    assert len(few.search("le port", 4).passages) == 4


def test_within_ranks_only_the_documents_named(sheets: Workspace, searcher: Searcher) -> None:
    found = searcher.search("Quel port écoute Redis ?")
    wanted = [p.document_id for p in found.passages if p.title in ("nginx", "Traefik")]
    inside = searcher.within(found, wanted, 10)
    assert {p.title for p in inside} == {"nginx", "Traefik"}
    assert len(searcher.within(found, wanted, 1)) == 1
    assert searcher.within(found, [], 10) == ()
    assert sheets.embedder.embedded == ["Quel port écoute Redis ?"], "the question is embedded once"


# a follow-up beside the question it was rewritten to ------------------------------------------------------------------


def test_a_follow_up_is_scored_by_both_questions(searcher: Searcher) -> None:
    rewritten, typed = "Quel est le port de Redis ?", "Et le port ?"
    one, other = ({p.chunk_id: p for p in searcher.search(question).passages} for question in (rewritten, typed))
    found = searcher.search(rewritten, also=typed)
    assert (found.question, found.also) == (rewritten, typed)
    ids, share, weight = list(one), REWRITTEN_WEIGHT, DENSE_WEIGHT["fr"]
    dense = spread([share * one[i].dense + (1 - share) * other[i].dense for i in ids])
    lexical = spread([share * one[i].lexical + (1 - share) * other[i].lexical for i in ids])
    expected = {i: weight * d + (1 - weight) * b for i, d, b in zip(ids, dense, lexical, strict=True)}
    assert {p.chunk_id: p.score for p in found.passages} == pytest.approx(expected)
    scores = [p.score for p in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert names(found.passages)[0] == "redis.md"


def test_cosine_and_bm25_of_a_passage_are_those_of_the_rewritten_question(searcher: Searcher) -> None:
    alone = {p.chunk_id: (p.dense, p.lexical) for p in searcher.search("Quel est le port de Redis ?").passages}
    both = {
        p.chunk_id: (p.dense, p.lexical) for p in searcher.search("Quel est le port de Redis ?", also="et ?").passages
    }
    assert both.keys() == alone.keys()
    for i, pair in alone.items():
        assert both[i] == pytest.approx(pair)


def test_what_only_the_question_as_typed_finds_is_found_too(sheets: Workspace, searcher: Searcher) -> None:
    narrow = weighted(sheets, searcher, None, candidates=1)
    assert names(narrow.search("forge logicielle", 1).passages) == ["gitea.md"]
    both = narrow.search("forge logicielle", 2, also="reverse proxy").passages
    assert set(names(both)) == {"gitea.md", "traefik.md"}


def test_each_of_both_questions_is_embedded_once(sheets: Workspace, searcher: Searcher) -> None:
    found = searcher.search("Quel est le port de Redis ?", also="Et le port ?")
    searcher.within(found, [found.passages[0].document_id], 3)
    searcher.search("Quel est le port de Redis ?", also="Et le port ?")
    assert sheets.embedder.embedded == ["Quel est le port de Redis ?", "Et le port ?"]


def test_a_question_beside_itself_is_searched_as_it_is(searcher: Searcher) -> None:
    question = "Quel est le port de Redis ?"
    assert searcher.search(question, also=question) == searcher.search(question)


# filters -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"licence": "MIT"}, {"gitea.md", "traefik.md"}),
        ({"langage": "c"}, {"redis.md", "nginx.md"}),
        ({"licence": "MIT", "langage": "Go"}, {"gitea.md", "traefik.md"}),
        ({"licence": "MIT", "langage": "C"}, set()),
        ({"licence": "GPL"}, set()),
        ({}, set(SHEETS)),
    ],
)
def test_filters_are_all_obeyed(searcher: Searcher, filters: dict[str, str], expected: set[str]) -> None:
    assert set(names(searcher.search("Quel port écoute Redis ?", filters=filters).passages)) == expected


def test_a_filter_leaves_out_before_it_counts(searcher: Searcher) -> None:
    assert names(searcher.search("Quel port écoute Redis ?", 1, filters={"langage": "Go"}).passages) == ["gitea.md"]


def test_an_unknown_key_is_named_with_the_keys_there_are(searcher: Searcher) -> None:
    with pytest.raises(BadInput, match="No document has a `auteur`") as error:
        searcher.search("port", filters={"licence": "MIT", "auteur": "Ada"})
    assert error.value.hint == "Keys there are: langage, language, licence."


# language ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "language"),
    [("Quel est le port de Redis ?", "fr"), ("What is the port of Redis?", "en"), ("Redis 6379", "fr")],
)
def test_the_language_is_detected_and_french_when_in_doubt(searcher: Searcher, question: str, language: str) -> None:
    assert searcher.search(question).language == language


def test_a_language_that_is_given_decides_how_words_are_cut(searcher: Searcher) -> None:
    french = searcher.search("logiciels", language="fr")
    english = searcher.search("logiciels", language="en")
    assert (french.language, english.language) == ("fr", "en")
    assert [p.title for p in french.passages if p.lexical] == ["Gitea"]
    assert [p.title for p in english.passages if p.lexical] == []


# what changes under a reader -----------------------------------------------------------------------------------------


def test_a_reader_sees_a_new_generation_at_its_next_question(filled: Workspace, reader: Searcher) -> None:
    before = reader.generation()
    assert reader.generation() is before
    filled.write("caddy.md", "# Caddy\n\nCaddy obtient ses certificats seul.\n")
    filled.sync()
    assert names(reader.search("certificats Caddy").passages)[0] == "caddy.md"
    assert reader.generation() is not before


def test_a_generation_that_is_open_answers_after_it_is_swept(filled: Workspace, reader: Searcher) -> None:
    held = reader.generation()
    ids = {p.chunk_id for p in reader.search("port").passages}
    for _ in range(2):
        filled.sync(rebuild=True)
    assert not (filled.index / held.manifest.name).exists()
    query = filled.embedder.embed(["port"])[0]
    assert {i for i, _ in held.vectors.search(query, 10)} == ids
    assert held.lexical.search("port", "fr", 10)


def test_what_is_deleted_is_no_longer_found_but_still_opens(
    filled: Workspace, reader: Searcher, dyag: Callable[..., Any]
) -> None:
    (cited,) = (p.chunk_id for p in reader.search("Redis").passages if p.title == "Redis")
    (filled.docs / "redis.md").unlink()
    filled.sync()
    assert "redis.md" not in names(reader.search("Quel port écoute Redis ?", 100).passages)
    assert reader.library.chunks([cited])[cited].deleted
    ran = dyag("source", str(cited), home=filled.path)
    assert ran.code == 0
    assert "6379" in ran.out


# what cannot be searched ---------------------------------------------------------------------------------------------


def test_an_index_of_another_embedder_is_refused_with_the_fix(filled: Workspace) -> None:
    filled.embedder = WordEmbedder(name="others/1")
    with filled.searcher() as searcher:
        for _ in range(2):
            with pytest.raises(WrongEmbedder, match=r"words/1, but others/1 is configured") as error:
                searcher.search("port", filters={"nothing": "of the kind"})
        assert "dyag index" in error.value.hint
        assert "index.embedder" in error.value.hint
        assert filled.embedder.embedded == []
        filled.sync()
        assert searcher.search("Quel port écoute Redis ?").passages[0].title == "Redis"


def test_a_library_without_files_has_no_index(workspace: Workspace) -> None:
    with workspace.library():
        pass
    with workspace.searcher() as searcher, pytest.raises(NoIndex) as error:
        searcher.search("port")
    assert "dyag index PATH" in error.value.hint


def test_a_workspace_without_library_has_no_index_and_gets_none(tmp_path: Path) -> None:
    app = App(Home(tmp_path / "empty", "test"), {})
    app.embedder = WordEmbedder()
    with pytest.raises(NoIndex) as error:
        app.searcher.search("port")
    assert "dyag index PATH" in error.value.hint
    assert not (tmp_path / "empty").exists()


def test_an_index_that_a_repair_does_not_mend_is_an_error(filled: Workspace) -> None:
    shutil.rmtree(filled.index)
    with filled.library(create=False) as library, pytest.raises(NoIndex) as error:
        Searcher(library, filled.index, filled.embedder, lambda damage: None).search("port")
    assert "dyag doctor" in error.value.hint
    assert generation.current_name(filled.index) is None


# questions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["", " \t\n", "\x00\x00", "\u00a0\u2003", "\x1f\x1e"])
def test_an_empty_question_is_refused_before_anything_is_loaded(workspace: Workspace, question: str) -> None:
    with workspace.library(), workspace.searcher() as searcher, pytest.raises(BadQuestion, match="empty"):
        searcher.search(question)


def test_what_is_no_character_is_replaced(searcher: Searcher) -> None:
    found = searcher.search("forge logicielle caf\udce9")
    assert found.question == "forge logicielle caf?"
    assert names(found.passages)[0] == "gitea.md"
    assert not searcher.search("forge", filters={"licence": "caf\udce9"}).passages
    with pytest.raises(BadInput, match=r"No document has a `l\?`"):
        searcher.search("forge", filters={"l\udce9": "MIT"})


@pytest.mark.parametrize("top_k", [0, -1, -(10**12)])
def test_fewer_passages_than_one_are_refused(searcher: Searcher, top_k: int) -> None:
    with pytest.raises(BadInput, match="passages were asked for") as error:
        searcher.search("port", top_k)
    assert "1 or more" in error.value.hint


def test_more_passages_than_there_are_are_all_of_them(searcher: Searcher) -> None:
    assert len(searcher.search("port", 10**12).passages) == len(SHEETS)


def test_a_question_as_long_as_a_document_is_refused(sheets: Workspace, searcher: Searcher) -> None:
    with pytest.raises(BadQuestion, match="characters long") as error:
        searcher.search("port " * 20_000)
    assert "dyag index FILE" in error.value.hint
    assert sheets.embedder.embedded == []
    assert searcher.search("port " * (MAX_QUESTION // 5)).passages


@pytest.mark.parametrize("question", ["\x01\x02\x7f", "\u200b", "?!", "…", "\U0001f50d", '+++ ((( " AND *:* ~'])
def test_a_question_without_words_does_no_harm(searcher: Searcher, question: str) -> None:
    assert len(searcher.search(question).passages) == len(SHEETS)


def test_characters_that_separate_nothing_do_not_hide_the_words(searcher: Searcher) -> None:
    found = searcher.search("  Quel\x00port\n\técoute \x00 Redis ?\x00")
    assert found.question == "Quel port écoute Redis ?"
    assert found.passages[0].title == "Redis"
