"""`dyag models`: bases, what they take here, runs, and which one is promoted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import finished
from tiny_model import tiny_model

import assistant.commands.models
import assistant.render_models
from assistant.commands.models import Machine
from assistant.generators.load import load_model
from assistant.settings import ModelSettings
from assistant.terminal.model_names import bases
from finetune.bases import files, found
from finetune.bases.registry import BASES
from retrieval.errors import BadSetting

Dyag = Callable[..., Any]
RUN = "20261104-153012-a1f3"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(autouse=True)
def mini(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    """The shipped base is a tiny one; nothing else is here."""
    import huggingface_hub

    def snapshot_download(repo: str, **options: Any) -> str:
        assert options["local_files_only"], "the Hub is asked"
        raise huggingface_hub.errors.LocalEntryNotFoundError("not cached")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.setattr(files, "MINI", model)
    monkeypatch.setattr(found, "MINI", model)


def free(monkeypatch: pytest.MonkeyPatch, memory: float) -> None:
    monkeypatch.setattr(assistant.commands.models, "machine", lambda: Machine("cpu", "float32", int(memory)))


def row(shown: str, name: str) -> str:
    return next(line for line in shown.splitlines() if line.startswith(f"{name} "))


def test_every_base_is_listed_with_what_it_takes(dyag: Dyag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 16e9)
    ran = dyag("models", home=tmp_path)
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines()[1 : 1 + len(BASES)]] == list(BASES)
    assert " yes " in row(ran.out, "mini")
    assert "1.5B" in row(ran.out, "qwen2.5:1.5b *")
    assert "llama3.2, gated" in row(ran.out, "llama3.2:1b")
    assert "16.0 GB of memory are free" in ran.out
    assert "No run is promoted" in ran.out


@pytest.mark.parametrize(
    ("memory", "fits"), [(16e9, "with checkpointing"), (6e9, "in 4 bit"), (2e9, "no"), (64e9, "yes")]
)
def test_a_base_fits_or_does_not(
    dyag: Dyag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: float, fits: str
) -> None:
    free(monkeypatch, memory)
    columns = row(dyag("models", home=tmp_path).out, "qwen2.5:1.5b *").split("  ")
    assert [column.strip() for column in columns if column.strip()][-1] == fits


def test_runs_and_the_promoted_one_are_listed(dyag: Dyag, tmp_path: Path) -> None:
    finished(tmp_path / "models", RUN)
    told = json.loads(dyag("models", "list", "--json", home=tmp_path).out)
    assert [run["id"] for run in told["runs"]] == [RUN]
    assert told["promoted"] == ""
    assert [base["name"] for base in told["bases"]] == list(BASES)
    assert [base["here"] for base in told["bases"]] == [True] + [False] * (len(BASES) - 1)
    pointer = {"pile": [{"id": RUN, "path": f"runs/{RUN}", "since": "2026-11-04"}], "history": []}
    (tmp_path / "models" / "promoted.json").write_text(json.dumps(pointer))
    shown = dyag("models", home=tmp_path).out
    assert f"* {RUN}  base  sft lora" in shown
    assert f"promoted: {RUN}" in shown


def test_of_many_runs_the_newest_are_listed(dyag: Dyag, tmp_path: Path) -> None:
    ids = [f"2026110{day}-153012-a1f3" for day in range(1, 8)]
    for run_id in ids:
        finished(tmp_path / "models", run_id, created=f"{run_id[:4]}-11-{run_id[6:8]}T00:00:00+01:00")
    finished(
        tmp_path / "models", "20261109-000000-0001", tmp_path / "models" / "mine", created="2026-11-09T00:00:00+01:00"
    )
    shown = dyag("models", home=tmp_path).out
    assert [run_id for run_id in ids if run_id in shown] == ids[-4:]
    assert "20261109-000000-0001 (mine)" in shown
    assert "`dyag runs` lists all 8." in shown


def test_a_base_that_is_here(dyag: Dyag, tmp_path: Path, model: Path) -> None:
    told = json.loads(dyag("models", "show", "mini", "--json", home=tmp_path).out)
    assert told["folder"] == str(model)
    assert (told["fetch"], told["page"]) == ("", "")
    assert len(told["identity"]) == 64
    assert 0 < told["needs"]["qlora"]["weights"] < told["needs"]["lora"]["weights"]
    shown = dyag("models", "show", "mini", home=tmp_path).out
    for part in ("weights", "gradients", "optimizer", "activations", "logits", "total", "with checkpointing", "fits"):
        assert row(shown, part)


def test_a_base_that_is_not_here_says_how_to_fetch_it(dyag: Dyag, tmp_path: Path) -> None:
    base = BASES["llama3.2:1b"]
    shown = dyag("models", "show", base.hub, home=tmp_path).out
    assert f"hf download {base.hub} --revision {base.revision}" in shown
    assert f"accept the licence at https://huggingface.co/{base.hub}" in shown
    for fact in (*base.stop, *base.targets, base.gguf_pre, "131,072 tokens", "1.2B parameters"):
        assert fact in shown


def test_a_model_that_has_no_short_name(dyag: Dyag, tmp_path: Path, model: Path) -> None:
    shutil.copytree(model, tmp_path / "own")
    told = json.loads(dyag("models", "show", "own", "--json", home=tmp_path).out)
    assert (told["base"], told["fetch"]) == (None, "")
    assert told["needs"]["full"]["weights"] > 0
    unknown = json.loads(dyag("models", "show", "org/name", "--json", home=tmp_path).out)
    assert unknown["fetch"].startswith("hf download org/name")
    assert unknown["needs"] == {}
    assert "hf download org/name" in dyag("models", "show", "org/name", home=tmp_path).out


def test_a_name_that_no_model_has(dyag: Dyag, tmp_path: Path) -> None:
    ran = dyag("models", "show", "tinylama", home=tmp_path)
    assert ran.code != 0
    assert "Did you mean `tinyllama`" in ran.err


# hf:SHORTCUT


def test_a_short_name_is_a_generator(model: Path, tmp_path: Path) -> None:
    (tmp_path / "mini").mkdir()  # a folder of that name is written hf:./mini
    made = load_model("hf:mini", ModelSettings(), {}, tmp_path)
    assert made.context() == 512
    made.close()


def test_no_name_names_the_shipped_base(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="names no model") as failed:
        load_model("hf:", ModelSettings(), {}, tmp_path)
    assert "hf:mini" in failed.value.hint


def test_short_names_are_completed() -> None:
    assert list(bases()) == [f"hf:{name}" for name in BASES]
    assert bases()["hf:qwen2.5:1.5b"] == "recommended, Qwen/Qwen2.5-1.5B-Instruct"
