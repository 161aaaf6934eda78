"""`dyag runs …`: listed, shown, compared, deleted."""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path
from unittest import mock

import pytest
from commands import Ran, run, run_slash
from runs import begun, finished

from assistant.app import App
from assistant.cli import main
from assistant.workspace import Home
from finetune.export.kept import keep_export
from finetune.runs.manifest import RunBase, RunData
from finetune.runs.promotion import Promotions
from finetune.runs.store import Runs
from finetune.train.config import TrainConfig

OLD, NEW, KILLED = "20261103-090000-0001", "20261104-153012-a1f3", "20261105-110000-0003"
OTHER = RunBase("qwen2.5:0.5b", "Qwen/Qwen2.5-0.5B-Instruct", "7ae5576", "f" * 64, "Qwen2ForCausalLM")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    models = tmp_path / "home" / "models"
    old = finished(
        models, OLD, created="2026-11-03T09:00:00+01:00", base=OTHER, config={"epochs": 1.0, "lora_rank": 16}
    )
    finished(models, NEW, events=("The batch was halved to 2 rows.",), parent=OLD)
    begun(models, KILLED, created="2026-11-05T11:00:00+01:00")
    Promotions(models).promote(old, "ana", check=lambda: None)
    return models.parent


def dyag(home: Path, *argv: str | Path) -> Ran:
    return run("runs", *argv, home=home)


# list ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("argv", [(), ("list",)])
def test_runs_are_listed_newest_first_with_the_promoted_one_marked(home: Path, argv: tuple[str, ...]) -> None:
    ran = dyag(home, *argv)
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[0] == ["run", "base", "method", "dataset", "rows", "loss", "eval", "when", "state"]
    assert [KILLED in rows[1], NEW in rows[2], rows[3][:3]] == [True, True, ["*", OLD, "qwen2.5:0.5b"]]
    assert rows[2][:8] == [NEW, "base", "sft", "lora", "dataset_train.jsonl", "80", "0.4321", "0.51"]
    assert rows[1][-1] == "interrupted"
    assert rows[2][-1] == rows[3][-1] == "done"


