"""What is known, and refused, before any weight is loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from training import NAMES, Watcher, asked, pairs, port_rows, rated, run_training, tiny_base, write

from finetune.formats.read import BadRows
from finetune.runs.folder import RunFolder
from finetune.train import preflight as module
from finetune.train.config import TrainConfig
from finetune.train.defaults import with_loss, with_steps
from finetune.train.fit import _sizes
from finetune.train.preflight import Report, preflight
from finetune.train.request import request_of
from finetune.train.run import Folders, train
from retrieval.errors import BadInput, Busy, ModelMissing, NoSpace, NotFound, UserError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    tiny_base(made / "base")
    write(made / "ports.jsonl", port_rows(60))
    return made


@pytest.fixture(autouse=True)
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preflight that loads weights fails."""
    import transformers

    def load(*given: Any, **named: Any) -> Any:
        raise AssertionError("weights were loaded")

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", load)


def check(home: Path, watcher: Watcher | None = None, **options: Any) -> Report:
    torch.set_num_threads(1)
    said = {"dataset": home / "ports.jsonl", "base_model": "base", "device": "cpu", **options}
    return preflight(TrainConfig.of(said), Folders(home, home / "models"), watcher)


def test_the_report_says_what_the_training_will_be(home: Path) -> None:
    before = set(home.rglob("*"))
    report = check(home)
    assert (report.rows, report.steps, report.epochs, report.padding) == (60, 45, 3.0, 0.0)
    assert report.lengths.median <= report.lengths.p95 <= report.lengths.longest < 60
    assert report.tokens_per_epoch > 60 * 20
    assert 0 < report.seconds[0] < report.seconds[1]
    assert 0 < report.memory.needed < report.memory.free
    assert 0 < report.disk.needed < report.disk.free
    config = report.config
    assert (config.micro_batch, config.packing, config.precision, config.max_length) == (4, "rows", "fp32", 512)
    assert config.learning_rate
    assert set(home.rglob("*")) == before


