"""The tokenizer: byte-level BPE of a few thousand tokens, digits one by one, trained on the made-up material.

Built like SmolLM's, which exporters know: digits apart, then GPT-2's pattern. Bytes are in the vocabulary, so that any text
comes back as it was.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from finetune.pretrain import values, words
from finetune.pretrain.curriculum import STAGES, drill, row
from finetune.pretrain.prompts import LEARNT, SYSTEM
from retrieval.types import Language

BEGIN, END, PAD = "<|im_start|>", "<|im_end|>", "<|pad|>"
SPECIAL = (PAD, BEGIN, END)
TEMPLATE = (
    "{%- for message in messages -%}\n"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' -}}\n"
    "{%- endfor -%}\n"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}\n"
)
TRAINED_ON = 4_000
"""Rows."""


def train(seed: int, vocabulary: int, rows: int = TRAINED_ON) -> Any:
    """A tokenizer of `transformers`, trained on rows of every stage."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    made.train_from_iterator(_texts(seed, rows), trainer)
    return _wrapped(made)


def _wrapped(made: Any) -> Any:
    from transformers import PreTrainedTokenizerFast

    tokenizer: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, eos_token=END, pad_token=PAD, model_max_length=2048, clean_up_tokenization_spaces=False,
        additional_special_tokens=[BEGIN],
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def _texts(seed: int, rows: int) -> Iterator[str]:
    rng = random.Random(f"{seed}:tokenizer")
    languages: tuple[Language, Language] = ("fr", "en")
    # Every listed word a few times, within a sentence and at its beginning, so that real text is not spelt by letters.
    for language in languages:
        for kind in ("nouns", "people", "verbs", "adjectives", "small"):
            for word in words.listed(f"{language} {kind}"):
                yield f" {word} {word} {word} {word}\n{word} {words.capital(word)} {words.capital(word)}"
        for text in (SYSTEM[language], LEARNT[language]):
            yield from [text] * 40
    for number in range(rows):
        made = row(rng, STAGES[1 + number % 4])
        yield "\n".join(message.content for message in made.messages if message.role != "system")
        yield "\n".join(f"{name}{value}" for name, value in drill(rng, rng.choice(languages))[0])
        yield f"{values.title(rng, 'fr')}\n{values.title(rng, 'en')}"
