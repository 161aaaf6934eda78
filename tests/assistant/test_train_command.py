"""`dyag train` as it is typed: what it asks, what it says, what it writes, what it refuses; then promote, ask, roll back."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest
from commands import CHEAP_ENVIRON, Ran, indexed_sheets
from fake_ollama import FakeOllama
from tiny_model import tiny_model
from training import Watcher

from assistant.app import App
from assistant.commands.train import TrainResult
from assistant.render import show
from assistant.screen import Screen
from assistant.training import agreed_words
from assistant.workspace import Home
from finetune.train.config import TrainConfig
from finetune.train.ground import Folders
from finetune.train.run import train as train_model

Run = Callable[..., Ran]
Process = Callable[..., Ran]


def rows(path: Path, count: int = 24) -> Path:
    """A dataset as the guides have it."""
    lines = [
        {
            "messages": [
                {"role": "system", "content": "Tu réponds."},
                {"role": "user", "content": f"Quel port écoute l'outil {n} ?"},
                {"role": "assistant", "content": f"L'outil {n} écoute le port {3000 + n}."},
            ]
        }
        for n in range(count)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("bases") / "tiny", context=4096)


@pytest.fixture
def train(dyag: Run, tmp_path: Path, base: Path) -> Run:
    """`dyag train` on rows of its own, in this process: for what ends before a weight is trained."""

    def run(*argv: str | Path, dataset: Path | None = None) -> Ran:
        given = dataset or rows(tmp_path / "rows_train.jsonl")
        return dyag("train", "--dataset", given, "--base-model", base, *argv, home=tmp_path)

    return run


# before anything is trained ------------------------------------------------------------------------------------------


def test_without_a_dataset_it_says_how_to_make_one(dyag: Run, tmp_path: Path) -> None:
    ran = dyag("train", "--force-cpu", home=tmp_path)
    assert ran.code == 1
    assert "data/finetuning/dataset_train.jsonl" in ran.err
    assert "dyag gen-dataset" in ran.err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_without_a_gpu_it_tells_the_time_and_asks_for_a_word(train: Run, tmp_path: Path) -> None:
    ran = train()
    assert ran.code == 2
    assert re.search(r"No GPU was found: .* about .* s to .* s\.", ran.err)
    assert "--force-cpu" in ran.err
    assert not (tmp_path / "models").exists()


@pytest.mark.usefixtures("no_gpu")
def test_a_check_trains_nothing_and_says_what_it_would_take(train: Run, tmp_path: Path) -> None:
    ran = train("--check", "--json")
    assert ran.code == 0
    report = json.loads(ran.out)["report"]
    assert (report["rows"], report["validation_rows"], report["device"]) == (24, 0, "cpu")
    assert report["steps"] == 18
    assert 0 < report["lengths"]["median"] <= report["lengths"]["longest"]
    assert report["memory"]["needed"] > 0
    assert report["disk"]["free"] > 0
    assert not (tmp_path / "models").exists()


def test_a_check_is_readable(train: Run) -> None:
    ran = train("--check")
    assert ran.code == 0
    for name in ("base", "rows", "tokens of a row", "steps", "time", "memory", "disk"):
        assert re.search(rf"^{name}\s", ran.out, re.MULTILINE), name


def test_a_check_of_a_resume_describes_what_is_left(dyag: Run, tmp_path: Path, base: Path) -> None:
    dataset = rows(tmp_path / "rows_train.jsonl")
    config = TrainConfig(dataset, str(base), output=tmp_path / "run", device="cpu", batch_size=6, epochs=2)
    train_model(config, Folders(tmp_path, tmp_path / "models"), Watcher(stop_at=3))
    ran = dyag("train", "--resume", "--output", tmp_path / "run", "--check", home=tmp_path)
    assert ran.code == 0, ran
    assert re.search(r"^run\s+\S+, goes on after step 3$", ran.out, re.MULTILINE)
    assert re.search(r"^steps\s+8 of 6 rows, 2 epochs, 5 left$", ran.out, re.MULTILINE)
    for checkpoint in (tmp_path / "run").glob("checkpoint-*"):
        (checkpoint / "complete.json").unlink()
    again = dyag("train", "--resume", "--output", tmp_path / "run", "--check", home=tmp_path)
    assert "begins again: it has no checkpoint" in again.out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--lora-rank", "0"), "lora_rank"),
        (("--learning-rate", "nan"), "learning_rate"),
        (("--learning-rate", "-1"), "learning_rate"),
        (("--epochs", "0"), "epochs"),
        (("--batch-size", "0"), "batch_size"),
        (("--max-length", "20", "--overlength", "raise"), "tokens"),
        (("--from-run", "nobody"), "nobody"),
        (("--resume",), "No training was interrupted"),
        (("--validation", "nowhere.jsonl"), "nowhere.jsonl"),
        (("--config", "nowhere.json"), "nowhere.json"),
    ],
)
def test_bad_options_are_one_clear_error(train: Run, tmp_path: Path, argv: tuple[str, ...], said: str) -> None:
    ran = train("--force-cpu", *argv)
    assert ran.code in (1, 2)
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert not list(tmp_path.glob("models/runs/*"))


@pytest.mark.usefixtures("no_gpu")
def test_no_such_gpu(train: Run) -> None:
    ran = train("--device", "cuda")
    assert ran.code == 1
    assert "GPU" in ran.err
    assert "cpu" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ('{"messages": [{"role": "user"\n', "line 1"),
        ('{"messages": [{"role": "user", "content": "Une question ?"}]}\n', "line 1"),
    ],
)
def test_a_dataset_that_cannot_be_learnt(train: Run, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    ran = train("--force-cpu", dataset=path)
    assert ran.code == 1
    assert "bad.jsonl" in ran.err
    assert said in ran.err


def test_a_missing_dataset(train: Run, tmp_path: Path) -> None:
    ran = train("--force-cpu", dataset=tmp_path / "nowhere.jsonl")
    assert ran.code == 1
    assert "nowhere.jsonl" in ran.err


def test_ratings_of_one_kind_only(train: Run, tmp_path: Path) -> None:
    path = tmp_path / "kto.jsonl"
    row = {"prompt": [{"role": "user", "content": "?"}], "completion": [{"role": "assistant", "content": "Oui."}]}
    path.write_text("".join(json.dumps({**row, "label": True}) + "\n" for _ in range(8)))
    ran = train("--force-cpu", "--method", "kto", dataset=path)
    assert ran.code == 1
    assert re.search(r"good|bad", ran.err)


def test_an_unknown_base_names_the_nearest(dyag: Run, tmp_path: Path) -> None:
    ran = dyag(
        "train", "--force-cpu", "--dataset", rows(tmp_path / "r.jsonl"), "--base-model", "tinylama", home=tmp_path
    )
    assert ran.code == 1
    assert "tinyllama" in ran.err


def test_an_unknown_base_of_a_file_names_file_and_key(dyag: Run, tmp_path: Path, base: Path) -> None:
    config = tmp_path / "training.json"
    config.write_text(json.dumps({"model_to_fine_tune": "llama-ours", "dataset": str(rows(tmp_path / "r.jsonl"))}))
    for force in ((), ("--force-cpu",)):
        ran = dyag("train", "--config", config, *force, home=tmp_path)
        assert ran.code == 1
        assert "There is no base model `llama-ours`. It stands in" in ran.err
        assert "training.json, as `model_to_fine_tune`" in ran.err
        assert "--base-model" in ran.err
    assert dyag("train", "--config", config, "--base-model", base, "--check", home=tmp_path).code == 0


def test_weights_that_may_run_code_are_refused(dyag: Run, tmp_path: Path, base: Path) -> None:
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (pickled / name).write_bytes((base / name).read_bytes())
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    ran = dyag("train", "--force-cpu", "--dataset", rows(tmp_path / "r.jsonl"), "--base-model", pickled, home=tmp_path)
    assert ran.code == 1
    assert "safetensors" in ran.err


def test_the_summary_tells_what_happened_on_the_way_and_preferences_by_name() -> None:
    metrics = {"preference_accuracy": 0.75, "reward_margin": 0.21}
    events = ("The model is that of step 84, the best on validation.",)
    out = io.StringIO()
    result = TrainResult("r", "finished", Path("r"), Path("r/final"), 9.0, metrics, (), (), events, (), "mini")
    show(result, Screen(out, out, {}))
    assert f"{events[0]}\n" in out.getvalue()
    assert re.search(r"^preference_accuracy\s+0.75\nreward_margin\s+0.21$", out.getvalue(), re.MULTILINE)


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("resume", "says"),
    [("dyag train --resume --output F", "kept: dyag train --resume --output F"), ("", "nothing had begun")],
)
def test_two_presses_of_ctrl_c_end_it_with_a_word(resume: str, says: str) -> None:
    code = f"""