def test_a_narrow_terminal_cuts_no_id(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    base = RunBase("/a/long/way/to/tiny", "/a/long/way/to/tiny", "", "0" * 64, "LlamaForCausalLM")
    finished(
        home / "models", "20261106-000000-0004", home / "models" / "my-model", base=base, config={"name": "port-bot"}
    )
    assert main(["--home", str(home), "runs"]) == 0
    lines = [re.sub("\x1b\\[[0-9]*m", "", line) for line in capsys.readouterr().out.splitlines()]
    assert all(len(line) <= 100 for line in lines)
    for line, run_id in zip(lines[1:], (KILLED, "20261106-000000-0004", NEW, OLD), strict=False):
        assert run_id in line
        assert re.search(r"11-0\d \d\d:\d\d  (done|interrupted)", line)
    assert "sft lora" in lines[2]
    assert " tiny " in lines[2]


def test_a_run_is_known_by_the_name_it_was_given(home: Path) -> None:
    run_id = "20261106-000000-0004"
    finished(home / "models", run_id, home / "models" / "my-model", config={"name": "port-bot"})
    assert "port-bot, my-model" in dyag(home).out
    ran = dyag(home, "show", "port-bot")
    assert ran.out.startswith(f"{run_id} port-bot, my-model  done")
    assert dyag(home, "show", "port-bot", "--json").json["run"]["name"] == "port-bot"


def test_the_list_as_json(home: Path) -> None:
    found = dyag(home, "--json").json["runs"]
    assert [(r["id"], r["state"], r["promoted"]) for r in found] == [
        (KILLED, "interrupted", False), (NEW, "done", False), (OLD, "done", True)
    ]  # fmt: skip
    assert found[1]["train_loss"] == 0.4321
    assert found == dyag(home, "list", "--json").json["runs"]


def test_without_a_run_the_way_to_one_is_said(tmp_path: Path) -> None:
    ran = dyag(tmp_path)
    assert (ran.code, ran.out) == (0, "")
    assert "dyag train" in ran.err


def test_the_chat_has_the_same_commands(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = App(Home(home, "test"), {})
    for line in ("/runs", "/runs list", "/runs show latest", f"/runs diff {OLD} {NEW}"):
        assert run_slash(app, line) == 0
        assert NEW in capsys.readouterr().out


# show ----------------------------------------------------------------------------------------------------------------


def test_a_run_is_shown_with_its_summary_its_origin_and_its_loss(home: Path) -> None:
    ran = dyag(home, "show", "latest")
    for part in (NEW, "duration", "0:02:24", "output_path", f"{NEW}/final", "epochs", "train_loss", "0.4321",
                 "mean_token_accuracy", "80 rows, 9,000 tokens", "The batch was halved", f"went on from   {OLD}",
                 "torch 2.13.0", "⠤ loss   ◆ validation"):  # fmt: skip
        assert part in ran.out, part
    told = dyag(home, "show", "latest", "--json").json
    assert told["manifest"]["dataset"]["rows"] == 80
    assert told["curve"] == {"loss": [[10, 2.5], [20, 1.1], [30, 0.4]], "eval_loss": [[30, 0.51]]}
    assert (told["problem"], told["run"]["promoted"]) == ("", False)


def test_of_the_options_those_are_told_that_are_not_the_defaults(tmp_path: Path) -> None:
    config = {**TrainConfig(Path("rows.jsonl"), name="bot", lora_rank=8, seed=7).values(), "learning_rate": 2e-4}
    metrics = {"train_loss": 0.83333, "num_tokens": 51037.0, "train_runtime": 144.2}
    finished(tmp_path / "models", NEW, config=config, metrics=metrics)
    shown = re.sub(" +", " ", dyag(tmp_path, "show", NEW).out).splitlines()
    for line in ("options learning_rate 0.0002, seed 7, lora_rank 8", "num_tokens 51,037", "train_loss 0.8333"):
        assert line in shown
    assert not [line for line in shown if "train_runtime" in line]


def test_a_run_whose_files_have_changed_says_so(home: Path) -> None:
    (home / "models" / "runs" / NEW / "final" / "adapter_model.safetensors").write_bytes(b"WEIGHTS")
    ran = dyag(home, "show", NEW)
    assert (ran.code, "final/adapter_model.safetensors has changed" in ran.err) == (1, True)


def test_an_interrupted_run_is_shown_with_what_was_asked_for_and_its_checkpoints(home: Path) -> None:
    folder = Runs(home / "models").find(KILLED).folder
    for step in (10, 20):
        (folder.path / f"checkpoint-{step}").mkdir()
        (folder.path / f"checkpoint-{step}" / "x.safetensors").write_bytes(b"x")
    folder.seal(folder.path / "checkpoint-10")
    ran = dyag(home, "show", KILLED)
    assert ran.code == 0
    for part in ("interrupted", "checkpoint-10: whole", "checkpoint-20: it was not written to its end"):
        assert part in ran.out


def test_a_run_that_is_not_finished_tells_what_was_set_how_far_it_is_and_how_it_goes_on(tmp_path: Path) -> None:
    config = TrainConfig(Path("rows.jsonl"), base_model="mini", epochs=5).values()
    folder = begun(tmp_path / "models", KILLED, config=config)
    folder.log.append({"step": 10, "loss": 2.5})
    folder.log.append({"step": 20, "loss": 1.25})
    shown = re.sub(" +", " ", dyag(tmp_path, "show", KILLED).out)
    for line in ("base mini", "training sft, lora", "dataset rows.jsonl", "options epochs 5", "so far step 20, loss 1.25",
                 f"go on dyag train --resume --output {folder.path}"):  # fmt: skip
        assert f"\n{line}\n" in shown, line
    assert "none" not in shown
    with folder.claimed():
        shown = dyag(tmp_path, "show", KILLED).out
    assert "running" in shown
    assert "--resume" not in shown
    folder.request.write_text('{"config": ["torn"]}')
    assert dyag(tmp_path, "show", "latest").code == 0


def test_texts_of_a_manifest_steer_no_terminal(tmp_path: Path) -> None:
    evil = RunBase("\x1b]52;c;x\x07evil", "\x9b2J", "", "0" * 64, "\u202eX")
    finished(tmp_path / "models", NEW, base=evil, events=("\x1b[2J",))
    for argv in ((), ("show", NEW), ("diff", NEW, NEW)):
        ran = dyag(tmp_path, *argv)
        assert not set("\x1b\x9b\x07\u202e") & set(ran.out + ran.err)


@pytest.mark.parametrize("argv", [("show", "nothing"), ("diff", NEW, "nothing"), ("delete", "nothing", "--yes")])
def test_an_unknown_run_is_an_error(home: Path, argv: tuple[str, ...]) -> None:
    ran = dyag(home, *argv)
    assert (ran.code, "There is no run `nothing`." in ran.err) == (1, True)


# diff ----------------------------------------------------------------------------------------------------------------


def test_two_runs_are_compared_by_what_differs(home: Path) -> None:
    ran = dyag(home, "diff", OLD, NEW)
    rows = {line[: line.index("  ")]: line.split() for line in ran.out.splitlines() if "  " in line.strip()}
    assert rows["base name"][2:] == ["qwen2.5:0.5b", "base"]
    assert rows["epochs"][1:] == ["1", "3"]
    assert "lora_rank" not in rows
    changed = dyag(home, "diff", OLD, NEW, "--json").json["changed"]
    assert changed["base architecture"] == ["Qwen2ForCausalLM", "LlamaForCausalLM"]
    assert changed["parent"] == ["", OLD]
    assert "train_loss" not in changed


def test_a_comparison_tells_each_fact_once_and_hashes_in_short(tmp_path: Path) -> None:
    for number, run_id in enumerate((OLD, NEW)):
        config = TrainConfig(Path(f"{number}.jsonl"), base_model=f"base{number}", output=Path(f"out{number}")).values()
        data = RunData(f"{number}.jsonl", f"{number}" * 64, 51037 + number, 9)
        figures = {"train_runtime": 8.0 + number}
        finished(tmp_path / "models", run_id, config=config, dataset=data, metrics=figures, seconds=8.0 + number)
    begun(tmp_path / "models", KILLED, config=TrainConfig(Path("0.jsonl"), base_model="base").values())
    rows = [line.split() for line in dyag(tmp_path, "diff", OLD, NEW).out.splitlines()[1:]]
    assert rows == [["dataset", "path", "0.jsonl", "1.jsonl"], ["dataset", "sha256", "0" * 12, "1" * 12],
                    ["dataset", "rows", "51,037", "51,038"], ["seconds", "8", "9"]]  # fmt: skip
    changed = dyag(tmp_path, "diff", KILLED, OLD, "--json").json["changed"]
    assert not {"base name", "dataset path", "epochs"} & set(changed)


def test_a_run_does_not_differ_from_itself(home: Path) -> None:
    ran = dyag(home, "diff", NEW, "latest")
    assert (ran.code, ran.out, "do not differ" in ran.err) == (0, "", True)


def test_the_help_names_each_run_once_and_takes_one_word_for_it(home: Path) -> None:
    shown = dyag(home, "diff", "--help").out
    assert [line.split()[:2] for line in shown.splitlines() if "<str>" in line or "list[" in line] == [
        ["RUN", "<str>"], ["OTHER", "<str>"]
    ]  # fmt: skip
    ran = dyag(home, "show", NEW, OLD)
    assert (ran.code, OLD in ran.err) == (2, True)


# delete --------------------------------------------------------------------------------------------------------------


def test_a_run_is_deleted_when_that_was_said(home: Path) -> None:
    assert dyag(home, "delete", NEW, "--yes", "--json").json["deleted"] is True
    assert not (home / "models" / "runs" / NEW).exists()
    assert {r["id"] for r in dyag(home, "--json").json["runs"]} == {OLD, KILLED}


def test_nothing_is_deleted_where_nobody_can_be_asked(home: Path) -> None:
    ran = dyag(home, "delete", NEW)
    assert (ran.code, "Add --yes" in ran.err) == (2, True)
    assert (home / "models" / "runs" / NEW / "manifest.json").is_file()


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("\n", False), ("n\n", False)])
def test_it_asks_at_a_terminal(home: Path, answer: str, gone: bool) -> None:
    stdin = io.StringIO(answer)
    stdin.isatty = lambda: True  # type: ignore[method-assign]
    with mock.patch.object(sys, "stdin", stdin):
        assert main(["--home", str(home), "runs", "delete", NEW]) == 0
    assert (home / "models" / "runs" / NEW).exists() is not gone


