"""SQuAD 2.0 (Rajpurkar, Jia and Liang 2018): questions under the paragraphs of titled articles.

{"version": "v2.0", "data": [{"title": "Normans", "paragraphs": [{"context": "…", "qas": [
  {"id": "56d…", "question": "…", "is_impossible": false, "answers": [{"text": "France", "answer_start": 159}]}]}]}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eval.read_rows import BadRow, flag_of, language_of, plain, text_of
from eval.types import Case


def squad_cases(articles: list[Any]) -> Iterator[tuple[str, Case | BadRow]]:
    """Where each question stands, with its case, or why it is none."""
    for i, article in enumerate(articles, 1):
        paragraphs = _list(article, "paragraphs")
        if paragraphs is None:
            yield f"article {i}", BadRow("it has no list of paragraphs")
            continue
        for j, paragraph in enumerate(paragraphs, 1):
            questions = _list(paragraph, "qas")
            if questions is None:
                yield f"article {i}, paragraph {j}", BadRow("it has no list of questions (`qas`)")
            for k, row in enumerate(questions or (), 1):
                yield f"article {i}, paragraph {j}, question {k}", _case(row, plain(article.get("title")) or "")


def _list(of: object, key: str) -> list[Any] | None:
    value = of.get(key) if isinstance(of, Mapping) else None
    return value if isinstance(value, list) else None


def _case(row: object, title: str) -> Case | BadRow:
    try:
        return _read(row, title)
    except BadRow as bad:
        return bad


def _read(row: object, title: str) -> Case:
    question = text_of(row, "question") if isinstance(row, Mapping) else ""
    if not isinstance(row, Mapping) or not question:
        raise BadRow("it has no question")
    texts = [text_of(answer, "text") for answer in _list(row, "answers") or () if isinstance(answer, Mapping)]
    answers = tuple(dict.fromkeys(text for text in texts if text))
    answerable = not flag_of(row, "is_impossible", False)
    return Case(
        id=text_of(row, "id"),
        question=question,
        answers=answers if answerable else (),
        answerable=answerable,
        language=language_of(row, question, *answers),
        group=title,
    )
