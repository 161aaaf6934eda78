"""The pipeline from a question to a cited answer, with a generator that says what the test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from commands import indexed_sheets

from assistant.answer import Answerer, Done, Searched, Sources
from assistant.app import App
from assistant.generators.base import Cut, Delta, Events, Evidence, Request, Sent, Turn
from assistant.modes import MODES
from assistant.rewrite import Rewritten, standalone
from assistant.workspace import Home
from retrieval.errors import BadQuestion, GeneratorFailed
from retrieval.types import INTERRUPTED, Answer, Message

PORT = "Quel port écoute Gitea ?"
GITEA = 3


class Says:
    """A generator of scripted events; an exception among them is raised."""

    name = "fake"

    def __init__(self, *events: Any, takes_time: bool = True) -> None:
        self.events, self.takes_time = events, takes_time
        self.requests: list[Request] = []
        self.closed = False

    def generate(self, request: Request) -> Events:
        self.requests.append(request)
        try:
            for event in self.events:
                if isinstance(event, BaseException):
                    raise event
                yield Delta(event) if isinstance(event, str) else event
        finally:
            self.closed = True

    def warm(self) -> None: ...


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> App:
    return App(Home(indexed_sheets(tmp_path_factory.mktemp("answer")), "test"), {})


@pytest.fixture
def make(app: App) -> Callable[..., Answerer]:
    def made(*events: Any, mode: str = "rag", refuse_below: float | None = 0.0, **options: Any) -> Answerer:
        generator = events[0] if events and isinstance(events[0], Says) else Says(*events)
        return Answerer(app.searcher, app.knowledge, generator, MODES[mode], 60, refuse_below, **options)

    return made


def run(answerer: Answerer, question: str = PORT, **options: Any) -> tuple[Answer, str]:
    """The answer, and what was shown of it on the way."""
    shown, done = "", None
    for event in answerer.answer(question, **options):
        if isinstance(event, Delta):
            shown += event.text
        elif isinstance(event, Done):
            done = event
    assert done is not None
    return done.answer, shown


def test_citations_are_normalised_and_checked_while_they_come(make) -> None:
    answer, shown = run(make("Le port est 3000 [ch", "unk ", "3", "] et", " 【99】", " voilà (chunk_3)."))
    assert answer.answer == shown == "Le port est 3000 [chunk_3] et voilà [chunk_3]."
    assert ([c.chunk_id for c in answer.citations], answer.unknown_citations) == ([GITEA], 1)


def test_text_that_steers_a_terminal_never_leaves_the_pipeline(make) -> None:
    answer, shown = run(make("3000 \x1b]52;c;", "aGk=\x07[ch\u200bunk_3", "]"))
    assert answer.answer == shown == "3000 [chunk_3]"


def test_what_was_sent_and_dropped_is_in_the_answer_and_only_sent_chunks_can_be_cited(make) -> None:
    says = Says(None, "Oui [chunk_3] [chunk_1].")
    answerer = make(says)
    found = answerer.searcher.search(PORT)
    kept = tuple(p for p in found.passages if p.chunk_id == GITEA)
    says.events = (Sent((Message("user", "?"),), kept, "9 passages"), "Oui [chunk_3] [chunk_1].")
    answer, _ = run(answerer)
    assert (answer.messages, answer.dropped, answer.passages[0].chunk_id) == ((Message("user", "?"),), "9 passages", 3)
    assert (answer.answer, answer.unknown_citations, len(answer.passages)) == ("Oui [chunk_3].", 1, 1)


def test_chunks_a_generator_read_beside_the_passages_can_be_cited(make) -> None:
    answer, _ = run(make(Evidence((1,)), "NATS [chunk_1]."), top_k=1)
    assert ([c.chunk_id for c in answer.citations], answer.unknown_citations) == ([1], 0)


@pytest.mark.parametrize("takes_time", [True, False])
def test_a_refused_question_shows_nothing_of_the_model(make, takes_time: bool) -> None:
    says = Says("Le port est 3000.", takes_time=takes_time)
    answer, shown = run(make(says, refuse_below=1.0))
    assert answer.refused
    assert shown == answer.answer
    assert answer.answer.startswith("Je ne trouve pas la réponse")
    # A model that takes its time is asked meanwhile, and broken off.
    assert (len(says.requests), says.closed) == ((1, True) if takes_time else (0, False))


def test_the_decision_is_made_while_a_slow_model_begins(make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, decided = threading.Event(), threading.Event()

    def confidence(request: Request, knowledge: object) -> float:
        assert asked.wait(10)
        decided.set()
        return 0.5

    class Slow(Says):
        def generate(self, request: Request) -> Events:
            asked.set()
            assert decided.wait(10)
            yield Delta("3000")

    monkeypatch.setattr("assistant.answer.confidence", confidence)
    answer, _ = run(make(Slow(), refuse_below=0.4))
    assert (answer.answer, answer.confidence, answer.refused) == ("3000", 0.5, False)


def test_a_model_that_says_it_does_not_know_has_refused(make) -> None:
    answer, _ = run(make("Je ne trouve pas la réponse dans les documents."))
    assert (answer.refused, answer.citations) == (True, ())


def test_a_generator_with_nothing_to_say_has_refused(make) -> None:
    answer, _ = run(make())
    assert (answer.refused, answer.partial) == (True, "")


def test_a_fault_after_some_text_keeps_the_text_and_says_why(make) -> None:
    events = list(make("Le port est", Cut("the connection broke", "Ask again.")).answer(PORT))
    done = events[-1]
    assert (done.answer.answer, done.answer.partial, done.answer.refused) == (
        "Le port est",
        "the connection broke",
        False,
    )
    assert done.hint == "Ask again."


def test_a_fault_before_any_text_is_raised(make) -> None:
    with pytest.raises(GeneratorFailed):
        run(make(GeneratorFailed("no server")))


def test_ctrl_c_keeps_what_has_come(make) -> None:
    answer, shown = run(make("Le port est 3000 [chunk_3", "].", KeyboardInterrupt()))
    assert (answer.answer, answer.partial) == ("Le port est 3000 [chunk_3].", INTERRUPTED)
    assert shown == answer.answer


def test_ctrl_c_while_text_is_drawn_keeps_it_too(make) -> None:
    says = Says("Le port", " est 3000.", " Jamais lu.")
    events = make(says).answer(PORT)
    event = next(e for e in events if isinstance(e, Delta))
    assert event.text == "Le port"
    ended = events.throw(KeyboardInterrupt)
    rest = [ended, *events]
    assert isinstance(rest[-1], Done)
    assert (rest[-1].answer.answer, rest[-1].answer.partial) == ("Le port", INTERRUPTED)
    assert says.closed


def test_ctrl_c_before_any_text_leaves_nothing_to_keep(make) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(make(KeyboardInterrupt()))


def test_a_follow_up_is_searched_as_a_question_of_its_own(make) -> None:
    def rewrite(question: str, turns: Sequence[Turn], language: object) -> Rewritten:
        return Rewritten("Quel port écoute Gitea ?", "test")

    says = Says("3000 [chunk_3].")
    answerer = make(says, rewrite=rewrite, history=1)
    turns = [Turn("Qui a créé Redis ?", "Salvatore."), Turn("Qu'est-ce que Gitea ?", "Une forge.")]
    events = list(answerer.answer("Et son port ?", turns=turns))
    assert events[0] == Searched("Quel port écoute Gitea ?")
    assert isinstance(events[1], Sources)
    assert (says.requests[0].question, says.requests[0].said) == ("Quel port écoute Gitea ?", "Et son port ?")
    assert says.requests[0].history == (turns[1],)
    answer = events[-1].answer
    assert (answer.question, answer.searched) == ("Et son port ?", "Quel port écoute Gitea ?")
    alone = list(answerer.answer("Et son port ?"))
    assert isinstance(alone[0], Sources)


@pytest.mark.parametrize(
    ("question", "leans"), [("Quel est le port ?", True), ("Quel est le prix de l'essence ?", False)]
)
def test_an_article_alone_does_not_make_a_question_about_something_else_lean(make, question: str, leans: bool) -> None:
    turns = [Turn("Qu'est-ce que Gitea ?", "Une forge.", titles=("Gitea",))]
    answer, _ = run(make("x", rewrite=standalone), question, turns=turns)
    assert ("Gitea" in answer.searched) == leans


def test_the_fine_tuned_model_alone_is_cited_only_where_a_search_supports_it(make) -> None:
    says = Says("Le port de Gitea est 3000. La lune est ", "faite de fromage bleu [chunk_3].")
    answer, shown = run(make(says, mode="finetuned"))
    assert says.requests[0].passages == ()
    assert answer.answer == shown
    assert answer.answer == "Le port de Gitea est 3000 [chunk_3]. La lune est faite de fromage bleu."
    assert ([c.chunk_id for c in answer.citations], answer.unknown_citations, answer.mode) == ([3], 1, "finetuned")
    assert not answer.refused


@pytest.mark.parametrize(
    "text", ["# Gitea", "Gitea :", "2. Gitea port", "| Port | 3000 |", "```\nGitea port = 3000 forge\n```", "Le port."]
)
def test_what_states_nothing_gets_no_citation_from_a_search(make, text: str) -> None:
    answer, _ = run(make(Says(text), mode="finetuned"))
    assert (answer.answer, answer.citations) == (text, ())


def test_half_a_bracket_at_the_end_of_a_broken_answer_is_dropped(make) -> None:
    answer, shown = run(make("Le port est 3000 [chu", Cut("the connection broke")))
    assert answer.answer == shown == "Le port est 3000"


def test_an_empty_question_is_refused_before_anything(make) -> None:
    with pytest.raises(BadQuestion):
        run(make("x"), "  ")