import signal, sys
from assistant.progress import TrainProgress
from assistant.screen import Screen
from assistant.training import agreed_words
from assistant.workspace import Home
from finetune.train.progress import Stop
with TrainProgress(Screen(sys.stdout, sys.stderr, {{}})) as progress:
    progress.resume = {resume!r}
    with Stop(progress).on_signal():
        signal.raise_signal(signal.SIGTERM)
    assert progress.stopped()
    signal.raise_signal(signal.SIGINT)
    print("still there")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGINT
    assert re.search(rf"^Ended at once; .*{re.escape(says)}$", ended.stderr, re.MULTILINE)
    assert ended.stdout == ""


def test_the_reporters_of_a_job_stand_on_its_command_line(tmp_path: Path, base: Path) -> None:
    config = tmp_path / "training.json"
    config.write_text(json.dumps({"dataset": str(rows(tmp_path / "r.jsonl")), "report_to": ["wandb", "mlflow"]}))
    app = App(Home(tmp_path, "test"), {"train.base_model": str(base)})
    typed = {"config": config, "force_cpu": True, "check": False, "resume": False, "base_model": None}
    assert agreed_words(app, {**typed, "report_to": None}) == ["--report-to", "wandb,mlflow"]
    assert agreed_words(app, {**typed, "report_to": "none"}) == []


