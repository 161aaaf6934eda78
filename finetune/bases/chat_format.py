"""Messages as one model's own chat template writes them, and the tokens that end its turn.

A model without a template (gpt2, any base model) is given plain `User: …` and `Assistant: …`. Where a template refuses or
ignores the system message, it stands at the head of the first user message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from retrieval.errors import GeneratorFailed
from retrieval.types import Message

NAMES = {"system": "System", "user": "User", "assistant": "Assistant"}
PLAIN_STOP = "\nUser:"
"""A model without a template ends no turn: it would go on to ask itself questions."""
_MARK = "zqxzqx"


@dataclass(frozen=True)
class ChatFormat:
    """How one tokenizer writes a chat."""

    tokenizer: Any

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of a prompt, up to where the answer begins."""
        text = self.text(messages)
        # Templates write the special tokens themselves; the plain form has none.
        given = self.tokenizer(text, add_special_tokens=not self.tokenizer.chat_template)
        return list(given["input_ids"])

    def text(self, messages: Sequence[Message]) -> str:
        """Raises GeneratorFailed for a template that cannot be filled."""
        from jinja2.exceptions import TemplateError

        harmless = [Message(m.role, self._harmless(m.content)) for m in messages]
        if not self.tokenizer.chat_template:
            return _plain(harmless)
        try:
            return self._rendered(harmless if self._takes_system else _merged(harmless))
        except TemplateError as error:
            hint = "Correct chat_template.jinja, or chat_template in tokenizer_config.json, in the model's folder."
            raise GeneratorFailed(f"The model's chat template cannot be filled: {error}.", hint) from None

    @property
    def stop(self) -> str:
        """A text that ends the answer; empty when a token does."""
        return "" if self.tokenizer.chat_template else PLAIN_STOP

    def ends(self, configured: int | Sequence[int] | None) -> list[int]:
        """Tokens that end an answer: what the model's files name, and the one its template puts after an answer."""
        named = [configured] if isinstance(configured, int) else list(configured or ())
        return list(dict.fromkeys(i for i in (*named, self.tokenizer.eos_token_id, self._end_of_turn) if i is not None))

    @cached_property
    def _end_of_turn(self) -> int | None:
        """What follows an answer in the template, where that is a special token."""
        if not self.tokenizer.chat_template:
            return None
        said = [Message("user", "?"), Message("assistant", _MARK)]
        after = self._rendered(said, prompt=False).rpartition(_MARK)[2].lstrip()
        first = next(iter(self.tokenizer(after, add_special_tokens=False)["input_ids"]), None)
        return first if first in self._special.values() else None

    @cached_property
    def _special(self) -> dict[str, int]:
        added = self.tokenizer.added_tokens_decoder
        return {str(token.content): number for number, token in added.items() if token.special}

    @cached_property
    def _takes_system(self) -> bool:
        from jinja2.exceptions import TemplateError

        try:
            return _MARK in self._rendered([Message("system", _MARK), Message("user", "?")])
        except TemplateError:
            return False

    def _rendered(self, messages: Sequence[Message], prompt: bool = True) -> str:
        sent = [{"role": m.role, "content": m.content} for m in messages]
        # `enable_thinking`: templates that know it (Qwen3) then ask for the answer at once; others do not look at it.
        text: str = self.tokenizer.apply_chat_template(
            sent, tokenize=False, add_generation_prompt=prompt, enable_thinking=False
        )
        return text

    def _harmless(self, content: str) -> str:
        """Without special tokens: a document that holds `<|im_start|>` must not begin a turn."""
        for token in self._special:
            if len(token) > 1:
                content = content.replace(token, f"{token[0]} {token[1:]}")
        return content


def _merged(messages: Sequence[Message]) -> list[Message]:
    """The system message put before the text of the first user message."""
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    others = [m for m in messages if m.role != "system"]
    first = next((m for m in others if m.role == "user"), None)
    return [Message("user", f"{system}\n\n{m.content}") if m is first and system else m for m in others]


def _plain(messages: Sequence[Message]) -> str:
    said = (f"{NAMES[m.role]}: {m.content}" if m.role != "system" else m.content for m in messages)
    return "\n\n".join([*said, f"{NAMES['assistant']}:"])
