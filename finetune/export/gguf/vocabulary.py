"""A tokenizer as GGUF writes it: byte-level BPE (`gpt2` there), SentencePiece's BPE (`llama`) or its unigrams (`t5`).

That texts are normalised is not written, for llama.cpp does not: what is typed is composed (NFC) as a rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from finetune.bases.chat_format import ChatFormat
from finetune.export.gguf.split import name_of
from retrieval.errors import BadInput

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""Types of a token."""
BYTE_TOKEN = re.compile(r"<0x[0-9A-F]{2}>")
KEEPS_BLANKS = ("<unk>", "<s>", "<|endoftext|>")
"""After these tokens of Phi-3 llama.cpp leaves blanks where they are."""
PLAIN = (
    "{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}"
    "{% elif m['role'] == 'assistant' %}{{ 'Assistant: ' + m['content'] }}{% else %}{{ 'User: ' + m['content'] }}{% endif %}"
    "{{ '\\n\\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
"""How a model without a template was asked in training (finetune/bases/chat_format.py)."""


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by their ids, and what a program must know to cut a text into them."""

    model: Literal["gpt2", "llama", "t5"]
    pre: str
    tokens: Sequence[str]
    types: Sequence[int]
    scores: Sequence[float]
    """Of SentencePiece; empty for byte-level BPE."""
    merges: Sequence[str]
    """Of byte-level BPE, the first to be merged first."""
    special: Mapping[str, int]
    """bos, eos, eot, unk and pad, as far as there are such tokens."""
    ends: Sequence[int]
    """Every token that ends an answer."""
    add_bos: bool
    add_eos: bool
    add_space_prefix: bool
    swallows: bool
    """Whether blanks after a special token are left out, as Phi-3 has it."""
    template: str


def vocabulary(tokenizer: Any, config: Any, registered: str = "", ends: Any = None) -> Vocabulary:
    """That of a model. `registered`: llama.cpp's name for its pre-tokenizer in our registry; `ends`: ids that end an answer.

    Raises BadInput for a tokenizer that llama.cpp has nothing like, ModelMissing where no token ends a turn.
    """
    spec = _spec(tokenizer)
    model = _model(spec)
    tokens, types = _tokens(tokenizer, spec, int(config.vocab_size))
    made, chat = spec["model"], ChatFormat(tokenizer)
    merges = [tuple(pair.split(" ", 1)) if isinstance(pair, str) else tuple(pair) for pair in made.get("merges") or ()]
    bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else config.bos_token_id
    read = list(tokenizer("a")["input_ids"])
    return Vocabulary(
        model=model,
        pre=_pre(tokenizer, registered) if model == "gpt2" else "default",
        tokens=tokens,
        types=types,
        scores=_scores(model, made, tokens, merges),
        merges=[" ".join(pair) for pair in merges] if model == "gpt2" else [],
        special=_special(tokenizer, bos, chat.end),
        ends=chat.ends(config.eos_token_id if ends is None else ends),
        add_bos=bos is not None and read[:1] == [bos],
        add_eos=len(read) > 1 and read[-1] == tokenizer.eos_token_id,
        add_space_prefix=model != "gpt2" and _prefixed(spec, bool(tokenizer.chat_template)),
        swallows=_swallows(spec, tokens),
        template=_template(tokenizer),
    )


def _spec(tokenizer: Any) -> dict[str, Any]:
    if not getattr(tokenizer, "is_fast", False):
        hint = "Save its tokenizer as tokenizer.json with a newer transformers."
        raise BadInput("The model's tokenizer is not one of the library `tokenizers`.", hint)
    found: dict[str, Any] = json.loads(tokenizer.backend_tokenizer.to_str())
    return found


def _model(spec: Mapping[str, Any]) -> Literal["gpt2", "llama", "t5"]:
    kind = spec["model"]["type"]
    if kind == "Unigram":
        return "t5"
    if kind == "BPE" and any(step["type"] == "ByteLevel" for step in _steps(spec["pre_tokenizer"])):
        return "gpt2"
    if kind == "BPE" and spec["model"].get("byte_fallback"):
        return "llama"
    what = f"{kind} without bytes" if kind == "BPE" else str(kind)
    raise BadInput(f"The model's tokenizer is {what}, which llama.cpp does not know.", "Train on another base.")


def _steps(part: Any) -> list[dict[str, Any]]:
    """The steps of a normalizer or pre-tokenizer, which may be a sequence."""
    if not part:
        return []
    inner = part.get("normalizers") or part.get("pretokenizers")
    return [step for each in inner for step in _steps(each)] if inner else [part]


def _tokens(tokenizer: Any, spec: Mapping[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Texts and types of `size` tokens: rows of the embedding that no token uses are called so."""
    known = {number: text for text, number in tokenizer.get_vocab().items()}
    if beyond := [text for number, text in known.items() if number >= size]:
        hint = "Its tokenizer and its weights do not belong together: train again from a whole base."
        raise BadInput(f"The model has no weights for {len(beyond)} of its tokens, such as {beyond[0]!r}.", hint)
    added = {token["id"]: token["special"] for token in spec["added_tokens"]}
    unknown = spec["model"].get("unk_token") or tokenizer.unk_token
    if spec["model"].get("unk_id") is not None:
        unknown = known[spec["model"]["unk_id"]]
    pieces = not any(step["type"] == "ByteLevel" for step in _steps(spec["pre_tokenizer"]))

    def kind(number: int) -> int:
        text = known.get(number)
        if text is None:
            return UNUSED
        if pieces and text == unknown:
            return UNKNOWN
        if number in added:
            return CONTROL if added[number] else USER_DEFINED
        return BYTE if pieces and BYTE_TOKEN.fullmatch(text) else NORMAL

    return [known.get(number, f"[PAD{number}]") for number in range(size)], [kind(number) for number in range(size)]


def _pre(tokenizer: Any, registered: str) -> str:
    """Raises BadInput."""
    found = name_of(tokenizer.backend_tokenizer.pre_tokenizer, registered)
    if not found:
        hint = "GPT-2, SmolLM, Qwen2, Llama 3 and phi-2 are known; models with SentencePiece need none."
        raise BadInput("The model's tokenizer cuts texts as none does that llama.cpp is known to have.", hint)
    return found


def _scores(model: str, made: Mapping[str, Any], tokens: Sequence[str], merges: Sequence[Any]) -> list[float]:
    """The best is merged first: where merges are listed, the first that makes a token."""
    if model == "gpt2":
        return []
    if model == "t5":
        given = {text: float(score) for text, score in made["vocab"]}
        return [given.get(token, 0.0) for token in tokens]
    ranks: dict[str, int] = {}
    for rank, (left, right) in enumerate(merges):
        ranks.setdefault(left + right, rank)
    order = {text: number for number, text in enumerate(sorted(ranks, key=ranks.__getitem__))}
    return [float(-order.get(token, len(order))) for token in tokens]


def _special(tokenizer: Any, bos: int | None, end: int) -> dict[str, int]:
    eos = end if tokenizer.eos_token_id is None else tokenizer.eos_token_id
    pad = tokenizer.pad_token_id
    found = {"bos": bos, "eos": eos, "eot": None if end == eos else end, "unk": tokenizer.unk_token_id, "pad": pad}
    return {name: int(number) for name, number in found.items() if number is not None}


def _prefixed(spec: Mapping[str, Any], template: bool) -> bool:
    """Whether a blank is put before a text.

    llama.cpp does it after each special token too, `first` only at the very beginning: there a chat's template has none.
    """
    if any(step["type"] == "Prepend" for step in _steps(spec["normalizer"])):
        return True
    schemes = [step.get("prepend_scheme") for step in _steps(spec["pre_tokenizer"]) if step["type"] == "Metaspace"]
    return "always" in schemes or ("first" in schemes and not template)


def _swallows(spec: Mapping[str, Any], tokens: Sequence[str]) -> bool:
    """llama.cpp can do it for vocabularies that have all of Phi-3's tokens, and does not load others so."""
    wanted = any(token["special"] and token["rstrip"] for token in spec["added_tokens"])
    return wanted and {*KEEPS_BLANKS, "</s>"} <= set(tokens)


def _template(tokenizer: Any) -> str:
    """The one that answers are asked with, where there are several."""
    return str(tokenizer.get_chat_template()) if tokenizer.chat_template else PLAIN
