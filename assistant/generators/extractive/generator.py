"""The built-in generator: answers from the passages themselves, with no model.

A list question gathers facts over the library; a question that names a field is answered with that field; "what is X"
with what the sheet opens with; anything else with the one or two sentences that answer it (three when they are short).
"""

from __future__ import annotations

from collections.abc import Iterator

from assistant.generators.base import Delta, Events, Evidence, Knowledge, Request
from assistant.generators.extractive import keyed, listing, sentences
from assistant.generators.question import Question, read
from retrieval.text import sentences as split_sentences
from retrieval.types import Fact, Language

SHORTEST = 5
"""Words a quoted piece has at least."""
FAR_BEHIND = 5.0
"""Score by which a sentence may trail the best one; what trails further was measured to answer nothing."""
ROOM = 15
"""Words that must be left for a third sentence: only after two short ones."""

_WORDS: dict[Language, dict[str, str]] = {
    "fr": {
        "colon": " : ",
        "found": "{n} fiches le disent :",
        "one": "Une fiche le dit :",
        "more": "… et {n} autres.",
    },
    "en": {"colon": ": ", "found": "{n} documents say so:", "one": "One document says so:", "more": "… and {n} more."},
}


class ExtractiveGenerator:
    """Quotes and facts, each with the chunk it comes from."""

    name = "extractive"
    takes_time = False

    def __init__(self, knowledge: Knowledge, reason: str = "") -> None:
        self._knowledge = knowledge
        self.reason = reason
        """Why `auto` chose it."""

    def warm(self) -> None:
        """Nothing: it reads what the index has loaded."""

    def generate(self, request: Request) -> Events:
        question = read(request.question, request.language)
        if question.kind == "list" and (facts := listing.gather(question, self._knowledge)):
            yield from _list(facts, request.language)
            return
        if question.kind == "definition" and (found := keyed.definition(request, question, self._knowledge)):
            yield from _quoted(*found)
            return
        if matches := keyed.best_facts(request, question, self._knowledge):
            yield from _facts([m.fact for m in matches], request)
            return
        yield from self._sentences(request, question)

    def _sentences(self, request: Request, question: Question) -> Iterator[Delta | Evidence]:
        passages, question = sentences.scope(request, question)
        found = sentences.split(passages, question)
        scores = sentences.score(found, passages, question, self._knowledge)
        order = sorted(range(len(found)), key=lambda i: (-scores[i], i))
        left = request.max_words
        first = True
        for rank, i in enumerate(order[:3]):
            if (rank == 2 and left < ROOM) or scores[i] < scores[order[0]] - FAR_BEHIND:
                break
            quote = " ".join(found[i].text.split()[:left])
            if len(quote.split()) < min(SHORTEST, len(found[i].text.split())):
                break
            shown = quote if quote == " ".join(found[i].text.split()) else f"{quote}…"
            yield Delta(("" if first else " ") + f"{shown} [chunk_{found[i].chunk_id}]")
            left -= len(quote.split())
            first = False


def _quoted(chunk_id: int, text: str) -> Iterator[Delta | Evidence]:
    yield Evidence((chunk_id,))
    yield Delta(" ".join(f"{sentence} [chunk_{chunk_id}]" for sentence in split_sentences(text)))


def _facts(facts: list[Fact], request: Request) -> Iterator[Delta | Evidence]:
    """`Title — Key : value`, once for each distinct fact."""
    colon = _WORDS[request.language]["colon"]
    yield Evidence(tuple(dict.fromkeys(f.chunk_id for f in facts)))
    said: set[tuple[str, str]] = set()
    for fact in facts:
        if (fact.key, fact.value) not in said:
            value = " ".join(fact.value.split()[: request.max_words])
            line = f"{fact.title} — {_label(fact.key)}{colon}{value} [chunk_{fact.chunk_id}]"
            yield Delta(f"\n{line}" if said else line)
            said.add((fact.key, fact.value))


def _list(facts: list[Fact], language: Language) -> Iterator[Delta | Evidence]:
    say = _WORDS[language]
    shown = facts[: listing.MOST]
    yield Evidence(tuple(dict.fromkeys(f.chunk_id for f in shown)))
    yield Delta(say["one"] if len(facts) == 1 else say["found"].format(n=len(facts)))
    for fact in shown:
        yield Delta(f"\n- {fact.title} — {_label(fact.key)}{say['colon']}{fact.value} [chunk_{fact.chunk_id}]")
    if len(facts) > len(shown):
        yield Delta("\n" + say["more"].format(n=len(facts) - len(shown)))


def _label(key: str) -> str:
    """A key as people write it: `premiere_version` reads "premiere version"."""
    return key.replace("_", " ")
