"""A training row in each format it can be written in.

A system message and earlier turns are never lost: alpaca rows take `system` and `history` beside their own keys, as
LLaMA-Factory reads them; a prompt of more than a question is a list of messages.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from finetune.formats.contexts import documents_of
from finetune.formats.row import Format, Kind, Row
from retrieval.errors import BadInput
from retrieval.files import disk_errors
from retrieval.types import Message

Target = Literal[
    "messages", "prompt-completion", "alpaca", "sharegpt", "trl", "openai", "openai-dpo", "dpo", "kto", "text", "ragas",
    "deepeval",
]  # fmt: skip
POSSIBLE: Mapping[Kind, tuple[Target, ...]] = {
    "sft": ("messages", "prompt-completion", "alpaca", "sharegpt", "trl", "openai", "text", "ragas", "deepeval"),
    "dpo": ("dpo", "trl", "openai-dpo", "kto", "messages", "prompt-completion", "alpaca", "sharegpt", "openai", "ragas", "deepeval"),
    "kto": ("kto", "trl", "messages", "prompt-completion", "alpaca", "sharegpt", "openai", "ragas", "deepeval"),
    "text": ("text", "trl"),
}  # fmt: skip
"""What rows of each kind can become."""
SAME: Mapping[Format, Target] = {
    "messages": "messages",
    "prompt-completion": "trl",
    "question-answer": "messages",
    "alpaca": "alpaca",
    "sharegpt": "sharegpt",
    "text": "text",
    "dpo": "dpo",
    "kto": "kto",
    "openai-dpo": "openai-dpo",
}
"""The target that writes rows as they were read."""
_SPEAKER = {"system": "system", "user": "human", "assistant": "gpt"}
_NO_METADATA = frozenset({"openai", "openai-dpo"})
"""Hosted services refuse keys that they do not know."""
Made = dict[str, Any]


def written(row: Row, target: Target) -> Iterator[Made]:
    """The objects a row becomes; none when it says what not to answer, and the target knows only answers."""
    keeps = dict(row.metadata) if row.metadata and target not in _NO_METADATA else {}
    for made in _WRITERS[target](row):
        yield made | ({"metadata": keeps} if keeps and "additional_metadata" not in made else {})


def save(path: Path, rows: Iterable[Made]) -> int:
    """Write rows beside `path`, then rename: the file is whole or not there. Returns how many.

    The suffix says how: `.json` a list, `.csv` a table, any other one object a line. Raises BadInput, NoAccess, NoSpace.
    """
    if path.is_dir():
        raise BadInput(f"{path} is a folder.", "Name a file in it with --output.")
    count = 0
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _part_of(path) as file:
            for text in _texts(path.suffix.lower(), rows):
                file.write(text)
                count += 1
    return count


def _texts(suffix: str, rows: Iterable[Made]) -> Iterator[str]:
    """One text for each row; what stands around them goes with the first and the last."""
    if suffix == ".csv":
        yield from _table(rows)
    elif suffix == ".json":
        yield from _list(rows)
    else:
        yield from (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _list(rows: Iterable[Made]) -> Iterator[str]:
    before, waiting = "[\n", None
    for row in rows:
        if waiting is not None:
            yield f"{before}{waiting}"
            before = ",\n"
        waiting = json.dumps(row, ensure_ascii=False)
    if waiting is not None:
        yield f"{before}{waiting}\n]\n"


def _table(rows: Iterable[Made]) -> Iterator[str]:
    """Columns are the keys of the first row that hold texts; metadata finds no place in a table."""
    columns: Sequence[str] = ()
    for row in rows:
        if bad := [key for key, value in row.items() if key != "metadata" and not isinstance(value, str | bool)]:
            message = f"CSV holds texts only, and `{bad[0]}` is none."
            raise BadInput(message, "Write --output with .jsonl, or convert --to prompt-completion, alpaca or text.")
        names = [key for key in row if key != "metadata"]
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
        if not columns:
            columns = names
            writer.writerow(columns)
        if set(names) - set(columns):
            raise BadInput("Rows have different keys, which a table cannot hold.", "Write --output with .jsonl.")
        writer.writerow([row.get(name, "") for name in columns])
        yield buffer.getvalue()


@contextmanager
def _part_of(path: Path) -> Iterator[IO[str]]:
    """A file beside `path` that takes its place once all is written; private, since it holds what was said."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline=""
        ) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


