"""A question being rewritten, and the small edits that all rules are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property

from assistant.rewrite.names import Span, names
from assistant.rewrite.topic import Past
from assistant.rewrite.words import Word, content, keys, plain, split
from retrieval.text import detect_language
from retrieval.types import Language

_END = re.compile(r"[\s?!.,;:…]*$")
_VOWEL = re.compile(r"[aeiouyh]")


@dataclass(frozen=True)
class Rewritten:
    """A follow-up as a question of its own, and what gave it away as one."""

    text: str
    reason: str


@dataclass(frozen=True)
class Asked:
    """One question with what came before."""

    text: str
    language: Language
    past: Past
    linked: bool = False
    """Whether it began with "and", "et" …, which `text` leaves out."""

    @cached_property
    def plain(self) -> str:
        return plain(self.text)

    @cached_property
    def words(self) -> tuple[Word, ...]:
        return split(self.text)

    @cached_property
    def content(self) -> list[Word]:
        return content(self.text, self.language)

    @cached_property
    def own_names(self) -> list[Span]:
        """Names in the question that are no part of the topic."""
        known = keys(self.past.topic.text)
        # Behind "and" a capital is a name's: "Et Redis, combien de bases ?".
        lead = "x " if self.linked else ""
        found = [(s - len(lead), e - len(lead)) for s, e in names(lead + self.text, self.language)]
        return [(s, e) for s, e in found if s >= 0 and not keys(self.text[s:e]) <= known]

    @cached_property
    def topic(self) -> str:
        return self.past.topic.text

    def only(self, text: str) -> Asked:
        """A part of the question, taken as one that goes on from the last."""
        return replace(self, text=text, linked=True)

    def of_last(self) -> Asked:
        """The last question in place of this one, in its language."""
        spoken = detect_language(self.past.question, default=self.language)
        return replace(self, text=self.past.question, language=spoken)

    def opened_by_name(self, end: int, opening: frozenset[str]) -> bool:
        """Whether a name opens the question and ends before `end`: "Redis: what is its port?"."""
        first = self.words[0] if self.words else None
        return first is not None and first.text[:1].isupper() and first.key not in opening and first.end <= end

    def replaced(self, span: Span, by: str, reason: str) -> Rewritten:
        """With `by` instead of what stands at `span`."""
        start, end = span
        text = f"{self.text[:start]} {by} {self.text[end:]}" if by else f"{self.text[:start]} {self.text[end:]}"
        return Rewritten(tidy(text, self.language), reason)

    def appended(self, part: str, reason: str) -> Rewritten:
        """With `part` at the end of the question."""
        return Rewritten(tidy(append(self.text, part), self.language), reason)

    def about(self, reason: str, what: str = "") -> Rewritten:
        """With the topic at the end: "… for Redis?"."""
        return self.appended(f"{'pour' if self.language == 'fr' else 'for'} {what or self.topic}", reason)


def append(text: str, part: str) -> str:
    """`part` before the closing mark of a text."""
    end = _END.search(text)
    assert end is not None
    return f"{text[: end.start()]} {part}{text[end.start() :]}"


def of(what: str, language: Language) -> str:
    """`of Redis`, `de Gitea`, `d'Archifiltre`."""
    if language == "en":
        return f"of {what}"
    if match := re.match(r"(le|les) ", plain(what)):
        return f"{'du' if match[1] == 'le' else 'des'} {what[match.end() :]}"
    return f"d'{what}" if _VOWEL.match(plain(what)) else f"de {what}"


def tidy(text: str, language: Language) -> str:
    """One line, single spaces, elisions and marks where they belong."""
    text = " ".join(text.split())
    text = re.sub(r"(['’]) (?=\w)", r"\1", text)
    text = re.sub(r" ([,.](?!\w)|['’]s\b)", r"\1", text)
    if language == "fr":
        text = re.sub(r"\s*\?$", " ?", text)
        text = re.sub(r"\b([Jj])e (?=[aeiouéèêàâîôùAEIOUÉÈÊÀÂÎÔ])", r"\1'", text)
        text = re.sub(r"\b([Dd])e (?=[aeiouéèêàâîôùAEIOUÉÈÊÀÂÎÔ])", r"\1'", text)
        text = re.sub(r"\b([Dd])['’](?=[^aeiouyhéèêàâîôùœæAEIOUYHÉÈÊÀÂÎÔÙŒÆ\W])", r"\1e ", text)
        text = re.sub(r"\b([SsMmTtNn])['’](?=[^aeiouyhéèêàâîôùœæAEIOUYHÉÈÊÀÂÎÔÙŒÆ\W])", r"\1e ", text)
        text = re.sub(r"\b([Qq]u)['’](?=[^aeiouyhéèêàâîôùœæAEIOUYHÉÈÊÀÂÎÔÙŒÆ\W])", r"\1e ", text)
    else:
        text = re.sub(r"\s+([?!])", r"\1", text)
    return text[:1].upper() + text[1:]
