"""A tokenizer made from what a GGUF file says, which cuts as llama.cpp does from the same file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.export.gguf.metadata import PHI3
from finetune.export.gguf.split import WHOLE_FIRST, pre_tokenizer
from finetune.export.gguf.vocabulary import CONTROL, KEEPS_BLANKS, UNKNOWN, UNUSED, USER_DEFINED

_SPACE = "\u2581"


def tokenizer_of(values: Mapping[str, Any]) -> Any:
    """From a file's metadata; special tokens in a text are read as such."""
    from tokenizers import AddedToken, Tokenizer

    tokens, types = values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"]
    made: Any = Tokenizer({"gpt2": _bytes, "llama": _pairs, "t5": _unigrams}[values["tokenizer.ggml.model"]](values))
    _prepare(made, values)
    swallow = PHI3.search(str(values.get("general.name", ""))) is not None
    for kind, special in ((USER_DEFINED, False), (CONTROL, True)):
        found = [token for token, its in zip(tokens, types, strict=True) if its == kind]
        added = [
            AddedToken(
                token, special=special, normalized=False, rstrip=swallow and special and token not in KEEPS_BLANKS
            )
            for token in found
        ]
        (made.add_special_tokens if special else made.add_tokens)(added)
    return made


def _prepare(made: Any, values: Mapping[str, Any]) -> None:
    """What happens to a text before it is cut."""
    from tokenizers import normalizers

    if values["tokenizer.ggml.model"] == "gpt2":
        made.pre_tokenizer = pre_tokenizer(values["tokenizer.ggml.pre"])
        return
    before = [normalizers.Prepend(_SPACE)] if values["tokenizer.ggml.add_space_prefix"] else []
    made.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", _SPACE)])


def _bytes(values: Mapping[str, Any]) -> Any:
    from tokenizers import models

    merges = [tuple(pair.split(" ", 1)) for pair in values["tokenizer.ggml.merges"]]
    whole = values["tokenizer.ggml.pre"] in WHOLE_FIRST
    return models.BPE(vocab=_used(values), merges=merges, ignore_merges=whole)


def _pairs(values: Mapping[str, Any]) -> Any:
    """SentencePiece's BPE: any two neighbours are merged that make a token, the best score first."""
    from tokenizers import models

    vocab = _used(values)
    scores = dict(zip(values["tokenizer.ggml.tokens"], values["tokenizer.ggml.scores"], strict=True))
    merges = [
        (-scores[token], token[:at], token[at:])
        for token in vocab
        for at in range(1, len(token))
        if token[:at] in vocab and token[at:] in vocab
    ]
    pairs = [(left, right) for _, left, right in sorted(merges, key=lambda merge: merge[0])]
    unknown = _unknown(values)
    return models.BPE(vocab=vocab, merges=pairs, byte_fallback=True, fuse_unk=True, unk_token=unknown)


def _unigrams(values: Mapping[str, Any]) -> Any:
    from tokenizers import models

    tokens: Sequence[str] = values["tokenizer.ggml.tokens"]
    pieces = list(zip(tokens, values["tokenizer.ggml.scores"], strict=True))
    unknown = _unknown(values)
    return models.Unigram(pieces, unk_id=tokens.index(unknown) if unknown else None)


def _used(values: Mapping[str, Any]) -> dict[str, int]:
    tokens, types = values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"]
    return {token: at for at, (token, kind) in enumerate(zip(tokens, types, strict=True)) if kind != UNUSED}


def _unknown(values: Mapping[str, Any]) -> str | None:
    tokens, types = values["tokenizer.ggml.tokens"], values["tokenizer.ggml.token_type"]
    return next((token for token, kind in zip(tokens, types, strict=True) if kind == UNKNOWN), None)
