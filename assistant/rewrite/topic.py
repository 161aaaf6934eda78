"""What a conversation is about: the name, title or phrase that a follow-up leaves out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from assistant.generators.base import Turn
from assistant.rewrite.names import Span, names
from assistant.rewrite.phrases import phrase
from assistant.rewrite.talk import is_remark
from assistant.rewrite.words import content, keys, plain, split
from retrieval.text import detect_language
from retrieval.types import Language

REMEMBERED = 6
"""Turns looked back."""
LONGEST = 90
"""Characters of a topic."""
READ = 600
"""Characters read of an earlier question, answer or title."""
_PLACE = re.compile(
    r"\b(?:in|at|on|en|a|au|aux|dans|sur|sous|under|since|depuis|during|pendant|by|par)\s*(?:the|la|le|les|l')?\s*$"
)
_OWNER = re.compile(r"\b(?:of|de|du|des|d')\s*(?:the|la|le|les|l')?\s*$")
_MEANING = re.compile(r"^(?:what(?: is| are|'s)|explain|define|describe|qu'est[- ]ce qu|c'est quoi|a quoi ser)")
_CITED = re.compile(r"\[[^\]]*\]")
_PERSON = re.compile(r"\b[A-ZÀ-Þ][\w’'-]+(?: (?:de |van |von |d’|d')?[A-ZÀ-Þ][\w’'.-]+)+")
_HOW = re.compile(
    r"^(?:combien|comment|pourquoi|quand|ou|how|why|when|where)\b|"
    r"^(?:what (?:is|are) |what's )the (?!app|tool|software|project|service|product|program|site|company)|"
    r"^quel(?:le)?s? (?:est|sont) (?:le |la |les |l')(?!appli|outil|logiciel|projet|service|produit|programme|site|startup)"
)
"""Questions whose answer is no thing with a title."""
_WHO = re.compile(r"\b(?:who|whom|qui)\b")


@dataclass(frozen=True)
class Topic:
    """What is talked about; `named` when it is a name or title and not a phrase."""

    text: str
    named: bool


@dataclass(frozen=True)
class Past:
    """What a follow-up may lean on."""

    question: str
    """The last question, as one of its own."""
    topic: Topic
    earlier: tuple[str, ...] = ()
    """Every question looked back at, the last one first."""
    person: str = ""
    """Whom the last answer named, when the question asked who."""
    refused: bool = False
    """Whether no question was answered yet: only a corrected name can make something of the last."""


def recall(history: Sequence[Turn], language: Language) -> Past | None:
    """What the conversation is about; None when its questions say nothing. Remarks and refused questions do not count."""
    asked = [turn for turn in history if not is_remark(turn.question) and _says(turn, language)]
    turns = [turn for turn in asked if not turn.refused] or asked
    turns = turns[-REMEMBERED:]
    topic: Topic | None = None
    questions = [" ".join((turn.searched or turn.question)[:READ].split()) for turn in turns]
    for turn, text in zip(turns, questions, strict=True):
        if turn.searched and topic and holds(text, topic.text, language):
            continue  # a follow-up stays with what it followed
        found = subject(text, turn.titles, detect_language(text, default=language))
        if found and (topic is None or (find(text, found.text) and found.named) or _weighty(text, found, language)):
            topic = found
    if topic is None:
        return None
    return Past(questions[-1], topic, tuple(reversed(questions)), _person(turns[-1]), turns[-1].refused)


def _says(turn: Turn, language: Language) -> bool:
    """Whether a turn has a word of matter, as "Why?" has not."""
    return bool(content((turn.searched or turn.question)[:READ], language))


def _weighty(question: str, topic: Topic, language: Language) -> bool:
    """Whether a question without a name says enough to change the subject: two words, or a thing whose meaning is asked."""
    matter = len(content(question if topic.named else topic.text, language))
    return matter >= 2 or (matter == 1 and _MEANING.match(plain(question)) is not None)


def subject(text: str, titles: Sequence[str], language: Language) -> Topic | None:
    """What one question is about: a cited title it holds, a name, the only cited title, or its main phrase."""
    titles = [title[:READ] for title in titles]
    held = [form for title in titles for form in _forms(title) if find(text, form)]
    if held:
        return Topic(_short(max(held, key=len)), True)
    if found := names(text, language):
        start, end = _chosen(text, found)
        return Topic(_short(text[start:end]), True)
    only = {title for title in titles if title}
    if len(only) == 1 and not _HOW.match(plain(text)) and len(split(title := only.pop())) <= 6:
        return Topic(_short(title), True)
    said = phrase(text, language)
    return Topic(_short(said), False) if any(c.isalpha() for c in said) else None


def holds(text: str, topic: str, language: Language) -> bool:
    """Whether a text has every content word of a topic."""
    wanted = {w.key for w in content(topic, language)} or keys(topic)
    return wanted <= keys(text)


def find(text: str, part: str) -> Span | None:
    """Where a name stands in a text, as whole words, case and accents aside."""
    match = re.search(rf"(?<!\w){re.escape(plain(part))}(?!\w)", plain(text)) if part.strip() else None
    return match.span() if match else None


def pair(text: str, language: Language) -> str:
    """What a question compares: `A and B`, `entre A et B`; empty when it compares nothing."""
    if match := re.search(r"\b(?:between|entre) (.+?)\s*[?.!]*$", plain(text)):
        return text[match.start(1) : match.end(1)]
    found = names(text, language)
    for (start, end), (after, last) in pairwise(found):
        if re.fullmatch(r"\W*(?:and|or|et|ou|vs\.?|,)\W*(?:the |la |le |les |l')?", plain(text[end:after])):
            return text[start:last]
    return ""


def _forms(title: str) -> list[str]:
    """A title, and its part before a comma, colon, dash or bracket."""
    main = re.split(r"\s*(?:[,:(–—|]|\s-\s)\s*", title)[0]
    return [form for form in dict.fromkeys((title.strip(), main.strip())) if len(form) > 1]


def _chosen(text: str, found: Sequence[Span]) -> Span:
    """The name a question is about: the owner of something, else the first that is no place or time."""
    owner = [s for s in found if _OWNER.search(plain(text[: s[0]]))]
    free = [s for s in found if not _PLACE.search(plain(text[: s[0]]))]
    return (owner or free or list(found))[0]


def _person(turn: Turn) -> str:
    asked = (turn.searched or turn.question)[:READ]
    if not _WHO.search(plain(asked)):
        return ""
    found = [m[0] for m in _PERSON.finditer(_CITED.sub("", turn.answer[:READ]))]
    known = keys(asked).union(*(keys(title[:READ]) for title in turn.titles))
    return next((_short(name) for name in found if not keys(name) & known), "")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0]