# a whole training ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(process: Process, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace where the guides' command was run, with a base of the tests in the place of a hub id."""
    home = indexed_sheets(tmp_path_factory.mktemp("trained"), cheap=True)
    dataset = rows(home / "data" / "finetuning" / "test_dataset_train.jsonl")
    ran = process(
        "finetune", "--dataset", dataset, "--output", home / "models" / "test-tiny", "--base-model", base, "--epochs", "1",
        "--batch-size", "4", "--force-cpu", home=home, **CHEAP_ENVIRON,
    )  # fmt: skip
    assert ran.code == 0, ran
    (home / "said.txt").write_text(ran.out)
    return home


def test_the_closing_summary_has_the_guides_figures(trained: Path) -> None:
    said = (trained / "said.txt").read_text()
    assert re.search(r"^\[OK\] Training finished in \d+:\d\d:\d\d$", said, re.MULTILINE)
    for name in (
        "duration",
        "output_path",
        "epochs",
        "train_loss",
        "mean_token_accuracy",
        "train_samples_per_second",
        "num_tokens",
    ):
        assert re.search(rf"^{name}\s+\S", said, re.MULTILINE), name


def test_the_run_is_where_the_guides_expect_it(trained: Path) -> None:
    run = trained / "models" / "test-tiny"
    names = {path.name for path in (run / "final").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer_config.json"} <= names
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert (run / "curve.png").read_bytes().startswith(b"\x89PNG")
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["dataset"]["rows"] == 24
    assert manifest["metrics"]["steps"] == 6


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of peft about transformers, nothing of ours
def test_plain_peft_and_transformers_load_it(trained: Path, base: Path) -> None:
    peft: Any = pytest.importorskip("peft")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    final = trained / "models" / "test-tiny" / "final"
    model = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), final)
    tokenizer: Any = AutoTokenizer.from_pretrained(final)
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Quel port ?"}], return_tensors="pt", add_generation_prompt=True
    )
    assert model.generate(**ids, max_new_tokens=4, do_sample=False).shape[0] == 1


