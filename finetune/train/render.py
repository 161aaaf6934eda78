"""One training row as the tokens of its base: rendered as inference renders it, the loss on the answer and its end alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from finetune.bases.chat_format import ChatFormat
from finetune.formats.problems import Fault
from finetune.formats.row import Kind, Row
from finetune.train.config import Method, Overlength
from retrieval.types import Message

IGNORED = -100
"""Label of a token that is read and not learnt (PyTorch's cross entropy leaves it out)."""
COLUMNS: Mapping[Method, tuple[str, ...]] = {
    "sft": ("input_ids", "labels"),
    "dpo": ("prompt_ids", "chosen_ids", "rejected_ids"),
    "kto": ("prompt_ids", "completion_ids"),
}
"""Lists of tokens, as the trainers of trl 1.16 read them."""
KINDS: Mapping[Method, tuple[Kind, ...]] = {"sft": ("sft", "text"), "dpo": ("dpo",), "kto": ("kto",)}
_MEANT: Mapping[Kind, str] = {
    "dpo": "--method dpo",
    "kto": "--method kto",
    "sft": "--method sft",
    "text": "--method sft",
}
_NAMED: Mapping[Kind, str] = {"sft": "an answer", "text": "a bare text", "dpo": "a pair", "kto": "a rated answer"}


@dataclass(frozen=True)
class Rendered:
    """A row ready to be trained with."""

    row: Row
    """The row itself, or what was kept of it."""
    columns: Mapping[str, Sequence[int]]
    length: int
    """Tokens of the longest sequence in it."""
    learnt: int
    """Tokens that count in the loss."""
    truncated: bool = False


@dataclass(frozen=True)
class Renderer:
    """How rows become tokens."""

    format: ChatFormat
    method: Method
    max_length: int
    overlength: Overlength

    def __call__(self, row: Row) -> Rendered | Fault | None:
        """The row's tokens, what is wrong with it, or None for a row that is too long and dropped.

        Raises GeneratorFailed for a template that cannot be filled.
        """
        if row.kind not in KINDS[self.method]:
            fix = f"Train it with {_MEANT[row.kind]}, or convert it: `dyag dataset convert`."
            return Fault(f"not for method {self.method}", f"it is {_NAMED[row.kind]}", fix)
        made = self._rendered(row)
        if made.length <= self.max_length:
            return made
        if self.overlength == "raise":
            fix = "Shorten the row, raise --max-length, or pass --overlength drop or truncate."
            return Fault("too long", f"{made.length} tokens, {self.max_length} are read", fix)
        return self._shortened(row) if self.overlength == "truncate" else None

    def _rendered(self, row: Row, truncated: bool = False) -> Rendered:
        if row.kind == "text":
            return self._text(row, truncated)
        both = self.format.prompt_and_completion
        answers = (row.chosen, row.rejected) if self.method == "dpo" else (row.completion,)
        pairs = [both(row.prompt, answer) for answer in answers]
        prompt, said = pairs[0][0], [completion for _, completion in pairs]
        if self.method == "sft":
            lists: list[list[int]] = [prompt + said[0], [IGNORED] * len(prompt) + said[0]]
        else:
            lists = [prompt, *said]
        columns = dict(zip(COLUMNS[self.method], lists, strict=True))
        return Rendered(row, columns, len(prompt) + max(map(len, said)), sum(map(len, said)), truncated)

    def _text(self, row: Row, truncated: bool) -> Rendered:
        """A bare text, learnt from its first token to the one that ends it."""
        tokenizer, text = self.format.tokenizer, row.completion
        begun = bool(tokenizer.bos_token) and text.startswith(tokenizer.bos_token)
        ids = list(tokenizer(text, add_special_tokens=not begun)["input_ids"])
        end = tokenizer.eos_token_id
        ids += [end] if end is not None and ids[-1:] != [end] else []
        return Rendered(row, dict(zip(COLUMNS["sft"], (ids, ids), strict=True)), len(ids), len(ids) - 1, truncated)

    def _shortened(self, row: Row) -> Rendered | None:
        """The row with its longest message (of a text, the text) cut until it fits; the answer and its end stay whole.

        A message loses its beginning: the question stands at the end of a prompt with documents.
        """
        low, high = 0, len(_longest(row))  # kept characters: fits with `low`, not with `high`
        best = self._rendered(_cut(row, 0), truncated=True) if row.kind != "text" else None
        if best is not None and best.length > self.max_length:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            tried = self._rendered(_cut(row, middle), truncated=True)
            if tried.length <= self.max_length:
                best, low = tried, middle
            else:
                high = middle
        return best


def _longest(row: Row) -> str:
    return row.completion if row.kind == "text" else row.prompt[_where(row)].content


def _where(row: Row) -> int:
    return max(range(len(row.prompt)), key=lambda i: len(row.prompt[i].content))


def _cut(row: Row, kept: int) -> Row:
    """The row with this many characters of its longest part."""
    if row.kind == "text":
        return replace(row, completion=row.completion[:kept])
    at = _where(row)
    said = row.prompt[at]
    shorter = Message(said.role, said.content[len(said.content) - kept :].lstrip())
    return replace(row, prompt=(*row.prompt[:at], shorter, *row.prompt[at + 1 :]))
