"""Base models: their short names, where they are found, what is refused, and what tells one from another."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_model import tiny_model

from finetune.bases import files, found, hub
from finetune.bases.found import find_base, folder_of, look
from finetune.bases.identity import identity
from finetune.bases.registry import BASES, named, nearest
from retrieval.errors import BadInput, ModelMissing, UserError

ISSUED = ["tinyllama", "qwen2.5:0.5b", "qwen2.5:1.5b", "llama3.2:1b", "llama3.1:8b", "phi3", "phi", "mistral", "gpt2"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bases") / "tiny")


@pytest.fixture
def copied(model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(model, tmp_path / "copy")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> dict[str | None, Path]:
    """The Hub's cache, by revision; the network is not there."""
    import huggingface_hub

    there: dict[str | None, Path] = {}

    def snapshot_download(repo: str, *, revision: str | None = None, **options: Any) -> str:
        if revision in there:
            return str(there[revision])
        raise huggingface_hub.errors.LocalEntryNotFoundError("not cached")

    def model_info(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    return there


def change(folder: Path, **values: Any) -> Path:
    config = json.loads((folder / "config.json").read_text()) | values
    (folder / "config.json").write_text(json.dumps(config))
    return folder


# The registry


def test_the_bases_of_the_guides_have_short_names() -> None:
    assert {*ISSUED, "mini", "neural"} == set(BASES)
    assert [name for name, base in BASES.items() if base.recommended] == ["qwen2.5:1.5b"]


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_every_base_says_what_training_and_export_need(base: Any) -> None:
    assert base.hub == "" or re.fullmatch(r"[\w.-]+/[\w.-]+", base.hub)
    assert base.hub == "" or re.fullmatch(r"[0-9a-f]{40}", base.revision)
    assert base.stop
    assert base.targets
    assert base.gguf_pre
    assert "lm_head" not in base.targets
    assert base.parameters > base.vocabulary * base.width
    assert base.width % base.heads == base.heads % base.kv_heads == 0


@pytest.mark.parametrize("base", [b for b in BASES.values() if b.hub], ids=lambda b: b.shortcut)
def test_the_parameters_and_layers_are_those_of_the_architecture(base: Any) -> None:
    """Built without memory: transformers knows what layers a model of this shape has."""
    import torch
    import transformers

    kind = {"Qwen2ForCausalLM": "qwen2", "GPT2LMHeadModel": "gpt2"}.get(base.architecture, "")
    kind = kind or base.architecture.removesuffix("ForCausalLM").lower()
    tied = base.shortcut.startswith(("qwen2.5", "llama3.2", "gpt2"))
    sizes = {
        "vocab_size": base.vocabulary, "hidden_size": base.width, "num_hidden_layers": base.layers,
        "num_attention_heads": base.heads, "tie_word_embeddings": tied,
    }  # fmt: skip
    if kind != "gpt2":
        sizes |= {"intermediate_size": base.intermediate, "num_key_value_heads": base.kv_heads}
    config: Any = transformers.AutoConfig.for_model(kind, **sizes)
    with torch.device("meta"):
        made = transformers.AutoModelForCausalLM.from_config(config)
    assert sum(p.numel() for p in made.parameters()) == base.parameters
    linear = {n.rpartition(".")[2] for n, m in made.named_modules() if type(m).__name__ in ("Linear", "Conv1D")}
    assert linear - {"lm_head"} == set(base.targets)


def test_a_base_is_known_by_any_of_its_names() -> None:
    for name in ("phi", "Phi2", "phi-2", "microsoft/phi-2", " PHI "):
        assert named(name) is BASES["phi"]
    assert named("org/name") is None
    assert nearest("tinylama") == ["tinyllama"]


@given(st.text(max_size=30))
def test_any_text_can_be_looked_up(text: str) -> None:
    assert named(text) is None or named(text) in BASES.values()
    assert set(nearest(text)) <= set(BASES)


# Finding


def test_a_folder_is_a_base(model: Path, tmp_path: Path) -> None:
    told = find_base(str(model), tmp_path)
    assert (told.folder, told.base, told.revision, told.source) == (model, None, "", str(model))
    beside = find_base("tiny", model.parent)
    assert beside.identity == told.identity
    assert look("tiny", model.parent) == beside


def test_a_base_in_the_cache_is_used_without_asking(
    cache: dict[str | None, Path], copied: Path, tmp_path: Path
) -> None:
    base = BASES["qwen2.5:0.5b"]
    assert folder_of(base) is None
    (tmp_path / "snapshots").mkdir()
    cache[base.revision] = copied.rename(tmp_path / "snapshots" / base.revision)
    told = find_base("Qwen2.5:0.5B", tmp_path)
    assert (told.base, told.revision, told.source) == (base, base.revision, base.hub)
    assert folder_of(base) == told.folder
    assert look("Qwen2.5:0.5B", tmp_path) == told


def test_another_revision_in_the_cache_does_as_well(
    cache: dict[str | None, Path], copied: Path, tmp_path: Path
) -> None:
    cache[None] = copied
    assert find_base("gpt2", tmp_path).folder == copied


def test_a_part_of_a_base_in_the_cache_is_not_there(
    cache: dict[str | None, Path], copied: Path, tmp_path: Path
) -> None:
    (copied / "model.safetensors").unlink()
    cache[BASES["gpt2"].revision] = copied
    assert folder_of(BASES["gpt2"]) is None
    assert look("gpt2", tmp_path) is None


def test_a_base_that_cannot_be_fetched(cache: object, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="Hub cannot be reached") as failed:
        find_base("qwen2.5:1.5b", tmp_path)
    base = BASES["qwen2.5:1.5b"]
    assert f"hf download {base.hub} --revision {base.revision}" in failed.value.hint
    assert "`mini` needs no download" in failed.value.hint
    assert "hf:" not in failed.value.hint


def test_a_gated_base_that_cannot_be_fetched_says_that_it_is_gated(cache: object, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="Hub cannot be reached") as failed:
        find_base("llama3.2:1b", tmp_path)
    for step in (f"accept the licence at {BASES['llama3.2:1b'].page}", "HF_TOKEN", "hf download"):
        assert step in failed.value.hint
    with pytest.raises(ModelMissing) as open_one:
        find_base("qwen2.5:1.5b", tmp_path)
    assert "HF_TOKEN" not in open_one.value.hint


def test_a_gated_base_says_the_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import httpx
    import huggingface_hub
    from huggingface_hub import errors

    response = httpx.Response(403, request=httpx.Request("GET", "https://hub.example"))

    def snapshot_download(repo: str, **options: Any) -> str:
        assert options["revision"] in (BASES["llama3.2:1b"].revision, None)
        raise (
            errors.LocalEntryNotFoundError("x")
            if options.get("local_files_only")
            else errors.GatedRepoError("x", response=response)
        )

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda self, repo, timeout: None)
    with pytest.raises(ModelMissing, match=r"llama3\.2:1b: the model is gated") as failed:
        find_base("llama3.2:1b", tmp_path)
    for step in ("https://huggingface.co/meta-llama/Llama-3.2-1B-Instruct", "settings/tokens", "HF_TOKEN"):
        assert step in failed.value.hint


