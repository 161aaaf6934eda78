"""Base and adapter as one model: it answers as the unmerged one does, or it is not there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runs import begun, files, finished, trained_home
from tiny_model import tiny_model

from finetune.export import merge as merging
from finetune.export.merge import MergeFailed, merge
from finetune.runs.digests import TornRun
from finetune.runs.store import Run, Runs
from retrieval.errors import BadInput, ModelMissing, NoSpace, NotFound

RUN = "20261104-153012-a1f3"
PLAIN = """
import sys, json, torch, transformers
assert "peft" not in sys.modules
model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
asked = [{"role": "user", "content": "Quel port ?"}]
ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=False)
made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False)
print(json.dumps([str(model.dtype), made[0].tolist(), "peft" in type(model).__module__]))
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads cost a model this small more than they give."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_home(tmp_path_factory.mktemp("merge"))


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def run(home: Path) -> Run:
    return Runs(home / "models").find(RUN)


def unmerged(home: Path) -> list[int]:
    """The greedy answer of base and adapter, as peft gives it."""
    import peft
    import torch
    import transformers

    base = transformers.AutoModelForCausalLM.from_pretrained(home / "base", dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers by a name that it no longer likes
        model = peft.PeftModel.from_pretrained(base, str(run(home).folder.final))
    tokenizer = transformers.AutoTokenizer.from_pretrained(home / "base")
    asked = [{"role": "user", "content": "Quel port ?"}]
    ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt", return_dict=False)
    made: Any = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False)
    return list(map(int, made[0]))


def test_plain_transformers_answers_with_it_as_peft_does_with_the_run(home: Path) -> None:
    merged = merge(run(home), home, home / "merged")
    assert (merged.dtype, merged.checked.ties, merged.checked.tokens) == ("float32", 0, 120)
    assert merged.checked.difference < 1e-3 < merged.checked.effect
    environ = {**os.environ, "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(home / "merged")], capture_output=True, check=True, timeout=300, env=environ
    )
    assert json.loads(done.stdout) == ["torch.float32", unmerged(home), False]


def test_the_folder_holds_a_whole_model_with_its_card_and_nothing_of_this_machine(home: Path) -> None:
    merge(run(home), home, home / "merged")
    found = files(home / "merged")
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= found.keys()
    assert not [name for name in found if name.endswith((".bin", ".pt", ".part")) or "adapter" in name]
    card = found["README.md"].decode()
    for part in ("base_model: base\n", RUN, "1" * 64, "80 rows", "float32"):
        assert part in card
    for name, data in found.items():
        assert str(home).encode() not in data, name
    assert not (home / "merged.part").exists()


def test_the_format_is_that_of_the_base_or_the_one_named(home: Path) -> None:
    merged = merge(run(home), home, home / "half", "bfloat16")
    assert json.loads((home / "half" / "config.json").read_text())["dtype"] == "bfloat16"
    assert merged.checked.tokens + merged.checked.ties == 120
    assert merged.checked.difference < merged.checked.effect / 2


def test_a_run_on_a_four_bit_base_is_merged_into_the_full_one(home: Path) -> None:
    original = run(home)
    assert original.manifest
    again = finished(
        home / "models",
        "20261105-000000-0001",
        final=original.folder.final,
        base=original.manifest.base,
        tuning="qlora",
    )
    merged = merge(again, home, home / "merged")
    assert "quantization_config" not in json.loads((home / "merged" / "config.json").read_text())
    assert (merged.dtype, merged.checked.ties) == ("float32", 0)


def test_an_adapter_is_merged_whatever_its_manifest_calls_it(home: Path) -> None:
    original = run(home)
    assert original.manifest
    named = {"final": original.folder.final, "base": original.manifest.base, "tuning": "full"}
    mislabelled = finished(home / "models", "20261105-000000-0001", **named)
    assert merge(mislabelled, home, home / "merged").checked.ties == 0


# refused -------------------------------------------------------------------------------------------------------------


def test_an_output_that_is_there_is_left_alone(home: Path) -> None:
    (home / "merged").mkdir()
    with pytest.raises(BadInput, match="is there already"):
        merge(run(home), home, home / "merged")
    assert list((home / "merged").iterdir()) == []


def test_a_model_that_was_tuned_in_full_is_to_be_copied(home: Path) -> None:
    whole = finished(home / "models", "20261105-000000-0001", final=tiny_model(home / "whole"), tuning="full")
    with pytest.raises(BadInput, match="no adapter to merge") as error:
        merge(whole, home, home / "merged")
    assert "cp -r" in error.value.hint


def test_a_missing_base_a_torn_run_and_an_unfinished_one_are_refused(home: Path) -> None:
    begun(home / "models", "20261106-000000-0002")
    with pytest.raises(NotFound):
        merge(Runs(home / "models").find("20261106"), home, home / "merged")
    (home / "base").rename(home / "away")
    with pytest.raises((BadInput, ModelMissing)):
        merge(run(home), home, home / "merged")
    (run(home).folder.final / "adapter_model.safetensors").write_bytes(b"")
    with pytest.raises(TornRun):
        merge(run(home), home, home / "merged")
    assert not (home / "merged").exists()


def test_a_quantised_base_is_refused(home: Path) -> None:
    config = home / "base" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "quantization_config": {"load_in_4bit": True}}))
    from finetune.bases.identity import identity
    from finetune.runs.manifest import RunBase

    base = RunBase("base", "base", "", identity(home / "base"), "LlamaForCausalLM")
    made = finished(home / "models", "20261105-000000-0001", final=run(home).folder.final, base=base)
    with pytest.raises(ModelMissing, match="quantised"):
        merge(made, home, home / "merged")


def test_too_little_disk_is_said_before_anything_is_loaded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)._replace(free=1000)
    monkeypatch.setattr(merging.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(merging, "load_trained", lambda *_: pytest.fail("loaded"))
    with pytest.raises(NoSpace, match=r"0\.00 GB are free"):
        merge(run(home), home, home / "merged")


def test_a_folder_beside_the_output_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "load_trained", lambda *_: (_ for _ in ()).throw(ModelMissing("", "")))
    (home / "merged.part").mkdir()
    (home / "merged.part" / "mine.txt").write_text("mine")
    before = sorted(home.iterdir())
    with pytest.raises(ModelMissing):
        merge(run(home), home, home / "merged")
    assert (home / "merged.part" / "mine.txt").read_text() == "mine"
    assert sorted(home.iterdir()) == before


def test_a_disk_that_fills_up_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(merging, "sync_tree", full)
    before = sorted(home.iterdir())
    with pytest.raises(NoSpace):
        merge(run(home), home, home / "merged")
    assert sorted(home.iterdir()) == before


def test_a_merge_that_went_wrong_is_found_out_and_not_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    plain = transformers.AutoModelForCausalLM.from_pretrained(home / "base")
    monkeypatch.setattr(merging, "_plain", lambda _: plain.eval())  # as if the adapter had been left out
    before = sorted(home.iterdir())
    with pytest.raises(MergeFailed, match="does not answer as the unmerged one"):
        merge(run(home), home, home / "merged")
    assert sorted(home.iterdir()) == before
