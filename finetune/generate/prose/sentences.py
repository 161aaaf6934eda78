"""Sentences of running text that may be asked about: whole, plain, stated as true.

Headings, tables, code, list items, quotations and `Key : value` lines are left out; other parts ask about those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.facts import clean_markup, facts
from retrieval.text import sentence_spans
from retrieval.types import Language

LONGEST = 420
"""Characters of a sentence that still makes an answer."""
WRAPPED = 60
"""Characters from which a line that ends without a full stop is taken to go on in the next."""

_NOT_PROSE = re.compile(r"\s*(?:[#|>]|[-*+•–—·]\s|\d{1,3}[.)]\s|[a-zA-Z][)]\s|={3,}|-{3,}|\*{3,}|!\[|<)|\s{4,}\S|\t")
_LEFTOVER = re.compile(r"[*_<>|\\{}\[\]#=~^]|https?:|www\.|\.\.\.|…|\s[/+]\s")
_TOKENS = re.compile(r"\w [,.](?:\s|$)")
_SPACED = re.compile(r"\s[,;.]|[a-zà-ÿ)][.!?][A-ZÀ-Þ]|\[\d")

_DOUBT = {
    "fr": re.compile(
        r"\b(?:peut-être|serai(?:t|ent)|aurai(?:t|ent)|\w{2,}rai(?:t|ent)|faudrait|si|s'ils?|"
            r"soi-disant|prétendument|sans doute|"
        r"probablement|vraisemblablement|présumée?s?|supposée?s?|selon|d'après|ne|n'\w+|n’\w+|pas|jamais|aucune?|ni|"
        r"celui-ci|celle-ci|ceux-ci|celles-ci|celui-là|celle-là|ce dernier|cette dernière|ces derniers|ces dernières|"
        r"ci-dessus|ci-dessous|ci-contre|suivantes?|suivants?|je|j'\w+|tu|nous|notre|nos|vous|"
            r"votre|vos|contrairement|hypothèse|imaginons|"
        r"exemple)\b",
        re.IGNORECASE,
    ),
    "en": re.compile(
        r"\b(?:if|whether|would|could|might|may|perhaps|maybe|probably|possibly|presumably|"
            r"allegedly|reportedly|supposedly|"
        r"not|never|no|nor|none|neither|cannot|\w+n't|\w+n’t|according to|claim(?:s|ed)?|"
            r"believed|thought|said|rumou?red|"
        r"latter|former|above|below|following|as follows|I|we|our|us|my|you|your|unless|suppose|instance|example|"
        r"unlike|hypothetical)\b(?!\s+(?:Soviet|President|Prime))",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Sentence:
    """A sentence as an answer says it, and the words of the chunk it comes from."""

    text: str
    quote: str


def askable(text: str, language: Language) -> Iterator[Sentence]:
    """The sentences of a chunk that may be asked about, in order."""
    tokens = len(_TOKENS.findall(text)) > 2
    for block in _blocks(text):
        for start, end in sentence_spans(block.replace("\n", " ")):
            quote = block[start:end]
            if len(quote) <= LONGEST and (said := _plain(joined(quote) if tokens else quote, language)):
                yield Sentence(said, quote)


def joined(text: str) -> str:
    """Text that came as tokens, written as people do: `the tail , Mr. Byron 's` is `the tail, Mr. Byron's`."""
    text = re.sub(r"``\s*(.*?)\s*''", r"“\1”", text)
    text = re.sub(r"\s+([,;.!?%)\]])", r"\1", re.sub(r"([(\[$£])\s+", r"\1", text))
    return re.sub(r"\s+('s|'|n't)(?=\W|$)", r"\1", re.sub(r"(?<=\w)\s(-|–)\s(?=\w)", r"\1", text))


def _plain(quote: str, language: Language) -> str:
    """The sentence without markup; empty when it cannot be asked about."""
    text = " ".join(clean_markup(quote).split())
    if not text.endswith(".") or not text[:1].isupper() or text.count(" ") < 3 or _LEFTOVER.search(text):
        return ""
    if text.count("(") != text.count(")") or text.count("«") != text.count("»") or text.count('"') % 2:
        return ""
    if text.count("“") != text.count("”") or _SPACED.search(text) or _DOUBT[language].search(text.replace("’", "'")):
        return ""
    return text


def _blocks(text: str) -> Iterator[str]:
    """Runs of prose lines that belong together; a hard-wrapped paragraph is one."""
    block: list[str] = []
    fenced = False
    for line in text.split("\n"):
        fence = line.lstrip().startswith(("```", "~~~"))
        fenced ^= fence
        prose = not (fence or fenced) and bool(line.strip()) and not _NOT_PROSE.match(line)
        if block and not (prose and _goes_on(block[-1])):
            yield from _paragraph(block)
            block = []
        if prose:
            block.append(line)
    if block:
        yield from _paragraph(block)


def _goes_on(line: str) -> bool:
    return len(line) >= WRAPPED and line.rstrip()[-1:] not in ".!?:;…»"


def _paragraph(lines: list[str]) -> Iterator[str]:
    if len(lines) > 1 or next(facts(lines[0][:200]), None) is None:
        yield "\n".join(lines)
