"""Other ways to ask a question, written by a language model and checked."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.augment.acronyms import acronyms
from finetune.augment.augmented import CHANGED, with_question
from finetune.augment.prompts import prompt
from finetune.augment.protected import protected, unchanged
from finetune.drops import Drops
from finetune.examples import Example
from finetune.teacher.calls import Asker
from finetune.teacher.replies import Failed
from retrieval.text import detect_language, fold, words
from retrieval.types import Message

FORM = "model"
LONGER = 2.5
"""Times the length of a question that another way to ask it may have; a short question may grow to SHORT."""
SHORT = 80
_NOT = re.compile(
    r"\b(?:ne|pas|sans|jamais|aucune?|sauf|hormis|not|never|without|except|no|non)\b|\bn['’](?!est-ce pas)|n['’]t\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?$|^(?:je |j['’]|dis|dites|donne|peux|pouvez|pourr|liste|cite|indique|explique|nomme|énumère|montre|"
    r"i |i['’]|tell|give|can |could |list|name|show|explain|describe|what|which|who|when|where|how|please)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ToReword:
    """An example to ask in other words, with what it rests on and the names that must stay."""

    example: Example
    text: str
    names: Sequence[str] = ()

    def messages(self, count: int) -> tuple[Message, Message]:
        return prompt(self.example.question, self.example.language, self.kept, count)

    @property
    def kept(self) -> list[str]:
        """What the model is told to keep: the names that the question holds, then every other protected word."""
        question = self.example.question
        named = [name for name in dict.fromkeys([*self.names, *self.example.answers]) if name and name in question]
        found = protected(question, self.example.language)
        return named + [word for word in found if not any(word in name for name in named)]


def reworded(asked: Iterable[ToReword], asker: Asker, count: int, drops: Drops) -> Iterator[Example]:
    """Up to `count` other ways to ask each, in order; what fails a check is counted. Raises what the asker raises."""
    sent: deque[ToReword] = deque()

    def prompts() -> Iterator[tuple[Message, Message]]:
        for one in asked:
            sent.append(one)
            yield one.messages(count)

    for reply in asker.ask_all(prompts()):
        one = sent.popleft()
        if isinstance(reply, Failed):
            drops.add("the model did not answer", f"{one.example.question}: {reply.reason}")
            continue
        yield from checked(one, reply, count, drops)


def checked(one: ToReword, reply: str, count: int, drops: Drops) -> Iterator[Example]:
    """The rewordings of a reply that pass every check."""
    said = parse(reply)
    if not said:
        drops.add("the model's reply is not a list of questions", reply[:200])
    seen = {_key(one.example.question)}
    for question in said[:count]:
        question = " ".join(question.split())
        fault = "a copy of the question" if _key(question) in seen else why_not(one, question)
        seen.add(_key(question))
        if fault:
            drops.add(fault, f"{one.example.question} -> {question}")
        else:
            yield with_question(one.example, question, FORM)


def parse(reply: str) -> list[str]:
    """The texts of the first JSON list in a reply, fenced or not; none when there is no such list."""
    decoder = json.JSONDecoder()
    for found in list(re.finditer(r"\[", reply[:100_000]))[:20]:
        try:
            value, _ = decoder.raw_decode(reply, found.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list) and value and all(map(_text, value)):
            return [_clean(_text(item)) for item in value]
    return []


def _clean(text: str) -> str:
    """Without what no file in UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()


def _text(item: Any) -> str:
    """A text, or that of an object with a question; empty for anything else."""
    found = item.get("question") if isinstance(item, dict) else item
    return found.strip() if isinstance(found, str) else ""


def why_not(one: ToReword, question: str) -> str:
    """Why a rewording cannot stand for the question; empty when it can."""
    example = one.example
    if detect_language(question, example.language) != example.language:
        return "a paraphrase in another language"
    names, equal = [*one.names, *example.answers], acronyms(one.text)
    if not unchanged(example.question, question, example.language, names, equal):
        return CHANGED
    if bool(_NOT.search(example.question)) != bool(_NOT.search(question)):
        return "a paraphrase added or lost a negation"
    if len(question) > max(SHORT, LONGER * len(example.question)):
        return "a paraphrase is far too long"
    if not _ASKS.search(question):
        return "a paraphrase is no question"
    if example.type in ("comparison", "yes-no") and _order(example, question) != _order(example, example.question):
        return "a paraphrase compares the other way round"
    return ""


def _order(example: Example, question: str) -> list[str]:
    """The protected words in the order they come in."""
    found = protected(question, example.language)
    return sorted(found, key=lambda word: (question.find(word), word))


def _key(question: str) -> str:
    return " ".join(map(fold, words(question)))
