"""Whether a GGUF file cuts texts and answers as the model it was made from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.bases.chat_format import ChatFormat
from finetune.bases.load import Wanted, load
from finetune.export.gguf.kinds import Kind, divergence_of
from finetune.export.gguf.read import Gguf
from retrieval.errors import UserError
from retrieval.types import Message

TOKENS = 32
"""Of each greedy answer."""
TIE = 1e-3
"""Logits nearer than this are the same: which of the two tokens is taken is chance."""
DIFFERENCE = 1e-3
"""Largest between two logits of a file in f32."""
QUESTIONS = (
    "Quel port écoute Gitea ?",
    "Documents :\n[chunk_7] Licence : MIT\n\nQuestion : Quelle est la licence ?",
    "List three reasons to keep a backup.",
)
"""That are answered."""
TEXTS = (
    *QUESTIONS,
    "L'été dernier, l'application coûtait 12 345,67 € (TTC) – « environ » 98 %.",
    "It's I'LL, WE'RE and don't; e-mail: someone@example.org, https://example.org/a?b=1&c=%20#d",
    "Tabs\tand  two  spaces,   three;\n\n\nthree lines\r\n  - an indented point\n\t1. another",
    "def f(x_1: int) -> str:\n    return f'{x_1:>08.3f}'  # 100 % [chunk_383]\n",
    "| Clé | Valeur |\n|---|---|\n| Port | 8080 |\n| Œuvre | ÀÉÈÙÇ æœ ÿ |",
    "2024-11-04T15:30:12+01:00 v1.2.3-rc.4 0x1F 1e-05 ½ ² № 192.168.0.1/24",
    "日本語のテキスト, русский текст, ελληνικά, العربية, עברית, 한국어 🙂👩‍💻🇫🇷",
    " begins with a blank and ends with one ",
    "…", "a", "!!!???...", "AAAAaaaa bbbb", "\n", "<tag attr=\"v\">&amp;</tag> {json: [1, 2, null]}",
)  # fmt: skip
"""The probe corpus: each is cut as the question of a chat."""


class ExportFailed(UserError):
    """The file does not cut or answer as the model it was made from."""


@dataclass(frozen=True)
class Checked:
    """How near a file is to the model it was made from."""

    texts: int
    """That were cut into the same tokens."""
    prompts: int
    """That were answered."""
    tokens: int
    """Of the greedy answers, compared."""
    same: int
    """Of these, that were the same."""
    difference: float
    """Largest between two logits."""
    divergence: float
    """Mean Kullback-Leibler divergence of a token's probabilities from those of the original, in nats."""


@dataclass(frozen=True)
class Expected:
    """What the original model does."""

    name: str
    cut: Sequence[tuple[str, bool, list[int]]]
    """Of each text: as the model is given it, whether its first special token is added, and its tokens."""
    answers: Sequence[tuple[list[int], Any]]
    """Prompt and greedy answer; logits of the answer, (tokens, vocabulary)."""


def expected(folder: Path, name: str, context: int) -> Expected:
    """Ask the original, in float32; `context`: tokens that the file is to read at most. Raises ModelMissing."""
    loaded = load(Wanted(str(folder), device="cpu", dtype="float32"), name)
    chat = ChatFormat(loaded.tokenizer)
    asked = [[Message("user", text)] for text in TEXTS]
    plain = not loaded.tokenizer.chat_template
    cut = [(chat.text(messages), plain, chat.ids(messages)) for messages in asked]
    room = min(context, loaded.context) - TOKENS
    prompts = [ids[: max(room, 1)] for _, _, ids in cut[: len(QUESTIONS)]]
    return Expected(name, cut, [_answer(loaded.model, prompt, min(TOKENS, context - 1)) for prompt in prompts])


def check(file: Path, original: Expected, kind: Kind) -> Checked:
    """Read a file back and compare. Raises ExportFailed."""
    read = Gguf(file)
    _check_cuts(read, original)
    model = read.model()
    found = [_logits(model, ids, len(ids) - len(logits)) for ids, logits in original.answers]
    checked = _compared(original, found)
    _check_answers(checked, original, found, kind)
    return checked


def _answer(model: Any, prompt: Sequence[int], count: int) -> tuple[list[int], Any]:
    """The greedy answer, by hand: what a model's own configuration says of sampling plays no part."""
    import torch

    ids, given, cache = list(prompt), list(prompt), None
    with torch.inference_mode():
        for _ in range(count):
            said = model(torch.tensor([given]), past_key_values=cache, use_cache=True)
            given, cache = [int(said.logits[0, -1].argmax())], said.past_key_values
            ids += given
    return ids, _logits(model, ids, len(prompt))


def _logits(model: Any, ids: Sequence[int], prompt: int) -> Any:
    """By which each token after the prompt is chosen, (tokens, vocabulary)."""
    import torch

    with torch.inference_mode():
        return model(torch.tensor([list(ids[:-1])])).logits[0, prompt - 1 :].float()


def _check_cuts(read: Gguf, original: Expected) -> None:
    tokenizer, begins = read.tokenizer(), read.values["tokenizer.ggml.add_bos_token"]
    first = [read.values["tokenizer.ggml.bos_token_id"]] if begins else []
    for text, whole, ids in original.cut:
        found = [*(first if whole else []), *tokenizer.encode(text, add_special_tokens=False).ids]
        if found != ids:
            at = next((at for at, pair in enumerate(zip(found, ids, strict=False)) if pair[0] != pair[1]), len(ids))
            raise _failed(original.name, f"would cut {text[:60]!r} otherwise, from its token {at} on")


def _compared(original: Expected, found: Sequence[Any]) -> Checked:
    import torch

    one = torch.cat([logits for _, logits in original.answers])
    other = torch.cat(list(found))
    same = int((one.argmax(-1) == other.argmax(-1)).sum())
    kl = torch.nn.functional.kl_div(other.log_softmax(-1), one.log_softmax(-1), log_target=True, reduction="none")
    difference, divergence = float((one - other).abs().max()), float(kl.sum(-1).mean())
    return Checked(len(original.cut), len(found), len(one), same, difference, divergence)


def _check_answers(checked: Checked, original: Expected, found: Sequence[Any], kind: Kind) -> None:
    """Raises ExportFailed."""
    if not math.isfinite(checked.difference):
        raise _failed(original.name, "gives logits that are no numbers")
    if kind == "f32":
        if checked.difference > DIFFERENCE:
            raise _failed(original.name, f"gives logits that differ by {checked.difference:.3g}")
        if (gap := _gap(original, found)) > TIE:
            raise _failed(original.name, f"answers with other tokens (by {gap:.3g} in their logits)")
    if checked.divergence > divergence_of(kind):
        why = f"gives other probabilities: they diverge by {checked.divergence:.3g} nats a token"
        raise _failed(original.name, why)


def _gap(original: Expected, found: Sequence[Any]) -> float:
    """By how much the original prefers its own tokens to those that the file chooses, at most."""
    gaps = [
        logits.max(-1).values - logits.gather(-1, other.argmax(-1)[:, None])[:, 0]
        for (_, logits), other in zip(original.answers, found, strict=True)
    ]
    return max(float(gap.max()) for gap in gaps)


def _failed(name: str, why: str) -> ExportFailed:
    hint = "Nothing was kept. `dyag merge-lora` writes the model as safetensors; a finer --quantize may do as well."
    return ExportFailed(f"The GGUF file of {name} {why}.", hint)
