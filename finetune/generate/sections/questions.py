"""Questions that a document's parts answer: what it is and is for, its procedures, its lists, its sections.

An answer of one line is whole sentences, and a citation belongs at its end. An answer of several lines begins with a
lead-in that ends in a colon (`Pour installer GIDAF :`), then `1. …` or `- …` a line: the citation belongs into the first
line, before the colon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from finetune.examples import Asked, Type
from finetune.generate.faq import faq, is_question
from finetune.generate.prose import french
from finetune.generate.prose.sentences import askable
from finetune.generate.sections.blocks import Section, sections_of
from finetune.generate.sections.lists import lists
from finetune.generate.sections.purposes import purposes
from finetune.generate.sections.words import SUBJECTS, key
from finetune.generate.titles import elide, named, of, plain, quoted
from finetune.sheets import bare
from finetune.sources import SourceChunk, SourceDocument
from retrieval.facts import clean_markup
from retrieval.text import fold, sentence_spans
from retrieval.types import Language

LONGEST = 500
"""Characters of a section that an answer quotes."""
SENTENCES = 3

_BACK = re.compile(
    r"(?:Il|Elle|Ils|Elles|Ce|Cet|Cette|Ces|Cela|Ça|C['’]|Celui|Celle|Ceux|Ainsi|Cependant|"
    r"Toutefois|Mais|Or|Donc|De plus|En effet|Ensuite|"
    r"Par ailleurs|En outre|Pour cela|Pour ce faire|Oui|Non|Son|Sa|Ses|Leur|Leurs|It|He|"
    r"She|They|This|These|Those|That|Its|His|Her|Their|"
    r"However|Therefore|Thus|But|And|So|Then|Also|Moreover|Yes|No|Here|Voici|Voilà|Such|Another|Other)\b",
)
_UNPLAIN = re.compile(
    r"[*_<>|\\{}\[\]#=~^]|https?:|\.\.\.|…|:$|\s[,;.]|[a-zà-ÿ)][.!?][A-ZÀ-Þ]|ci-dessous|"
    r"ci-dessus|suivante?s?\b|\b(?:below|above|following)\b"
)
_PERSONAL = re.compile(
    r"\b(?:nous|notre|nos|vous|votre|vos|je|j'|j’|mon|ma|mes|we|our|us|you|your|my|I)\b", re.IGNORECASE
)
_THESE = re.compile(
    r"\b(?:cet|cette|ces|celui-ci|celle-ci|ceux-ci|celles-ci|ce (?!qu|n'|n’|so|s'|s’)|these|this|those|such)\b",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"(?:\d+|Deux|Trois|Quatre|Plusieurs|Différents|Divers|Two|Three|Four|Several) (?:\w+ )?"
    r"(?:enjeux|points|problèmes|axes|objectifs|constats|raisons|volets|issues|problems|goals|reasons)\b"
)
_SIGNS = re.compile(r"[\w\s.,;:!?'’\"«»“”()%€$£°²³&/+§–—-]*+")


def sections(document: SourceDocument) -> Iterator[tuple[SourceChunk, Asked]]:
    """Every question about the document and its sections, with the chunk that proves the answer."""
    yield from purposes(document)
    yield from faq(document)
    for at, chunk in enumerate(document.chunks):
        if at == 0:
            for asked in _opening(document, chunk):
                yield chunk, asked
        for section in sections_of(document, at):
            for asked in (*lists(document, section), *_said(document, section)):
                yield chunk, asked


def _opening(document: SourceDocument, chunk: SourceChunk) -> Iterator[Asked]:
    """`Qu'est-ce que Moscou ?` where the first sentence says `Moscou est la capitale de la Russie.`"""
    sentence = next(askable(chunk.text, document.language), None)
    if sentence is None or document.language != "fr":
        return
    clause = french.clause(sentence.text, document.title, chunk.text)
    if (
        clause is None
        or not clause.subject.is_title
        or clause.verb != "est"
        or clause.date
        or not re.match(r"l[ea] [a-zà-ÿ]", clause.rest)
    ):
        return
    if len(clause.rest.split()) > 40 or re.match(
        r"l[ea] (?:plus|premi|deuxi|seul|second|troisi|résultat|fruit|suite|même)", clause.rest
    ):
        return
    about = clause.subject.text
    asks = [f"Qu'est-ce {elide('que', about)} ?", f"Comment définir {about} ?"]
    yield from _asked(
        document, asks, sentence.text, "definition", "opening", f"is {about}", clause.rest, sentence.quote
    )


def _said(document: SourceDocument, section: Section) -> Iterator[Asked]:
    """What the first sentences under a heading say."""
    if not section.heading or not document.title or not section.blocks or section.blocks[0].kind != "text":
        return
    if is_question(section.heading):
        return  # asked as it stands
    heading, language = section.heading, document.language
    if fold(plain(document.title)) in (fold(heading), fold(bare(heading))) or len(heading) > 70 or len(heading) < 3:
        return
    text, quote = _beginning(section.blocks[0].text)
    if len(text.split()) < 8 or _PERSONAL.search(heading):
        return
    if language == "fr" and not _states(text):
        return
    yield from _asked(document, _about(document, heading, language), text, "section", "section", heading, text, quote)


def _about(document: SourceDocument, heading: str, language: Language) -> list[str]:
    title = document.title
    known = SUBJECTS[language].get(key(heading, language), ())
    asks = [ask.format(of=of(title, language), name=named(title, language)) for ask in known]
    under = quoted(heading, language)
    generic = {
        "fr": [
            f"Que dit la documentation {of(title, language)} au sujet de {under} ?",
            f"Que peut-on lire dans la documentation {of(title, language)} sous {under} ?",
        ],
        "en": [
            f"What does the documentation {of(title, language)} say under {under}?",
            f"What can one read under {under} in the documentation {of(title, language)}?",
        ],
    }[language]
    return [*asks, *([""] * (2 - len(asks))), *generic]


def _beginning(block: str) -> tuple[str, str]:
    """The first sentences of a paragraph, plain and whole, and the same words verbatim."""
    spans = sentence_spans(block.replace("\n", " "))
    end, said = 0, ""
    for start, stop in spans[:SENTENCES]:
        text = " ".join(clean_markup(block[start:stop]).split())
        if (
            _leans(text, not said)
            or len(said) + len(text) > LONGEST
            or not text.endswith(".")
            or not (text[:1].isupper() or text[:1].isdigit())
            or _UNPLAIN.search(text)
        ):
            break
        end, said = stop, f"{said} {text}".strip()
    return said, block[spans[0][0] : end] if said else ""


def _leans(text: str, first: bool) -> bool:
    """Whether a sentence speaks for its authors, or an opening one needs what stands before or after it."""
    if _PERSONAL.search(text) or not _SIGNS.fullmatch(text):
        return True
    return first and (
        _BACK.match(text) is not None
        or _THESE.search(text) is not None
        or _AHEAD.match(text) is not None
        or re.match(r"[A-ZÀ-Þ][a-zà-ÿ]+(?:er|ir|oir)\b", text) is not None
    )


def _states(text: str) -> bool:
    """Whether French words hold a finite verb: "Développement d'outils pour les communes." does not."""
    low = text.lower().replace("’", "'").split()
    return any(
        w in french.VERBS
        or re.match(r"(?:s'|n'|l'|c'|y |en )?(?:est|a|ont|sont|peut|doit|fait|permet)$|(?:qu')?(?:ils?|elles?|on)$", w)
        for w in low
    )


def _asked(
    document: SourceDocument, asks: list[str], answer: str, kind: Type, name: str, about: str, value: str, quote: str
) -> Iterator[Asked]:
    fact = f"{document.key}: {fold(about)}"
    for n, question in enumerate(asks, 1):
        if question:
            yield Asked(question, answer, kind, f"sections.{name}.{n}", (value,), quote, fact)
