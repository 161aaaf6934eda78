"""Questions that sentences of running text answer: when, who, where, how many, what it is.

Every answer is the sentence itself, whole, without markup; `quote` is the sentence as the chunk has it, so a citation
belongs at its end. Where the shape of a sentence is not sure, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from finetune.examples import Asked
from finetune.generate.prose import english, english_does, english_what, french, french_does, french_what, french_when
from finetune.generate.prose.acronyms import acronyms
from finetune.generate.prose.found import Found, forms, told
from finetune.generate.prose.sentences import Sentence, askable
from finetune.sources import SourceChunk, SourceDocument
from retrieval.text import detect_language, fold
from retrieval.types import Language


def prose(document: SourceDocument, chunk: SourceChunk) -> Iterator[Asked]:
    """Every question that one sentence of the chunk answers, in the order of the text."""
    for sentence in askable(chunk.text, document.language):
        if detect_language(sentence.text, document.language) != document.language:
            continue
        asks = _french if document.language == "fr" else _english
        for found in asks(sentence.text, document.title, chunk.text):
            yield _asked(found, sentence, document)
        yield from _spelt_out(sentence, document)


def _french(text: str, title: str, chunk: str) -> Iterator[Found]:
    parts = french.clause(text, title, chunk)
    if parts is None:
        yield from french_what.numbers(text, title)
        return
    rules = (
        french_when.when, french_when.who, french_what.how_many, french_what.where, french_what.definition,
        french_does.permits, french_does.aims, french_does.offers, french_does.rests, french_what.measure,
        french_what.attribute, french_what.called,
    )  # fmt: skip
    for rule in rules:
        for found in rule(parts):
            yield told(found, parts.subject.page)
    yield from french_does.made(parts, text)


def _english(text: str, title: str, chunk: str) -> Iterator[Found]:
    parts = english.clause(text, title, chunk)
    if parts is None:
        yield from english_what.numbers(text, title)
        return
    rules = (
        english.when, english.who, english_what.how_many, english_what.where, english_what.definition,
        english_what.attribute, english_what.made_of, english_what.measure, english_does.offers,
    )  # fmt: skip
    for rule in rules:
        for found in rule(parts):
            yield told(found, parts.subject.page)
    yield from english_does.made(parts, text)


def _asked(found: Found, sentence: Sentence, document: SourceDocument) -> Asked:
    fact = f"{document.key}: {fold(found.asks)}"
    return Asked(found.question, sentence.text, found.type, found.form, found.answers, sentence.quote, fact)


def _spelt_out(sentence: Sentence, document: SourceDocument) -> Iterator[Asked]:
    for acronym, words in acronyms(sentence.text, document.language):
        answer, questions = _acronym(acronym, words, document.language)
        for found in forms("definition", "acronym", words, acronym, questions):
            fact = f"{document.key}: {fold(found.asks)}"
            yield Asked(found.question, answer, found.type, found.form, found.answers, sentence.quote, fact)


def _acronym(acronym: str, words: str, language: Language) -> tuple[str, list[str]]:
    if language == "fr":
        return f"Le sigle {acronym} signifie « {words} ».", [
            f"Que signifie {acronym} ?", f"Que signifie le sigle {acronym} ?", f"Que veut dire {acronym} ?",
        ]  # fmt: skip
    return f'{acronym} stands for "{words}".', [
        f"What does {acronym} stand for?", f"What does the abbreviation {acronym} mean?", f"What is {acronym} short for?",
    ]  # fmt: skip
