"""The fields of one object while it becomes a row: texts and messages taken out, with all that is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from finetune.formats.problems import Fault
from retrieval.types import Message

Turns = tuple[Message, ...]
Role = Literal["system", "user", "assistant"]
_ROLES: Mapping[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
_SPEAKERS: Mapping[str, Role] = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "model": "assistant",
    "chatgpt": "assistant", "system": "system",
}  # fmt: skip
_SHOWN = 40
"""Characters of a value that a message shows."""
_NAMES = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}


class Fields:
    """One object while it is read: what was used of it, and what is wrong with it."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.value = value
        self.used = {"metadata"}
        self.faults: list[Fault] = []

    def fault(self, kind: str, detail: str, fix: str) -> None:
        self.faults.append(Fault(kind, detail, fix))

    def get(self, key: str) -> Any:
        """The value of a key that must be there."""
        self.used.add(key)
        if self.value.get(key) is None:
            self.fault("missing key", f"`{key}`", "Every row needs it: add it, or take the row out.")
        return self.value.get(key)

    def text(self, key: str, *, needed: bool = True, any_json: bool = False) -> str:
        """A text; empty when it may be missing and is. `any_json`: a list or an object stands for its JSON."""
        self.used.add(key)
        found = self.get(key) if needed else self.value.get(key)
        if found is None or (found == "" and not needed):
            return ""
        if any_json and isinstance(found, list | dict):
            return json.dumps(found, ensure_ascii=False)
        return self.content(found, f"`{key}`")

    def content(self, found: Any, where: str) -> str:
        """A text that says something."""
        if not isinstance(found, str):
            self.fault("not a string", f"{where} is {name_of(found)}", "Write it as a text between double quotes.")
            return ""
        if not found.strip():
            self.fault("empty content", where, "Write what is missing, or take the row out.")
        elif not _encodes(found):
            self.fault("half a character", where, r"A \ud800 to \udfff stands alone: write the character again.")
        return found

    def turns(self, key: str, role: str = "role", content: str = "content") -> Turns:
        """A list of messages, whose order is not looked at."""
        return self.turns_of(self.get(key), f"`{key}`", role, content)

    def turns_of(self, found: Any, where: str, role: str = "role", content: str = "content") -> Turns:
        if found is None:
            return ()
        if not isinstance(found, list):
            self.fault(
                "not a list of messages", f"{where} is {name_of(found)}", f'Write [{{"{role}": …, "{content}": …}}, …].'
            )
            return ()
        made = [self._turn(item, f"{where}[{i}]", role, content) for i, item in enumerate(found)]
        return tuple(turn for turn in made if turn)

    def prompt_or_turns(self, key: str) -> Turns:
        """A prompt: a text, which a user says, or messages."""
        if isinstance(self.value.get(key), list):
            return self.turns(key)
        return (Message("user", self.text(key)),)

    def _turn(self, item: Any, where: str, role: str, content: str) -> Message | None:
        if not isinstance(item, dict):
            self.fault("not a message", f"{where} is {name_of(item)}", f'Write {{"{role}": …, "{content}": …}}.')
            return None
        said = item.get(role)
        known = (_ROLES if role == "role" else _SPEAKERS).get(said) if isinstance(said, str) else None
        if known is None:
            self.fault("unknown role", f"{where}.{role} is {quoted(said)}", f"Use {_roles(role)}.")
            return None
        return Message(known, self.content(item.get(content), f"{where}.{content}"))


def name_of(value: Any) -> str:
    """`a list`, `a number`: what kind of JSON a value is."""
    return _NAMES.get(type(value), "a number")


def quoted(value: Any) -> str:
    """A value as a message names it."""
    return f"`{value[:_SHOWN]}`" if isinstance(value, str) else "missing" if value is None else name_of(value)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _roles(key: str) -> str:
    return "system, user or assistant" if key == "role" else "system, human or gpt"
