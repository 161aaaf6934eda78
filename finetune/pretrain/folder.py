"""The model's folder: weights in half the bytes, tokenizer, template and card, put in place as one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_CARD = Path(__file__).with_name("card.md")


def publish(
    model: Any, tokenizer: Any, folder: Path, trained: Mapping[str, Any], figures: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write `folder` beside itself, then put it in place of what was there.

    `trained`: seed, steps, tokens, seconds, plan. `figures`: rows of `benchmarks/mini.py`.
    """
    import torch
    from transformers import GenerationConfig, LlamaForCausalLM

    part, old = folder.with_name(f"{folder.name}.part"), folder.with_name(f"{folder.name}.old")
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    half: Any = LlamaForCausalLM(model.config)
    half.to(torch.bfloat16)
    half.load_state_dict(model.state_dict())
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    half.generation_config = GenerationConfig(**ends, bos_token_id=model.config.bos_token_id, do_sample=False)  # type: ignore[no-untyped-call]
    half.save_pretrained(part)
    tokenizer.save_pretrained(part)
    _write_tokenizer_config(part / "tokenizer_config.json")
    (part / "model.safetensors").chmod(0o644)  # written for its owner alone
    (part / "README.md").write_text(card(half, trained, figures), encoding="utf-8")
    if folder.exists():
        folder.rename(old)
    part.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _write_tokenizer_config(path: Path) -> None:
    """Under the class name that other tools and older versions know, without where it was read from."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    for name in ("backend", "is_local", "local_files_only"):
        kept.pop(name, None)
    path.write_text(
        json.dumps(kept | {"tokenizer_class": "PreTrainedTokenizerFast"}, indent=2) + "\n", encoding="utf-8"
    )


def card(model: Any, trained: Mapping[str, Any], figures: Sequence[Mapping[str, Any]]) -> str:
    """The model's card, with what this run was and what was measured."""
    config = model.config
    return _CARD.read_text(encoding="utf-8").format(
        parameters=f"{sum(w.numel() for w in model.parameters()):,}",
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        heads=config.num_attention_heads,
        inner=config.intermediate_size,
        vocabulary=f"{config.vocab_size:,}",
        context=f"{config.max_position_embeddings:,}",
        steps=f"{trained['step']:,}",
        tokens=f"{trained['seen'] / 1e6:.1f}",
        hours=f"{trained['seconds'] / 3600:.1f}",
        command=_command(trained["plan"]),
        figures=_table(figures),
    )


def _command(plan: Mapping[str, Any]) -> str:
    long = f"--steps {plan['steps']}" if plan["steps"] else f"--hours {plan['hours']:g}"
    return f"python -m finetune.pretrain {long} --seed {plan['seed']} --tokens {plan['tokens']}"


def _table(figures: Sequence[Mapping[str, Any]]) -> str:
    if not figures:
        return "Not measured yet: `python benchmarks/mini.py --model models/mini`."
    names = list(figures[0])
    lines = [names, ["---"] * len(names), *([str(row[name]) for name in names] for row in figures)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def read_figures(path: Path | None) -> list[dict[str, Any]]:
    """The rows that `benchmarks/mini.py --json` printed."""
    return list(json.loads(path.read_text(encoding="utf-8"))["rows"]) if path else []
