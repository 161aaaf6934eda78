"""Models of each architecture go into a GGUF file and come back as they were."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from families import FAMILIES, tiny_family
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import finished

from finetune.bases.chat_format import ChatFormat
from finetune.export.gguf import export, write
from finetune.export.gguf.check import ExportFailed
from finetune.export.gguf.export import Exported, export_gguf
from finetune.export.gguf.kinds import Kind
from finetune.export.gguf.read import Gguf
from finetune.export.gguf.tensors import Layout
from finetune.runs.manifest import RunBase
from finetune.runs.store import Run
from retrieval.errors import BadInput
from retrieval.types import Message

Export = Callable[..., Exported]
Cutters = tuple[ChatFormat, Any]
PROMPT = [[5, 290, 300, 41, 320, 17, 99, 310]]
LONG_S = "\u017f"
"""In patterns that ignore case it is an s; llama.cpp lists the letters."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads cost a model this small more than they give."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("families")


@pytest.fixture(scope="module")
def exported(home: Path) -> Export:
    """Exports of whole tiny models, each made once."""
    made: dict[tuple[str, str], Exported] = {}

    def of(family: str, kind: Kind = "f32") -> Exported:
        if (family, kind) not in made:
            made[family, kind] = export_gguf(run_of(home, family), home, home / f"{family}-{kind}.gguf", kind)
        return made[family, kind]

    return of


@pytest.fixture(scope="module")
def cutters(home: Path, exported: Export) -> Callable[[str], Cutters]:
    """The tokenizer of a family and that of its file, each loaded once."""

    @cache
    def of(family: str) -> Cutters:
        import transformers

        file = exported(family).file
        return ChatFormat(transformers.AutoTokenizer.from_pretrained(home / family)), Gguf(file).tokenizer()

    return of


def run_of(home: Path, family: str, **config: Any) -> Run:
    """A run that became a whole model of this family."""
    name = "-".join([family, *map(str, config)])
    if not (home / name).exists():
        tiny_family(home / name, family, **config)
    taken = home / "models" / "runs" / name
    if taken.exists():
        from finetune.runs.store import read_run

        return read_run(taken)
    base = RunBase(name, str(home / name), "", "0" * 64, "")
    return finished(home / "models", name, final=home / name, tuning="full", base=base)


def types(file: Path) -> dict[str, str]:
    """How each weight is stored."""
    import gguf

    return {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(file).tensors}


def original(home: Path, family: str) -> Any:
    import torch
    import transformers

    return transformers.AutoModelForCausalLM.from_pretrained(home / family, dtype=torch.float32).eval()


def logits(model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(torch.tensor(PROMPT)).logits


def greedy(model: Any) -> list[int]:
    """32 tokens, whatever ends an answer."""
    import torch

    ids = PROMPT[0]
    with torch.inference_mode():
        for _ in range(32):
            ids = [*ids, int(model(torch.tensor([ids])).logits[0, -1].argmax())]
    return ids[len(PROMPT[0]) :]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_comes_back_with_its_logits_and_its_greedy_tokens(home: Path, exported: Export, family: str) -> None:
    made = exported(family)
    assert (made.checked.same, made.checked.tokens, made.checked.texts) == (96, 96, 17)
    assert made.checked.difference < 1e-3
    before, after = original(home, family), Gguf(made.file).model()
    assert float(logits(before).std()) > 0.5  # or a weight in the wrong place would hardly be seen
    assert float((logits(before) - logits(after)).abs().max()) < 1e-3
    assert greedy(before) == greedy(after)


@pytest.mark.parametrize("family", ["llama", "mistral", "qwen2", "gpt2"])
def test_the_reader_of_transformers_finds_the_same_model(home: Path, exported: Export, family: str) -> None:
    import torch
    import transformers

    file = exported(family).file
    load: Any = transformers.AutoModelForCausalLM.from_pretrained
    found = load(file.parent, gguf_file=file.name, dtype=torch.float32).eval()
    assert float((logits(original(home, family)) - logits(found)).abs().max()) < 1e-3


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0", "q4_0"])
def test_a_coarser_file_is_smaller_and_nearly_as_it_was(exported: Export, kind: Kind) -> None:
    whole, made = exported("llama"), exported("llama", kind)
    assert made.bytes < whole.bytes
    assert made.checked.difference > 0
    stored = types(made.file)
    assert stored["blk.0.attn_q.weight"] == kind.upper()
    assert stored["blk.0.attn_norm.weight"] == "F32"
    assert stored["token_embd.weight"] == ("Q8_0" if kind == "q4_0" else kind.upper())


def test_what_does_not_divide_into_blocks_is_kept_in_half(home: Path) -> None:
    made = export_gguf(run_of(home, "llama", intermediate_size=90), home, home / "odd.gguf", "q8_0")
    assert types(made.file)["blk.0.ffn_down.weight"] == "F16"
    assert types(made.file)["blk.0.ffn_up.weight"] == "Q8_0"


# what the file says -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "said"),
    [
        (
            "llama",
            {"tokenizer.ggml.model": "llama", "tokenizer.ggml.add_bos_token": True, "llama.rope.dimension_count": 16},
        ),
        ("llama3", {"tokenizer.ggml.pre": "llama-bpe", "general.architecture": "llama"}),
        ("mistral", {"general.architecture": "llama", "llama.context_length": 128, "llama.attention.key_length": 32}),
        ("qwen2", {"tokenizer.ggml.pre": "qwen2", "tokenizer.ggml.eos_token_id": 0, "tokenizer.ggml.eot_token_id": 2}),
        ("phi3", {"phi3.rope.dimension_count": 8, "phi3.attention.sliding_window": 0}),
        ("phi2", {"phi2.rope.dimension_count": 8, "tokenizer.ggml.pre": "phi-2"}),  # as the registry has it
        ("gpt2", {"gpt2.context_length": 1024, "gpt2.feed_forward_length": 256}),
    ],
)
def test_the_file_says_what_the_model_is(exported: Export, family: str, said: dict[str, Any]) -> None:
    values = Gguf(exported(family).file).values
    assert {key: values[key] for key in said} == said