# one function for each target ----------------------------------------------------------------------------------------


def _messages(row: Row) -> Iterator[Made]:
    if row.label is not False:
        yield {"messages": _plain([*row.prompt, Message("assistant", row.answer)])}


def _prompt_completion(row: Row) -> Iterator[Made]:
    if row.label is not False and len(row.prompt) == 1:
        yield {"prompt": row.prompt[0].content, "completion": row.answer}
    elif row.label is not False:
        yield {"prompt": _plain(row.prompt), "completion": _said(row.answer)}


def _alpaca(row: Row) -> Iterator[Made]:
    if row.label is not False:
        yield {"instruction": row.prompt[-1].content, "input": "", "output": row.answer} | _before(row)


def _sharegpt(row: Row) -> Iterator[Made]:
    if row.label is not False:
        turns = [*row.prompt, Message("assistant", row.answer)]
        yield {"conversations": [{"from": _SPEAKER[turn.role], "value": turn.content} for turn in turns]}


def _trl(row: Row) -> Iterator[Made]:
    """Each kind of row as the trainer of that kind reads it."""
    if row.kind == "sft":
        yield {"prompt": _plain(row.prompt), "completion": _said(row.completion)}
    else:
        yield from {"dpo": _dpo, "kto": _kto, "text": _text}[row.kind](row)


def _dpo(row: Row) -> Iterator[Made]:
    yield {"prompt": _plain(row.prompt), "chosen": _said(row.chosen), "rejected": _said(row.rejected)}


def _kto(row: Row) -> Iterator[Made]:
    """A pair gives a good answer and a bad one."""
    rated = [(row.completion, row.label)] if row.kind == "kto" else [(row.chosen, True), (row.rejected, False)]
    for answer, label in rated:
        yield {"prompt": _plain(row.prompt), "completion": _said(answer), "label": label}


def _openai_dpo(row: Row) -> Iterator[Made]:
    sides = {"preferred_output": _said(row.chosen), "non_preferred_output": _said(row.rejected)}
    yield {"input": {"messages": _plain(row.prompt)}, **sides}


def _text(row: Row) -> Iterator[Made]:
    yield {"text": "\n\n".join((*(message.content for message in row.prompt), row.answer))}


def _ragas(row: Row) -> Iterator[Made]:
    """A `SingleTurnSample`: what was retrieved is what the prompt holds, of that the gold chunks are the reference."""
    if row.label is not False:
        texts, gold = _contexts(row)
        contexts = {"retrieved_contexts": texts, "reference_contexts": gold}
        yield {"user_input": row.question, "reference": row.answer, **{k: v for k, v in contexts.items() if v}}


def _deepeval(row: Row) -> Iterator[Made]:
    """A `Golden`, as `EvaluationDataset.add_goldens_from_json_file` reads it (from a `.json` file)."""
    if row.label is not False:
        texts, gold = _contexts(row)
        more: Made = {"context": gold, "retrieval_context": texts, "additional_metadata": dict(row.metadata)}
        more["source_file"] = next(iter(row.documents), None)
        yield {"input": row.question, "expected_output": row.answer, **{k: v for k, v in more.items() if v}}


def _contexts(row: Row) -> tuple[list[str], list[str]]:
    """The documents of the prompt, and those that prove the answer."""
    held = documents_of(row.prompt)
    return [text for _, text in held], [text for name, text in held if name in row.gold]


_WRITERS: Mapping[Target, Callable[[Row], Iterator[Made]]] = {
    "messages": _messages,
    "prompt-completion": _prompt_completion,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "trl": _trl,
    "openai": _messages,
    "openai-dpo": _openai_dpo,
    "dpo": _dpo,
    "kto": _kto,
    "text": _text,
    "ragas": _ragas,
    "deepeval": _deepeval,
}


def _before(row: Row) -> Made:
    """The system message and the turns before the last question, where there are some."""
    turns = [message.content for message in row.prompt[:-1] if message.role != "system"]
    pairs = [list(pair) for pair in zip(turns[::2], turns[1::2], strict=True)]
    return ({"system": row.system} if row.system else {}) | ({"history": pairs} if pairs else {})


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
