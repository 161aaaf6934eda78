"""Messages as one model's own chat template writes them, to be answered or trained on, and the tokens that end a turn.

A model without a template (gpt2, any base model) is given plain `User: …` and `Assistant: …`. Where a template refuses or
ignores the system message, it stands at the head of the first user message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from retrieval.errors import GeneratorFailed, ModelMissing
from retrieval.types import Message

NAMES = {"system": "System", "user": "User", "assistant": "Assistant"}
PLAIN_STOP = "\nUser:"
"""A model without a template ends no turn: it would go on to ask itself questions."""
_MARK = "zqxzqx"
_THINK = "<think>"
_THOUGHT = f"{_THINK}\n\n</think>\n\n"
"""What stands for no reasoning, as Qwen3's template writes it."""


@dataclass(frozen=True)
class ChatFormat:
    """How one tokenizer writes a chat."""

    tokenizer: Any

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of a prompt, up to where the answer begins."""
        return self._tokens(self.text(messages))

    def text(self, messages: Sequence[Message]) -> str:
        """Raises GeneratorFailed for a template that cannot be filled."""
        return self._filled(messages)

    def prompt_and_completion(self, messages: Sequence[Message], completion: str) -> tuple[list[int], list[int]]:
        """Tokens to train on: of the prompt, as `ids` gives them, and of the answer, the last of which ends the turn.

        Raises GeneratorFailed for a template that cannot be filled, ModelMissing where no token ends a turn.
        """
        prompt = self.text(messages)
        answer = self._before_answer(messages, prompt) + self._harmless(completion.strip())
        given, both = self._tokens(prompt), self._tokens(prompt + answer)
        # Where a token reaches across the border, the model would still be asked with the prompt's own tokens.
        joined = both[: len(given)] == given
        said = both[len(given) :] if joined else self.tokenizer(answer, add_special_tokens=False)["input_ids"]
        return given, [*said, self.end]

    @property
    def end(self) -> int:
        """The token a trained answer ends with, one of `ends`. Raises ModelMissing."""
        end = self.tokenizer.eos_token_id if self._end_of_turn is None else self._end_of_turn
        if end is None:
            raise ModelMissing("The model's tokenizer names no token that ends a text.", "Set eos_token in its files.")
        return int(end)

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
        after = self._checked(said, prompt=False).rpartition(_MARK)[2].lstrip()
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

    def _tokens(self, text: str) -> list[int]:
        # Templates write the special tokens themselves; the plain form has none.
        return list(self.tokenizer(text, add_special_tokens=not self.tokenizer.chat_template)["input_ids"])

    def _before_answer(self, messages: Sequence[Message], prompt: str) -> str:
        """What the template puts between the end of the prompt and an answer, as the blank after `[/INST]`."""
        if not self.tokenizer.chat_template:
            return " "
        whole = self._filled([*messages, Message("assistant", _MARK)], prompt=False)
        # A template that asks for reasoning, and leaves it out of what was said, has nothing there.
        return whole[len(prompt) :].rpartition(_MARK)[0] if whole.startswith(prompt) else ""

    def _filled(self, messages: Sequence[Message], prompt: bool = True) -> str:
        harmless = [Message(m.role, self._harmless(m.content)) for m in messages]
        if not self.tokenizer.chat_template:
            return _plain(harmless)
        return self._checked(harmless if self._takes_system else _merged(harmless), prompt)

    def _checked(self, messages: Sequence[Message], prompt: bool) -> str:
        from jinja2.exceptions import TemplateError

        try:
            return self._rendered(messages, prompt)
        except TemplateError as error:
            hint = "Correct chat_template.jinja, or chat_template in tokenizer_config.json, in the model's folder."
            raise GeneratorFailed(f"The model's chat template cannot be filled: {error}.", hint) from None

    def _rendered(self, messages: Sequence[Message], prompt: bool = True) -> str:
        sent = [{"role": m.role, "content": m.content} for m in messages]
        # `enable_thinking`: templates that know it (Qwen3) then ask for the answer at once; others do not look at it.
        text: str = self.tokenizer.apply_chat_template(
            sent, tokenize=False, add_generation_prompt=prompt, enable_thinking=False
        )
        # Others begin the reasoning themselves (DeepSeek-R1): it is ended at once.
        begun = prompt and text.rstrip().endswith(_THINK)
        return text.rstrip().removesuffix(_THINK) + _THOUGHT if begun else text

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
