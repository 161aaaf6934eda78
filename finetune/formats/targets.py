"""A training row in each format it can be written in.

A system message and earlier turns are never lost: alpaca rows take `system` and `history` beside their own keys, as
LLaMA-Factory reads them; a prompt of more than a question is a list of messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from finetune.formats.contexts import documents_of
from finetune.formats.row import Format, Kind, Row
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
