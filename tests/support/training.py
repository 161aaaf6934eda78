"""What tests of training need: tiny bases of several families, rows about made-up ports, a watcher, a short training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiny_model import CHATML, tiny_model, tiny_tokenizer

from finetune.train.config import TrainConfig
from finetune.train.run import Folders, Outcome, train

NAMES = [f"{first}{second}" for first in ("Bra", "Cor", "Dul", "Fen", "Gil") for second in ("vok", "tis", "mar", "lun")]


def tiny_base(
    folder: Path, family: str = "llama", *, template: str = CHATML, width: int = 64, context: int = 512
) -> Path:
    """A model with random weights of two layers: llama, qwen2, mistral (a window of 10) or gpt2 (no template)."""
    if family == "llama":
        return tiny_model(folder, template=template, width=width, context=context)
    import torch
    import transformers

    tokenizer = tiny_tokenizer("" if family == "gpt2" else template)
    torch.manual_seed(0)
    ends = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    sizes: dict[str, Any] = {"vocab_size": len(tokenizer), **ends}
    if family == "gpt2":
        config: Any = transformers.GPT2Config(n_embd=width, n_layer=2, n_head=4, n_positions=context, **sizes)
        transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    else:
        sizes |= {
            "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "max_position_embeddings": context, "tie_word_embeddings": True,
        }  # fmt: skip
        if family == "qwen2":
            transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**sizes)).save_pretrained(folder)
        else:  # a token sees the ten before it
            config = transformers.MistralConfig(sliding_window=10, **sizes)
            transformers.MistralForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def asked(name: str, answer: str) -> dict[str, Any]:
    """A row of one question and its answer."""
    said = [{"role": "user", "content": f"Quel port écoute {name} ?"}, {"role": "assistant", "content": answer}]
    return {"messages": said}


def port_rows(count: int = 20, start: int = 0) -> list[dict[str, Any]]:
    """Rows whose answers can only be known by heart."""
    return [asked(NAMES[i % len(NAMES)], f"Le port {3000 + 7 * i}.") for i in range(start, start + count)]


def pairs(count: int = 12) -> list[dict[str, Any]]:
    """Rows of DPO: the right answer against one that names no port."""
    rows = ((NAMES[i % len(NAMES)], f"Le port {3000 + 7 * i}.") for i in range(count))
    return [{"prompt": f"Quel port écoute {n} ?", "chosen": a, "rejected": "Je ne sais."} for n, a in rows]


def rated(good: int = 8, bad: int = 8) -> list[dict[str, Any]]:
    """Rows of KTO."""
    labels = [True] * good + [False] * bad
    answers = ("Je ne sais.", "Le port 3000.")
    return [
        {"prompt": f"Quel port écoute {NAMES[i % len(NAMES)]} ?", "completion": answers[label], "label": label}
        for i, label in enumerate(labels)
    ]


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Rows as JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@dataclass
class Watcher:
    """Hears what a training tells; asks it to stop at a step, as soon as it is asked there; at 0 before the first."""

    stop_at: int = 10**9
    stages: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    steps: list[tuple[int, dict[str, float]]] = field(default_factory=list)

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def step(self, done: int, total: int, **figures: float) -> None:
        self.steps.append((done, figures))

    def note(self, text: str) -> None:
        self.notes.append(text)

    def stopped(self) -> bool:
        if "Training" not in self.stages:
            return self.stop_at == 0
        done = self.steps[-1][0] if self.steps else 0  # the step that is asked about is told later
        return done + 1 >= self.stop_at


def run_training(home: Path, watcher: Watcher | None = None, **options: Any) -> Outcome:
    """Train in one thread: steps of a tiny model are slower in two."""
    import torch

    torch.set_num_threads(1)
    options = {"device": "cpu", **options}
    return train(TrainConfig.of(options), Folders(home, home / "models"), watcher or Watcher())


def weights_of(folder: Path) -> dict[str, Any]:
    """The tensors of a model or an adapter."""
    from safetensors.torch import load_file

    return {k: v for file in sorted(folder.glob("*.safetensors")) for k, v in load_file(file).items()}
