"""Tiny models with random weights of every architecture that is exported, and tokenizers of the kinds their real ones are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiny_model import CHATML, CORPUS

SPACE = "\u2581"
LINES = [
    *CORPUS,
    "Les documents disent que l'application écoute sur le port 8080 et que sa licence est libre.",
    "List three reasons to keep a backup: it is cheap, it is quick, it is there. It's 12345 or 67,89 €.",
    "def f(x_1: int) -> str:\n    return f'{x_1}'  # [chunk_7]\n\n| Clé | Valeur |",
]
LETTERS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
INST = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
PHI3 = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
PHI3_TOKENS = ("<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>")
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
FAMILIES = ("llama", "llama3", "mistral", "qwen2", "phi3", "phi2", "gpt2")


def bytes_tokenizer(kind: str = "gpt-2", template: str = CHATML) -> Any:
    """Byte-level BPE that cuts as GPT-2 does, as SmolLM, as Qwen2 or as Llama 3."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    split, level = pre_tokenizers.Split, pre_tokenizers.ByteLevel
    plain = level(add_prefix_space=False, use_regex=False)
    cut = {
        "gpt-2": level(add_prefix_space=False),
        "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), level(False)]),
        "qwen2": pre_tokenizers.Sequence([split(Regex(rf"{LETTERS}|\p{{N}}|{REST}"), "isolated"), plain]),
        "llama-bpe": pre_tokenizers.Sequence([split(Regex(rf"{LETTERS}|\p{{N}}{{1,3}}|{REST}"), "isolated"), plain]),
        "unlike any": pre_tokenizers.Sequence([pre_tokenizers.Punctuation(), level(add_prefix_space=True)]),
    }
    made = Tokenizer(models.BPE(ignore_merges=kind == "llama-bpe"))
    made.pre_tokenizer = cut[kind]
    made.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=450, special_tokens=special, initial_alphabet=level.alphabet(), show_progress=False
    )
    made.train_from_iterator(LINES, trainer)
    return _wrapped(made, template, eos=special[0], pad=special[0])


def pieces_tokenizer(template: str = INST, *, first: bool = False, special: Sequence[str] = ()) -> Any:
    """SentencePiece's BPE with its bytes, as Llama 2 has it; `first`: a blank is put before the very first word only."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

    vocab = _pieces()
    tokens = {token: number for number, token in enumerate(vocab)}
    merges = [
        (token[:at], token[at:])
        for token in vocab[259:]
        for at in range(1, len(token))
        if token[:at] in tokens and token[at:] in tokens
    ]
    made = Tokenizer(models.BPE(vocab=tokens, merges=merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    if first:
        made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="first", split=False)
    else:
        made.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    made.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    made.add_special_tokens([AddedToken(token, rstrip=token != "<|endoftext|>", normalized=False) for token in special])
    _begin(made)
    return _wrapped(made, template, eos="</s>", pad="</s>", bos="<s>", unk="<unk>")


def unigram_tokenizer(template: str = INST) -> Any:
    """SentencePiece's unigrams."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.Replace(" ", SPACE)
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always", split=False)
    made.decoder = decoders.Metaspace(replacement=SPACE)
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(LINES, trainer)
    _begin(made)
    return _wrapped(made, template, eos="</s>", pad="</s>", bos="<s>", unk="<unk>")


def tiny_family(folder: Path, family: str, *, tokenizer: Any = None, rows: int = 8, **config: Any) -> Path:
    """A model folder; weights are large enough for answers to hang on every one. `rows`: of the embedding, without a token."""
    import torch
    import transformers

    cut = tokenizer or tokenizer_of(family)
    sizes = {"vocab_size": len(cut) + rows, "initializer_range": 0.2, "bos_token_id": cut.bos_token_id}
    sizes |= {"eos_token_id": cut.eos_token_id, "pad_token_id": cut.pad_token_id}
    name = {"llama3": "Llama", "phi2": "Phi", "gpt2": "GPT2"}.get(family, family.capitalize())
    kind = getattr(transformers, f"{name}Config")
    torch.manual_seed(1)
    if family == "gpt2":
        made = transformers.GPT2LMHeadModel(kind(**sizes, n_embd=64, n_layer=2, n_head=4, **config))
    else:
        sizes |= {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
        sizes |= {"num_key_value_heads": 2, "max_position_embeddings": 256, **_more(family), **config}
        made = getattr(transformers, f"{name}ForCausalLM")(kind(**sizes))
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim == 1:  # biases are made as zeros and norms as ones: they would hide where they go
                weight.add_(0.2 * torch.randn_like(weight))
    made.save_pretrained(folder)
    cut.save_pretrained(folder)
    return folder


def tokenizer_of(family: str) -> Any:
    """One of the kind that the family has."""
    if family in ("llama", "mistral"):
        return pieces_tokenizer(first=family == "mistral")
    if family == "phi3":
        return pieces_tokenizer(PHI3, special=PHI3_TOKENS)
    kinds = {"llama3": "llama-bpe", "qwen2": "qwen2"}
    return bytes_tokenizer(kinds.get(family, "gpt-2"), CHATML if family in kinds else "")


def _more(family: str) -> dict[str, Any]:
    turned = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}
    return {
        "llama3": {"rope_parameters": LLAMA3, "tie_word_embeddings": False},
        "mistral": {"sliding_window": 128, "head_dim": 32},
        "qwen2": {"tie_word_embeddings": True},
        "phi3": {"sliding_window": None, "rope_parameters": turned},
        "phi2": {"rope_parameters": turned, "num_key_value_heads": 4},
    }.get(family, {})


def _pieces() -> list[str]:
    """Tokens of SentencePiece in its order: special ones, bytes, then what was merged or is a letter."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE)
    head = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    made.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=600, special_tokens=head, show_progress=False))
    found = made.get_vocab()
    return sorted(found, key=found.__getitem__)


def _begin(made: Any) -> None:
    from tokenizers import processors

    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )


def _wrapped(made: Any, template: str, **special: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    tokens = {f"{name}_token": token for name, token in special.items()}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, **tokens)
    tokenizer.chat_template = template or None
    return tokenizer
