"""From one JSON object to a training row, whichever of the known formats it is in.

{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}
{"prompt": …, "completion": …}                              strings or lists of messages; with "label": KTO
{"prompt": …, "chosen": …, "rejected": …}                   DPO as TRL reads it
{"instruction": "…", "input": "…", "output": …}             Alpaca; the output may be any JSON
{"question": "…", "answer": "…"}
{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}     ShareGPT
{"input": {"messages": […]}, "preferred_output": […], "non_preferred_output": […]}      DPO as OpenAI reads it
{"text": "…"}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from finetune.formats.fields import Fields, Turns, name_of, quoted
from finetune.formats.problems import Fault
from finetune.formats.row import Format, Row
from retrieval.types import Message

_KNOWN = "messages, prompt + completion, instruction + output, question + answer, text, prompt + chosen + rejected"


def parse(value: Any, line: int) -> Row | list[Fault]:
    """The row an object stands for, or all that is wrong with it."""
    if not isinstance(value, dict):
        return [Fault("not a JSON object", name_of(value), f"A row is an object with {_KNOWN}.")]
    form = format_of(value)
    if form is None:
        keys = ", ".join(quoted(key) for key in list(value)[:6]) or "no key"
        return [Fault("no known format", f"it has {keys}", f"Rename its keys; known: {_KNOWN}.")]
    fields = Fields(value)
    found = _READERS[form](fields)
    if not fields.faults:
        _check_order(fields, found.get("prompt", ()), form)
    return fields.faults or Row(line, form, metadata=_metadata(fields), **found)


def format_of(value: Mapping[str, Any]) -> Format | None:
    """The format that the keys of an object are those of."""
    keys = value.keys()
    if "messages" in keys:
        return "messages"
    if "conversations" in keys:
        return "sharegpt"
    if keys & {"preferred_output", "non_preferred_output"}:
        return "openai-dpo"
    if keys & {"chosen", "rejected"}:
        return "dpo"
    if "completion" in keys or "prompt" in keys:
        return "kto" if "label" in keys else "prompt-completion"
    if keys & {"instruction", "output"}:
        return "alpaca"
    if keys & {"question", "answer"}:
        return "question-answer"
    return "text" if "text" in keys else None


# one function for each format ----------------------------------------------------------------------------------------


def _messages(fields: Fields) -> dict[str, Any]:
    return _split(fields, fields.turns("messages"), "`messages`")


def _sharegpt(fields: Fields) -> dict[str, Any]:
    return _split(fields, (*_system(fields), *fields.turns("conversations", "from", "value")), "`conversations`")


def _prompt_completion(fields: Fields) -> dict[str, Any]:
    return {
        "prompt": (*_system(fields), *fields.prompt_or_turns("prompt")),
        "completion": _answer(fields, "completion"),
    }


def _kto(fields: Fields) -> dict[str, Any]:
    label = fields.get("label")
    if label is not None and not isinstance(label, bool):
        fields.fault("label not true or false", quoted(label), "Write true for a good answer, false for a bad one.")
    return {**_prompt_completion(fields), "label": label}


def _question_answer(fields: Fields) -> dict[str, Any]:
    asked = Message("user", fields.text("question"))
    return {"prompt": (*_system(fields), asked), "completion": fields.text("answer", any_json=True)}


def _alpaca(fields: Fields) -> dict[str, Any]:
    asked = [fields.text("instruction"), fields.text("input", needed=False, any_json=True)]
    turns = (*_system(fields), *_history(fields), Message("user", "\n\n".join(part for part in asked if part)))
    return {"prompt": turns, "completion": fields.text("output", any_json=True)}


def _dpo(fields: Fields) -> dict[str, Any]:
    pairs = [fields.value.get(key) for key in ("chosen", "rejected")]
    if all(isinstance(pair, list) and len(pair) > 1 for pair in pairs):
        return _whole_conversations(fields)
    prompt = (*_system(fields), *fields.prompt_or_turns("prompt"))
    return _different(fields, prompt, _answer(fields, "chosen"), _answer(fields, "rejected"))


def _whole_conversations(fields: Fields) -> dict[str, Any]:
    """Each side holds the prompt too."""
    fields.used.add("prompt")
    chosen, rejected = fields.turns("chosen"), fields.turns("rejected")
    if chosen[:-1] != rejected[:-1]:
        fields.fault("chosen and rejected answer different prompts", "", "Both must begin with the same messages.")
    sides = [_split(fields, turns, f"`{key}`") for key, turns in (("chosen", chosen), ("rejected", rejected))]
    return _different(fields, sides[0].get("prompt", ()), *(side.get("completion", "") for side in sides))


def _openai_dpo(fields: Fields) -> dict[str, Any]:
    given = fields.get("input")
    if given is not None and not (isinstance(given, dict) and "messages" in given):
        fields.fault("missing key", "`input.messages`", 'Write "input": {"messages": […]}.')
    prompt = fields.turns_of(given["messages"], "`input.messages`") if not fields.faults and given else ()
    return _different(fields, prompt, _answer(fields, "preferred_output"), _answer(fields, "non_preferred_output"))


def _text(fields: Fields) -> dict[str, Any]:
    return {"completion": fields.text("text")}


_READERS: Mapping[Format, Callable[[Fields], dict[str, Any]]] = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "prompt-completion": _prompt_completion,
    "kto": _kto,
    "question-answer": _question_answer,
    "alpaca": _alpaca,
    "dpo": _dpo,
    "openai-dpo": _openai_dpo,
    "text": _text,
}


# what they share -----------------------------------------------------------------------------------------------------


def _system(fields: Fields) -> Turns:
    system = fields.text("system", needed=False)
    return (Message("system", system),) if system else ()


def _history(fields: Fields) -> list[Message]:
    """The turns before, as `[["question", "answer"], …]`."""
    fields.used.add("history")
    said = fields.value.get("history") or []
    if not isinstance(said, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in said):
        fields.fault("history is no list of pairs", name_of(said), 'Write "history": [["question", "answer"], …].')
        return []
    turns = []
    for i, (asked, answered) in enumerate(said):
        turns.append(Message("user", fields.content(asked, f"`history`[{i}][0]")))
        turns.append(Message("assistant", fields.content(answered, f"`history`[{i}][1]")))
    return turns


def _split(fields: Fields, turns: Turns, where: str) -> dict[str, Any]:
    """A conversation as what is asked and the last answer."""
    if fields.faults:
        return {}
    if not turns or all(turn.role != "assistant" for turn in turns):
        fields.fault("no assistant turn", where, "Add the answer to learn as the last message.")
    elif turns[-1].role != "assistant":
        fields.fault("the assistant is not the last", where, "End with the answer to learn; take out what follows it.")
    return {"prompt": turns[:-1], "completion": turns[-1].content} if turns else {}


def _answer(fields: Fields, key: str) -> str:
    """An answer: a text, or a list of one message of the assistant."""
    if not isinstance(fields.value.get(key), list):
        return fields.text(key)
    turns = fields.turns(key)
    if not fields.faults and [turn.role for turn in turns] != ["assistant"]:
        fields.fault(
            "not one answer", f"`{key}`", "Give one message of the assistant; what comes before is the prompt."
        )
    return turns[0].content if turns else ""


def _different(fields: Fields, prompt: Turns, chosen: str, rejected: str) -> dict[str, Any]:
    if chosen.strip() and chosen.strip() == rejected.strip():
        fields.fault("chosen equals rejected", "", "Nothing can be learnt from such a pair: take it out.")
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def _check_order(fields: Fields, prompt: Sequence[Message], form: Format) -> None:
    """A system message first or not at all, then user and assistant in turn, the user last."""
    if form == "text":
        return
    turns = prompt[1:] if prompt and prompt[0].role == "system" else prompt
    for i, turn in enumerate(turns):
        due = ("user", "assistant")[i % 2]
        if turn.role != due:
            fix = (
                "After the system message, user and assistant take turns."
                if turn.role != "system"
                else "It must come first."
            )
            fields.fault("wrong order of roles", f"{turn.role} where {due} is due, turn {i + 1}", fix)
            return
    if len(turns) % 2 == 0:
        fields.fault("no user turn", "before the answer", "Add the question as a message of the user.")


def _metadata(fields: Fields) -> Mapping[str, Any]:
    """What is known of a row: `metadata`, and every other key."""
    said = fields.value.get("metadata")
    others = {key: value for key, value in fields.value.items() if key not in fields.used}
    return {**others, **said} if isinstance(said, dict) else others
