"""A row of JSON as a case: the guides' keys, our own, or `messages` as a training set has them.

{"id": "q1", "question": "Qui héberge GIDAF ?", "expected_answer": "SI-RAPP", "category": "who", "difficulty": "easy"}
{"id": "q1", "question": "Qui héberge GIDAF ?", "answers": ["SI-RAPP"], "answerable": true, "gold": ["chunk_383"]}
{"messages": [{"role": "user", "content": "Qui héberge GIDAF ?"}, {"role": "assistant", "content": "SI-RAPP [chunk_7]."}],
 "metadata": {"id": "0f3a", "answers": ["SI-RAPP"], "gold": ["chunk_383"], "shown": {"chunk_7": "chunk_383"}}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eval.metrics.text import contains, exact
from eval.types import Case
from retrieval.text import detect_language
from retrieval.types import Language, Message

_ROLES = ("system", "user", "assistant")
_AFTER_DOCUMENTS = re.compile(r".*</document>\s*Question\s*:\s*", re.DOTALL)
_CHUNK = re.compile(r"chunk_\d+")
_YES_NO = re.compile(r"\W*(oui|non|yes|no)\b", re.IGNORECASE)

_REFUSALS = (
    "Je ne trouve pas la réponse dans les documents.",
    "I can't find the answer in the documents.",
    "Je ne connais pas la réponse.",
    "I don't know the answer.",
)
"""What models are told, and taught, to say where there is no answer."""


class BadRow(Exception):
    """A row that is no case; its text says why."""


def case_of_row(row: object) -> Case:
    """The case of a row, its id empty where none is given. Raises BadRow."""
    if not isinstance(row, Mapping):
        raise BadRow("it is not a JSON object")
    metadata = row.get("metadata")
    known = {**(metadata if isinstance(metadata, Mapping) else {}), **row}
    if row.get("messages"):
        return _of_messages(known, taught="question" not in row and "answers" not in row)
    question = text_of(known, "question", "query")
    if not question:
        raise BadRow("it has no question")
    return _case(known, question, text_of(known, "expected_answer", "expected", "answer"), texts_of(known, "answers"))


def case_or_bad(row: object) -> Case | BadRow:
    """The case of a row, or why it is none."""
    try:
        return row if isinstance(row, BadRow) else case_of_row(row)
    except BadRow as bad:
        return bad


def text_of(row: Mapping[str, Any], *keys: str) -> str:
    """The first of the keys that holds a text or a number, without surrounding white space; or nothing."""
    for key in keys:
        if (text := plain(row.get(key))) is not None:
            return text
    return ""


def texts_of(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The texts and numbers of a list, each once; one alone is a list of one, null is none. Raises BadRow."""
    value = row.get(key)
    items = value if isinstance(value, list) else [value]
    found = [plain(item) for item in items if item is not None]
    if None in found:
        raise BadRow(f"`{key}` is not a list of texts")
    return tuple(dict.fromkeys(text for text in found if text))


def flag_of(row: Mapping[str, Any], key: str, default: bool) -> bool:
    """True or false. Raises BadRow for anything else."""
    value = row.get(key)
    if value is not None and not isinstance(value, bool):
        raise BadRow(f"`{key}` must be true or false")
    return default if value is None else value


def plain(value: object) -> str | None:
    """A text or number as a text that can be written anywhere; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).encode("utf-8", "replace").decode().strip()


def language_of(row: Mapping[str, Any], *texts: str) -> Language:
    """The language given (`fr`, `fr-FR`, `en_US`), or else that of the texts."""
    given = text_of(row, "lang", "language").casefold()[:2]
    if given in ("fr", "en"):
        return "fr" if given == "fr" else "en"
    return detect_language("\n".join(texts))


def _case(
    row: Mapping[str, Any], question: str, expected: str, answers: tuple[str, ...], messages: tuple[Message, ...] = ()
) -> Case:
    answerable = flag_of(row, "answerable", not _refuses(answers or (expected,)))
    gold, documents = texts_of(row, "gold"), texts_of(row, "documents")
    return Case(
        id=text_of(row, "id", "_id"),
        question=question,
        answers=answers if answerable else (),
        every=flag_of(row, "every", False),
        expected=expected if answerable else "",
        answerable=answerable,
        language=language_of(row, question, expected, *answers),
        type=text_of(row, "type", "category"),
        difficulty=text_of(row, "difficulty"),
        gold=gold if answerable else (),  # of a refusal, our datasets name chunks that are only near to it
        split=text_of(row, "split"),
        group=text_of(row, "group") or next(iter((*documents, *gold)), ""),
        messages=messages,
    )


def _refuses(known: Sequence[str]) -> bool:
    """Whether what is known of the answer is that there is none."""
    return all(exact(text, _REFUSALS, detect_language(text)) for text in known)


def _of_messages(row: Mapping[str, Any], taught: bool) -> Case:
    """`taught`: a row of a training set, whose `answers` are all the values that its answer states."""
    messages, expected = _split(_messages(row["messages"], _names(row)))
    asked = next((m.content for m in reversed(messages) if m.role == "user"), "")
    question = text_of(row, "question") or _AFTER_DOCUMENTS.sub("", asked, count=1).strip()
    if not question:
        raise BadRow("its messages hold no question")
    expected = text_of(row, "expected_answer") or expected
    answers = texts_of(row, "answers")
    if not taught or not answers:
        return _case(row, question, expected, answers, messages)
    language = language_of(row, question, expected)
    return _case({"every": True, **row}, question, expected, _untold(question, expected, answers, language), messages)


def _untold(question: str, expected: str, answers: Sequence[str], language: Language) -> tuple[str, ...]:
    """The values that the question does not give away; where it gives away all, the yes or no before them."""
    untold = tuple(answer for answer in answers if not contains(question, [answer], language))
    said = _YES_NO.match(expected)
    return untold or ((said[1],) if said else ())


def _messages(rows: object, names: Mapping[str, str]) -> list[Message]:
    messages = []
    for row in rows if isinstance(rows, list) else [None]:
        role, content = (row.get("role"), plain(row.get("content"))) if isinstance(row, Mapping) else (None, None)
        if role not in _ROLES or content is None:
            raise BadRow("`messages` is not a list of {role, content} with the roles system, user and assistant")
        messages.append(Message(role, _CHUNK.sub(lambda match: names.get(match[0], match[0]), content)))
    return messages


def _split(messages: list[Message]) -> tuple[tuple[Message, ...], str]:
    """What is sent, and the answer that is expected: the last message where it is the assistant's."""
    if messages and messages[-1].role == "assistant":
        return tuple(messages[:-1]), messages[-1].content
    return tuple(messages), ""


def _names(row: Mapping[str, Any]) -> Mapping[str, str]:
    """Ids as the row shows them, to those of the library, in which its gold is told: every case then has one kind."""
    shown = row.get("shown")
    return {k: v for k, v in shown.items() if isinstance(v, str)} if isinstance(shown, Mapping) else {}