def test_padding_is_told_where_rows_are_not_packed(home: Path) -> None:
    data = write(home / "skewed.jsonl", [*port_rows(30), *(asked("Gitea " * n, "3000.") for n in range(10, 60, 2))])
    assert check(home, dataset=data).padding == 0
    assert 0 < check(home, dataset=data, packing="none", batch_size=8).padding < 0.5


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"dataset": "none.jsonl"}, NotFound, "no dataset"),
        ({"base_model": "lama"}, BadInput, "no base model `lama`"),
        ({"base_model": ""}, BadInput, "needs a base model"),
        ({"base_model": "./nowhere"}, BadInput, "no folder"),
        ({"device": "cuda"}, BadInput, "finds no GPU"),
        ({"precision": "fp16"}, BadInput, "only a GPU"),
        ({"validation": "none.jsonl"}, NotFound, "no dataset"),
        ({"dataset": "."}, BadInput, "no file of rows"),
        ({"dataset": "a" * 300}, NotFound, "no dataset"),
        ({"output": "a" * 300}, BadInput, "cannot be a folder"),
        ({"from_run": "nothing"}, NotFound, "no run `nothing`"),
        ({"max_length": 9}, BadRows, "all 60 are longer than 9 tokens"),
        ({"max_length": 20, "overlength": "raise"}, BadRows, "60 rows cannot be used: line 1: too long"),
        ({"report_to": "mlflow"}, BadInput, "not installed"),
    ],
)
def test_what_cannot_work_is_refused(
    home: Path, options: dict[str, Any], error: type[UserError], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(error, match=says) as refused:
        check(home, **options)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("hello\n", "no training rows"),
        ('{"messages": [}\n', "line 1: not valid JSON"),
        ('{"text": "a"}\n{"foo": 1}\n', "line 2: no known format"),
    ],
)
def test_a_dataset_that_cannot_be_used_is_refused_with_its_lines(home: Path, text: str, says: str) -> None:
    (home / "bad.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(BadRows, match=says):
        check(home, dataset=home / "bad.jsonl")


def test_ratings_of_one_kind_are_refused_and_unbalanced_ones_told(home: Path) -> None:
    with pytest.raises(BadInput, match="none that is bad") as refused:
        check(home, method="kto", dataset=write(home / "one.jsonl", rated(9, 0)))
    assert "--from feedback --as kto" in refused.value.hint
    report = check(home, method="kto", dataset=write(home / "many.jsonl", rated(60, 3)))
    assert report.labels == {"good": 60, "bad": 3}
    assert any("60 good and 3 bad" in warning for warning in report.warnings)


def test_pairs_are_measured_by_their_longer_answer(home: Path) -> None:
    report = check(home, method="dpo", dataset=write(home / "pairs.jsonl", pairs(50)))
    assert report.config.packing == "none"
    assert report.lengths.longest > report.lengths.median - 1


def test_few_rows_and_rows_that_validate_too_are_told(home: Path) -> None:
    write(home / "few_train.jsonl", port_rows(20))
    write(home / "few_val.jsonl", [*port_rows(3), *(asked(name, "?!") for name in NAMES[5:7]), asked("Autre", "1.")])
    report = check(home, dataset=home / "few_train.jsonl")
    said = "\n".join(report.warnings)
    assert "20 rows are few" in said
    assert "5 prompts of the validation file are in the training file too" in said
    assert report.validation_rows == 6


def test_too_little_memory_is_refused_with_figures(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finetune.train.device.free_memory", lambda device: 5e8)
    with pytest.raises(BadInput, match=r"needs about 0\.\d GB .* 0\.5 GB are free") as refused:
        check(home)
    assert "smaller base" in refused.value.hint


def test_as_many_rows_as_fit_are_taken_at_a_time(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = check(home, batch_size=32).memory.needed
    monkeypatch.setattr("finetune.train.device.free_memory", lambda device: (whole - 1) / 0.9)
    assert check(home, batch_size=32).config.micro_batch == 16


def test_too_little_disk_is_refused_with_figures(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1_000_000

    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(NoSpace, match=r"about \d+ MB .* 1 MB are free"):
        check(home)


def test_an_output_in_which_something_lies_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear …", encoding="utf-8")
    with pytest.raises(BadInput, match="is in use"):
        check(home, output=tmp_path)
    with pytest.raises(BadInput, match="is a file"):
        check(home, output=tmp_path / "letter.txt")


def test_a_training_that_cannot_begin_leaves_nothing(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told: list[bool] = []
    for output in (tmp_path / "new", tmp_path / "empty"):
        asked = {"dataset": home / "ports.jsonl", "base_model": "base", "output": output, "max_length": 9}
        with pytest.raises(BadRows):
            train(
                TrainConfig.of(asked), Folders(home, home / "models"), None, lambda run, folder: told.append(bool(run))
            )
    assert told == [True, False] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert list((tmp_path / "empty").iterdir()) == []


def test_what_another_training_has_begun_stays(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It began while this one looked at its base."""
    monkeypatch.setattr("finetune.train.run.check_first", lambda config: None)
    theirs = RunFolder(tmp_path / "run")
    asked: dict[str, Any] = {"dataset": home / "ports.jsonl", "base_model": "base", "output": theirs.path}
    with theirs.claimed():
        theirs.begin({"id": "theirs"})
        with pytest.raises(Busy):
            run_training(home, **asked)
    with pytest.raises(BadInput, match="is in use"):
        run_training(home, **asked)
    assert theirs.read_request() == {"id": "theirs"}


@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are text there")
def test_a_dataset_whose_name_is_no_text(home: Path, tmp_path: Path) -> None:
    data = tmp_path / os.fsdecode(b"donn\xe9es.jsonl")
    data.write_bytes((home / "ports.jsonl").read_bytes())
    folder = RunFolder(tmp_path / "run")
    stopped = run_training(home, Watcher(stop_at=0), dataset=data, base_model="base", output=folder.path)
    assert stopped.state == "interrupted"
    assert request_of(folder).config.dataset == data


@pytest.mark.parametrize(
    ("batch", "asked", "sizes"),
    [(4, None, [4, 2]), (3, None, [3]), (12, None, [12, 6, 3, 2]), (4, 1, [2]), (9, 3, [3])],
)
def test_ratings_are_compared_with_others_whatever_fits(batch: int, asked: int | None, sizes: list[int]) -> None:
    config = TrainConfig.of({"dataset": "x", "method": "kto", "batch_size": batch, "micro_batch": asked})
    config = with_loss(config, {"good": 8, "bad": 8})
    assert config.loss == ("kto",)
    assert _sizes(config) == sizes


def test_a_template_that_refuses_the_rows_is_told_with_the_line(home: Path, tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "fussy", template="{{ raise_exception('never') }}")
    with pytest.raises(UserError, match="never"):
        check(home, base_model=str(base))


def test_a_tokenizer_that_is_missing_is_told(home: Path, tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "mute")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (base / name).unlink()
    with pytest.raises(ModelMissing, match="tokenizer"):
        check(home, base_model=str(base))


@pytest.mark.parametrize(("steps", "watched", "every"), [(800, 100, 100), (20, 20, 10), (60, 1000, 30), (1, 5, 1)])
def test_evaluations_take_a_small_share_of_the_work(steps: int, watched: int, every: int, tmp_path: Path) -> None:
    config = with_steps(TrainConfig(dataset=tmp_path / "x.jsonl", batch_size=4), steps, watched)
    assert (config.eval_steps, config.save_steps) == (every, every)


@pytest.mark.parametrize(
    ("options", "says"), [({"device": "cuda"}, "finds no GPU"), ({"report_to": "mlflow"}, "not installed")]
)
def test_what_needs_no_dataset_is_told_before_one_is_looked_for(
    home: Path, options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    for begin in (check, run_training):
        with pytest.raises(BadInput, match=says):
            begin(home, **{"dataset": "none.jsonl", "base_model": "./nowhere", **options})


def test_an_error_is_not_preceded_by_remarks(home: Path, tmp_path: Path) -> None:
    write(home / "short_train.jsonl", port_rows(60))
    write(home / "short_val.jsonl", port_rows(4))
    watcher = Watcher()
    with pytest.raises(BadRows):
        run_training(
            home, watcher, dataset=home / "short_train.jsonl", base_model="base", output=tmp_path / "run", max_length=9
        )
    assert watcher.notes == []
    assert check(home, dataset=home / "short_train.jsonl").validation == home / "short_val.jsonl"


def test_a_length_that_the_base_does_not_read_is_told(home: Path) -> None:
    assert "base reads 512 tokens; a --max-length of 5,000 is cut to that." in check(home, max_length=5000).warnings
    assert not any("max-length" in warning for warning in check(home, max_length=512).warnings)