def test_the_shipped_base_is_not_of_the_workspace(
    copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MINI", copied)
    monkeypatch.setattr(found, "MINI", copied)
    told = find_base("mini", tmp_path / "elsewhere")
    assert (told.folder, told.source, told.revision) == (copied, "mini", "")
    assert folder_of(BASES["mini"]) == copied
    monkeypatch.setattr(files, "MINI", tmp_path / "gone")
    with pytest.raises(ModelMissing, match="shipped"):
        find_base("mini", tmp_path)


# What is refused


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("tinylama", "no base model `tinylama`", "Did you mean `tinyllama`"),
        ("zzz", "no base model `zzz`", "There are mini, tinyllama"),
        ("./gone", "There is no folder", "dyag models"),
        ("a/b/c", "There is no folder", "dyag models"),
        ("", "no base model ``", "There are mini"),
    ],
)
def test_a_name_that_no_base_has(tmp_path: Path, name: str, said: str, hint: str) -> None:
    with pytest.raises(BadInput) as failed:
        find_base(name, tmp_path / "home")
    assert said in failed.value.message
    assert hint in failed.value.hint


@given(st.text(st.sampled_from("~/.\\\0 ab:é-"), max_size=12) | st.text(max_size=400) | st.just("~nobody-here/x"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_base_or_is_told(cache: object, tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as failed:
        find_base(name, tmp_path / "home")
    assert failed.value.hint


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="holds no model"):
        find_base(str(tmp_path), tmp_path)


@pytest.mark.parametrize("pickle", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_pickled_weights_are_refused(copied: Path, tmp_path: Path, pickle: str) -> None:
    (copied / "model.safetensors").rename(copied / pickle)
    with pytest.raises(ModelMissing, match=r"lacks the weights model\.safetensors") as failed:
        find_base(str(copied), tmp_path)
    assert f"Its {pickle} may run code" in failed.value.hint
    assert "save_pretrained" in failed.value.hint


def test_an_adapter_is_no_base(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match="is an adapter") as failed:
        find_base(str(tmp_path), tmp_path)
    assert f"--from-run {tmp_path}" in failed.value.hint
    assert "org/base" in failed.value.hint


def test_a_run_is_no_base(tmp_path: Path) -> None:
    (tmp_path / "my-model" / "final").mkdir(parents=True)
    with pytest.raises(BadInput, match="trained run") as failed:
        find_base("my-model", tmp_path)
    assert "--from-run my-model" in failed.value.hint


def test_code_of_others_is_never_run(copied: Path, tmp_path: Path) -> None:
    own = {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.M"}
    assert find_base(str(change(copied, auto_map=own)), tmp_path)  # a kind that transformers knows, as Phi-3 is
    with pytest.raises(BadInput, match="transformers knows") as failed:
        find_base(str(change(copied, model_type="new-kind")), tmp_path)
    assert "never run" in failed.value.hint


# Identity


def zeroed(place: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = bytearray((folder / "model.safetensors").read_bytes())
        data[place : place + 4096] = bytes(4096)
        (folder / "model.safetensors").write_bytes(data)

    return change


def resaved(folder: Path) -> None:
    """In several files, by another version."""
    from transformers import AutoModelForCausalLM

    made = AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    made.save_pretrained(folder, max_shard_size="60KB")
    assert not (folder / "model.safetensors").exists()
    change(folder, transformers_version="4.0.0", _name_or_path="elsewhere")


def test_identity_does_not_depend_on_place_or_files(copied: Path, model: Path) -> None:
    before = identity(model)
    assert identity(copied) == before
    resaved(copied)
    assert identity(copied) == before


@pytest.mark.parametrize(
    "changed",
    [
        zeroed(-5000),
        zeroed(20_000),
        lambda folder: change(folder, rms_norm_eps=0.5),
        lambda folder: tiny_model(folder, seed=1),
        lambda folder: tiny_model(folder, dtype="bfloat16"),
    ],
    ids=["last tensor", "first tensors", "config", "weights", "number format"],
)
def test_identity_tells_weights_and_configurations_apart(
    copied: Path, model: Path, changed: Callable[[Path], object]
) -> None:
    changed(copied)
    assert identity(copied) != identity(model)


@given(st.binary(max_size=64))
def test_any_bytes_for_weights_are_told(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(ModelMissing, match="no safetensors file"):
        identity(folder)


def test_what_fetches_a_base_can_be_typed() -> None:
    assert hub.download_command("org/x", "abc") == 'hf download org/x --revision abc --exclude "*/*"'
