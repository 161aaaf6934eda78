"""Where llama.cpp cuts a text before byte pairs are merged: its pre-tokenizers by name (`tokenizer.ggml.pre`).

The patterns are those of llama.cpp's llama-vocab.cpp for the bases in bases.toml. What lies between two matches is a piece too.
"""

from __future__ import annotations

from typing import Any

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
_LETTERS = r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {
    "gpt-2": (_GPT2,),
    "phi-2": (_GPT2,),
    "smollm": (r"\p{N}", _GPT2),
    "qwen2": (rf"{_LETTERS}|\p{{N}}|{_REST}",),
    "llama-bpe": (rf"{_LETTERS}|\p{{N}}{{1,3}}|{_REST}",),
}
WHOLE_FIRST = ("llama-bpe",)
"""With these a piece that is a token needs no merging."""
_TOLD_APART = "L'été 2024, I'LL say: it's 12345,67 €…\n\n\n  x = a_b[3];\t// «ça»  \r\n 日本語 𝟙²½ foo\u00a0bar  "


def pre_tokenizer(name: str) -> Any:
    """llama.cpp's pre-tokenizer of this name, as one of the library `tokenizers`; bytes are written as letters."""
    from tokenizers import Regex, pre_tokenizers

    cuts = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in PATTERNS[name]]
    return pre_tokenizers.Sequence([*cuts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def name_of(own: Any, registered: str) -> str:
    """The name under which llama.cpp cuts as a tokenizer's own pre-tokenizer does, the registered one first; empty for none."""
    pieces = own.pre_tokenize_str(_TOLD_APART)
    names = [name for name in dict.fromkeys((registered, *PATTERNS)) if name in PATTERNS]
    return next((name for name in names if pre_tokenizer(name).pre_tokenize_str(_TOLD_APART) == pieces), "")
