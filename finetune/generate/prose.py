"""Questions that sentences of running text answer: when, who, where, how many, what it is.

Every answer is the sentence itself, whole, without markup; `quote` is the sentence as the chunk has it, so a citation
belongs at its end. Where the shape of a sentence is not sure, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterator

from finetune.examples import Asked
from finetune.generate import (
    prose_en,
    prose_en_does,
    prose_en_what,
    prose_fr,
    prose_fr_does,
    prose_fr_what,
    prose_fr_when,
)
from finetune.generate.prose_acronyms import acronyms
from finetune.generate.prose_found import Found, forms, told
from finetune.generate.prose_sentences import Sentence, askable
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
    parts = prose_fr.clause(text, title, chunk)
    if parts is None:
        yield from prose_fr_what.numbers(text, title)
        return
    rules = (
        prose_fr_when.when, prose_fr_when.who, prose_fr_what.how_many, prose_fr_what.where, prose_fr_what.definition,
        prose_fr_does.permits, prose_fr_does.aims, prose_fr_does.offers, prose_fr_does.rests, prose_fr_what.measure,
        prose_fr_what.attribute, prose_fr_what.called,
    )  # fmt: skip
    for rule in rules:
        for found in rule(parts):
            yield told(found, parts.subject.page)
    yield from prose_fr_does.made(parts, text)


def _english(text: str, title: str, chunk: str) -> Iterator[Found]:
    parts = prose_en.clause(text, title, chunk)
    if parts is None:
        yield from prose_en_what.numbers(text, title)
        return
    rules = (
        prose_en.when, prose_en.who, prose_en_what.how_many, prose_en_what.where, prose_en_what.definition,
        prose_en_what.attribute, prose_en_what.made_of, prose_en_what.measure, prose_en_does.offers,
    )  # fmt: skip
    for rule in rules:
        for found in rule(parts):
            yield told(found, parts.subject.page)
    yield from prose_en_does.made(parts, text)


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