def test_every_token_that_ends_an_answer_is_listed(exported: Export) -> None:
    assert Gguf(exported("qwen2").file).values["tokenizer.ggml.eos_token_ids"] == [0, 2]


def test_rows_without_a_token_are_marked_so(exported: Export) -> None:
    values = Gguf(exported("llama").file).values
    assert values["tokenizer.ggml.tokens"][-1].startswith("[PAD")
    assert values["tokenizer.ggml.token_type"][-8:] == [5] * 8


def test_tied_weights_are_written_once(exported: Export) -> None:
    assert "output.weight" not in types(exported("qwen2").file)
    assert "output.weight" in types(exported("llama3").file)


def test_a_model_without_a_template_is_given_the_plain_one(exported: Export) -> None:
    from jinja2 import Template

    said = [
        Message("system", "Réponds."),
        Message("user", "Quel port ?"),
        Message("assistant", "3000."),
        Message("user", "Et ?"),
    ]
    sent = [dataclasses.asdict(message) for message in said]
    template = Template(Gguf(exported("gpt2").file).values["tokenizer.chat_template"])

    bare = SimpleNamespace(chat_template=None, added_tokens_decoder={})
    assert template.render(messages=sent, add_generation_prompt=True) == ChatFormat(bare).text(said)


# texts --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@given(text=st.text(max_size=40).filter(lambda text: LONG_S not in text))
@settings(max_examples=40)
def test_any_text_is_cut_as_before(cutters: Callable[[str], Cutters], family: str, text: str) -> None:
    chat, cut = cutters(family)
    prompt = chat.text([Message("user", text)])
    assert (
        cut.encode(prompt, add_special_tokens=False).ids
        == chat.tokenizer(prompt, add_special_tokens=False)["input_ids"]
    )


# refused ------------------------------------------------------------------------------------------------------------


def refused(home: Path, run: Run, file: str = "refused.gguf") -> str:
    with pytest.raises((BadInput, ExportFailed)) as error:
        export_gguf(run, home, home / file, "f32")
    assert not (home / file).exists()
    assert not list(home.glob(".gguf-*"))
    return error.value.message


def test_weights_in_another_order_are_found_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(home, "llama")
    monkeypatch.setattr(Layout, "stored", lambda self, name, weight: weight)
    assert "differ" in refused(home, run)


def test_positions_that_turn_otherwise_are_found_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(home, "llama3")
    monkeypatch.setattr(write, "rotation_factors", lambda config, architecture: {})
    assert "differ" in refused(home, run)


def test_a_text_that_would_be_cut_otherwise_is_found_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, made = run_of(home, "qwen2"), export.vocabulary
    monkeypatch.setattr(export, "vocabulary", lambda *args: dataclasses.replace(made(*args), pre="gpt-2"))
    assert "would cut" in refused(home, run)


@pytest.mark.parametrize(
    ("family", "config", "named"),
    [
        ("qwen3", {}, "Qwen3ForCausalLM"),
        ("llama", {"hidden_act": "gelu"}, "its activation gelu"),
        ("llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}, "scaling dynamic"),
        ("phi2", {"qk_layernorm": True}, "its qk_layernorm"),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}, "its scale_attn_by_inverse_layer_idx"),
    ],
)
def test_what_gguf_cannot_say_is_named(home: Path, family: str, config: dict[str, Any], named: str) -> None:
    assert named in refused(home, run_of(home, family, **config))


def test_a_linear_stretch_is_said(home: Path) -> None:
    stretched = {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}
    made = export_gguf(run_of(home, "qwen2", rope_parameters=stretched), home, home / "linear.gguf", "f32")
    assert Gguf(made.file).values["qwen2.rope.scaling.factor"] == 2.0
    assert made.checked.difference < 1e-3


def test_long_positions_of_phi3_are_said(home: Path) -> None:
    long = {
        "rope_type": "longrope", "rope_theta": 1e4, "partial_rotary_factor": 1.0, "original_max_position_embeddings": 64,
        "short_factor": [1.0 + n / 8 for n in range(8)], "long_factor": [2.0 + n for n in range(8)],
    }  # fmt: skip
    config = {"rope_parameters": long, "original_max_position_embeddings": 64}
    made = export_gguf(run_of(home, "phi3", **config), home, home / "long.gguf", "f32")
    assert made.checked.difference < 1e-3
