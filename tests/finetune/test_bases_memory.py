"""What a training takes: counted from the shape, and near to what it does take."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import tiny_model

from finetune.bases.memory import Shape, Tuning, free_memory, needed
from finetune.bases.registry import BASES, MINI, Base

QWEN = Shape.of(BASES["qwen2.5:1.5b"])
KINDS: tuple[Tuning, ...] = ("full", "lora", "qlora")


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_what_is_not_in_linear_layers_is_in_embeddings(base: Base) -> None:
    shape = Shape.of(base)
    tables = shape.vocabulary * shape.width
    rest = shape.parameters - shape.linear
    assert min(abs(rest - n * tables) for n in (1, 2)) < 0.03 * shape.parameters


@pytest.mark.skipif(not (MINI / "config.json").is_file(), reason="it is not made yet")
def test_the_shipped_base_is_as_the_registry_says() -> None:
    base, config = BASES["mini"], json.loads((MINI / "config.json").read_text())
    assert Shape.read(MINI) == Shape.of(base)
    assert (config["max_position_embeddings"], config["architectures"]) == (base.context, [base.architecture])


def test_a_shape_is_read_from_a_folder(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    folder = tiny_model(tmp_path / "m")
    made = AutoModelForCausalLM.from_pretrained(folder)
    linear = [m for n, m in made.named_modules() if type(m).__name__ == "Linear" and n != "lm_head"]
    shape = Shape.read(folder)
    stored = sum(p.numel() for p in made.parameters())
    assert (shape.parameters, shape.linear) == (stored, sum(m.weight.numel() for m in linear))
    assert shape.sides == sum(m.in_features + m.out_features for m in linear)
    assert (shape.layers, shape.width, shape.intermediate, shape.keys) == (2, 32, 64, 16)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft on the way to the next transformers
def test_lora_trains_what_peft_makes(tmp_path: Path) -> None:
    import peft
    from transformers import AutoModelForCausalLM

    folder = tiny_model(tmp_path / "m")
    config = peft.LoraConfig(r=8, target_modules="all-linear")
    adapted = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(folder), config)
    trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    found = needed(Shape.read(folder), "lora", batch=1, length=8, rank=8)
    assert found.gradients == 4 * trained
    assert found.optimizer == 8 * trained


def test_weights_gradients_and_optimizer_of_a_known_model() -> None:
    full, lora, quantised = (needed(QWEN, kind, batch=1, length=512) for kind in KINDS)
    assert full.weights == full.gradients == full.optimizer / 2 == 4 * QWEN.parameters
    assert 0.01 < lora.gradients / full.gradients < 0.02  # 18 million of 1.5 billion at rank 16
    half = needed(QWEN, "lora", batch=1, length=512, dtype="bfloat16")
    assert half.weights == pytest.approx(lora.weights / 2, rel=0.02)
    # 1.3 billion weights in four bits, the embeddings in 32
    assert 1.5e9 < quantised.weights < 1.8e9


@pytest.mark.parametrize("kind", KINDS)
@given(batch=st.integers(1, 64), length=st.integers(8, 4096), dtype=st.sampled_from(["float32", "bfloat16"]))
def test_more_takes_more(kind: Tuning, batch: int, length: int, dtype: str) -> None:
    def total(batch: int, **more: object) -> int:
        return needed(QWEN, kind, batch=batch, length=length, dtype=dtype, **more).total  # type: ignore[arg-type]

    assert total(batch) < total(batch + 1)
    assert total(batch, checkpointing=True) < total(batch)
    assert total(batch, device="cuda") < total(batch)
    assert total(batch, rank=8) <= total(batch)


def test_logits_are_never_whole() -> None:
    """Their tile stops growing: 152,000 columns of 64 × 2,048 rows would be 80 GB."""
    large, larger = (needed(QWEN, "lora", batch=n, length=2048, dtype="bfloat16", device="cuda") for n in (4, 64))
    assert larger.logits < 4e9
    wide = replace(QWEN, vocabulary=10 * QWEN.vocabulary)
    assert needed(wide, "lora", batch=4, length=2048, dtype="bfloat16", device="cuda").logits == large.logits


@pytest.mark.filterwarnings("ignore::FutureWarning")  # peft on the way to the next transformers
@pytest.mark.parametrize("tuning", ["full", "lora"])
def test_kept_activations_are_those_that_torch_keeps(tuning: Tuning) -> None:
    """Counted with a hook on what the backward pass keeps, in three layers."""
    import peft
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = Shape(0, 0, 0, 3, 128, 352, 64, 100)
    config = LlamaConfig(
        vocab_size=100, hidden_size=128, intermediate_size=352, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, attn_implementation="sdpa",
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    if tuning == "lora":
        model = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules="all-linear"))
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    body = model.get_base_model().model if tuning == "lora" else model.model
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = body(input_ids=torch.randint(0, 100, (2, 64)))
    assert out.last_hidden_state.requires_grad
    estimated = needed(shape, tuning, batch=2, length=64, device="cuda").activations * 3 / 4  # without the one at work
    assert 0.8 < estimated / sum(kept.values()) < 1.3


def test_free_memory_is_some() -> None:
    assert 1e6 < free_memory("cpu") < 1e14
