"""Procedures and other lists under a heading or a lead-in: asked for by their name, answered item by item."""

from __future__ import annotations

import re
from collections.abc import Iterator

from finetune.examples import Asked, Type
from finetune.generate.faq import is_question
from finetune.generate.prose.subjects import standalone, told_by
from finetune.generate.sections.blocks import Block, Section
from finetune.generate.sections.words import ITEMS, STEPS, key
from finetune.generate.titles import named, of, quoted
from finetune.sheets import bare
from finetune.sources import SourceDocument
from retrieval.facts import clean_markup
from retrieval.text import fold
from retrieval.types import Language

MOST_ITEMS = 12
MOST_CHARACTERS = 1200

_PURPOSE: dict[Language, re.Pattern[str]] = {
    "fr": re.compile(
        r"Pour ((?:s'|se |vous |l'|le |la |les )?\w+(?:er|ir|re|oir)\b[^:.;]{0,90}?)(?:,[^:.;]{0,80})?\s?:$"
    ),
    "en": re.compile(r"To ([a-z]+\b[^:.;]{0,90}?)(?:,[^:.;]{0,80})?:$"),
}
_HOW: dict[Language, re.Pattern[str]] = {
    "fr": re.compile(r"Comment ((?:s'|se )?\w+(?:er|ir|re|oir)\b.{0,80}?)\s?\??$"),
    "en": re.compile(r"How (?:to|do I|can I|do you) ([a-z]+\b.{0,80}?)\??$"),
}
_PERSONAL = re.compile(r"\b(?:je|j'|nous|vous|votre|vos|notre|nos|mon|ma|mes|I|we|our|your|my|you)\b", re.IGNORECASE)
_POINTERS = re.compile(
    r"\b(?:liens?|sources?|ressources|références|contacts?|docs|links?|references|resources|see also)\b", re.IGNORECASE
)


def lists(document: SourceDocument, section: Section) -> Iterator[Asked]:
    """Questions about each whole list of a section."""
    for before, block in zip((None, *section.blocks), section.blocks, strict=False):
        if _usable(block):
            lead = before.text.split("\n")[-1].strip() if before is not None and before.kind == "text" else ""
            if before is not None and before.kind == "list":
                continue
            lead = " ".join(clean_markup(lead).split())
            yield from (
                _procedure(document, section, block, lead) if block.numbered else _items(document, section, block, lead)
            )


def _usable(block: Block) -> bool:
    items = block.items
    if (
        block.kind != "list"
        or block.open
        or not 2 <= len(items) <= MOST_ITEMS
        or sum(map(len, items)) > MOST_CHARACTERS
    ):
        return False
    # An item that ends in a colon leads to something that is not here; one that is only an address says nothing.
    return all(
        len(i) > 2 and not i.endswith(":") and not re.search(r"https?:|[<|\\{}]|\*", i) and "[" not in i for i in items
    )


def _procedure(document: SourceDocument, section: Section, block: Block, lead: str) -> Iterator[Asked]:
    language = document.language
    doing = _doing(document, section.heading, lead)
    if not doing:
        if _names_steps(section.heading):
            yield from _items(document, section, block, lead, numbered=True)
        return
    what, aside = doing
    said = {"fr": f"Pour {what} :", "en": f"To {what}:"}[language]
    asks = {
        "fr": [
            f"Comment {what}{aside} ?",
            f"Quelles sont les étapes pour {what}{aside} ?",
            f"Comment faire pour {what}{aside} ?",
        ],
        "en": [f"How do I {what}{aside}?", f"What are the steps to {what}{aside}?", f"How can one {what}{aside}?"],
    }[language]
    answer = "\n".join([said, *(f"{n}. {item}" for n, item in enumerate(block.items, 1))])
    yield from _all(document, asks, answer, "procedure", "steps", what, block)


def _doing(document: SourceDocument, heading: str, lead: str) -> tuple[str, str] | None:
    """What the steps do, as a verb phrase, and the page where the phrase does not say of what."""
    language, title = document.language, document.title
    found = _PURPOSE[language].match(lead) or _HOW[language].match(heading)
    if found:
        what = found[1].strip().replace("’", "'")
        if _PERSONAL.search(what) or not standalone(what, language) or len(what.split()) > 14:
            return None
        aside = "" if fold(title) in fold(what) else told_by(title, language)
        return (what, aside) if aside or fold(title) in fold(what) else None
    verb = STEPS[language].get(key(heading, language))
    if not verb or not title:
        return None
    name = named(title, language)
    return f"{verb} {name}", ""


def _names_steps(heading: str) -> bool:
    return bool(re.search(r"étapes?|procédure|marche à suivre|steps?|procedure", heading, re.IGNORECASE))


def _items(
    document: SourceDocument, section: Section, block: Block, lead: str, numbered: bool = False
) -> Iterator[Asked]:
    language, heading, title = document.language, section.heading, document.title
    if (
        not heading
        or not title
        or is_question(heading)
        or _PERSONAL.search(heading)
        or _POINTERS.search(heading)
        or fold(title) in (fold(heading), fold(bare(heading)))
        or len(heading) > 70
        or len(section.blocks) > 3
    ):
        return
    if sum(b.kind == "list" for b in section.blocks) > 1 or (lead and not lead.endswith(":")):
        return
    known = ITEMS[language].get(key(heading, language))
    under = quoted(heading, language)
    if language == "fr":
        asks = [
            known.format(of=of(title, language)) if known else "",
            f"Que liste la documentation {of(title, language)} sous {under} ?",
            f"Quels points la documentation {of(title, language)} énumère-t-elle sous {under} ?",
        ]
        said = f"Sous {under}, la documentation {of(title, language)} liste :"
    else:
        asks = [
            known.format(of=of(title, language)) if known else "",
            f"What does the documentation {of(title, language)} list under {under}?",
            f"Which points does the documentation {of(title, language)} give under {under}?",
        ]
        said = f"Under {under}, the documentation {of(title, language)} lists:"
    marks = (f"{n}. " for n in range(1, len(block.items) + 1)) if numbered else ("- " for _ in block.items)
    answer = "\n".join([said, *(f"{mark}{item}" for mark, item in zip(marks, block.items, strict=True))])
    yield from _all(document, asks, answer, "items", "items", heading, block)


def _all(
    document: SourceDocument, asks: list[str], answer: str, kind: Type, name: str, about: str, block: Block
) -> Iterator[Asked]:
    fact = f"{document.key}: {name} {fold(about)}"
    for n, question in enumerate(asks, 1):
        if question:
            yield Asked(question, answer, kind, f"sections.{name}.{n}", block.items, block.text, fact)