def test_neither_the_promoted_one_nor_a_running_one_is_deleted(home: Path) -> None:
    ran = dyag(home, "delete", OLD, "--yes")
    assert (ran.code, "is promoted" in ran.err, "dyag rollback" in ran.err) == (1, True, True)
    with Runs(home / "models").find(KILLED).folder.claimed():
        ran = dyag(home, "delete", KILLED, "--yes")
        assert (ran.code, "is running" in ran.err) == (1, True)


def test_a_run_in_the_folder_of_the_promoted_one_is_not_deleted(home: Path) -> None:
    at = home / "models" / "runs" / OLD
    shutil.rmtree(at)
    finished(home / "models", "20261107-000000-0007", at)
    ran = dyag(home, "delete", "20261107-000000-0007", "--yes")
    assert (ran.code, "is promoted" in ran.err, "dyag rollback" in ran.err) == (1, True, True)
    assert at.is_dir()


def test_runs_are_completed_by_their_ids(home: Path) -> None:
    from assistant.terminal.complete import complete

    found = [c.text for c in complete(App(Home(home, "test"), {}), "/runs show 2026110").candidates]
    assert found == [KILLED, NEW, OLD]


def test_what_was_made_from_a_run_is_shown_with_how_near_it_is(home: Path) -> None:
    made = {"format": "gguf", "kind": "q8_0", "file": "models/gguf/a.gguf", "checked": {"same": 95, "tokens": 96}}
    keep_export(Runs(home / "models").all()[0].path, made)
    shown = dyag(home, "show", Runs(home / "models").all()[0].id)
    assert "exported: gguf q8_0, models/gguf/a.gguf, 95 of 96 tokens the same" in " ".join(shown.out.split())