def test_promote_ask_roll_back(trained: Path, dyag: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CHEAP_ENVIRON.items():
        monkeypatch.setenv(name, value)
    refused = dyag("ask", "--mode", "hybrid", "Quel port écoute Gitea ?", home=trained)
    assert refused.code == 1
    assert "dyag train" in refused.err
    assert dyag("promote", "latest", "--force", "--note", "a test", home=trained).code == 0
    answered = dyag(
        "--set", "model.max_tokens=20", "ask", "--mode", "hybrid", "Quel port écoute Gitea ?", "--json", home=trained
    )
    answer = json.loads(answered.out)
    assert answer["mode"] == "hybrid"
    assert answer["generator"].startswith("run:")
    alone = dyag(
        "--set", "model.max_tokens=20", "ask", "--mode", "finetuned", "Quel port écoute Gitea ?", "--json", home=trained
    )
    assert json.loads(alone.out)["mode"] == "finetuned"
    queried = dyag(
        "query-finetuned",
        "Quel port ?",
        "--model",
        trained / "models/test-tiny/final",
        "--max-tokens",
        "5",
        home=trained,
    )
    assert queried.code == 0
    assert dyag("rollback", home=trained).code == 0
    assert dyag("ask", "--mode", "hybrid", "Quel port écoute Gitea ?", home=trained).code == 1


def test_an_output_that_holds_a_run_is_refused(trained: Path, dyag: Run, base: Path) -> None:
    before = (trained / "models/test-tiny/manifest.json").read_bytes()
    dataset = trained / "data/finetuning/test_dataset_train.jsonl"
    ran = dyag(
        "train",
        "--dataset",
        dataset,
        "--base-model",
        base,
        "--output",
        trained / "models/test-tiny",
        "--force-cpu",
        home=trained,
    )
    assert ran.code == 1
    assert "--output" in ran.err
    assert (trained / "models/test-tiny/manifest.json").read_bytes() == before


def test_one_training_at_a_time(train: Run, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with filelock.FileLock(tmp_path / "models" / ".training.lock"):
        ran = train("--force-cpu")
    assert ran.code == 1
    assert "Another training is running" in ran.err
    assert "dyag jobs" in ran.err


def test_a_name_that_ollama_would_refuse_is_told_before_the_training(dyag: Run, tmp_path: Path, base: Path) -> None:
    config = tmp_path / "training_config.json"
    dataset = rows(tmp_path / "rows_train.jsonl")
    keys = {"model_to_fine_tune": str(base), "dataset_path": str(dataset), "output_model_name": "my model"}
    config.write_text(json.dumps(keys))
    ran = dyag("finetune", "--config", config, "--force-cpu", home=tmp_path)
    assert ran.code == 1
    assert "Ollama takes no model of the name `my model`" in ran.err
    assert "output_model_name" in ran.err
    assert not (tmp_path / "models").exists()


def test_altioras_configuration(process: Process, base: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "data" / "training" / "sfd.jsonl"
    dataset.parent.mkdir(parents=True)
    lines = (
        {"instruction": f"Analyse la spécification {n}.", "output": f'[{{"scenario": "cas {n}"}}]'} for n in range(8)
    )
    dataset.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
    config = tmp_path / "training_config.json"
    keys = {
        "model_to_fine_tune": str(base), "dataset_path": str(dataset), "output_model_name": "sfd-analyzer-v2",
        "epochs": 3, "learning_rate": 5e-5, "batch_size": 4, "lora_rank": 8,
    }  # fmt: skip
    config.write_text(json.dumps(keys))
    with FakeOllama() as ollama:
        given = ("finetune", "--config", str(config), "--epochs", "1", "--force-cpu", "--json")
        ran = process(*given, home=tmp_path, OLLAMA_HOST=ollama.url)
    assert ran.code == 0, ran
    assert list(ollama.models) == ["sfd-analyzer-v2:latest"]
    assert json.loads(ran.out)["ollama"]["created"] is True
    result = json.loads(ran.out)
    manifest = json.loads((Path(result["folder"]) / "manifest.json").read_text())
    assert manifest["config"]["lora_rank"] == 8
    assert manifest["config"]["learning_rate"] == 5e-5
    assert manifest["config"]["epochs"] == 1
    assert manifest["config"]["name"] == "sfd-analyzer-v2"
