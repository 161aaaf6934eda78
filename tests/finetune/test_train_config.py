"""The configuration of a training: what it takes, what it refuses, and the files it is read from."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.train.config import ALIASES, ALLOWED, OPTIONS, TrainConfig, settings_of
from finetune.train.options import Allowed
from retrieval.errors import BadInput, NotFound

NUMBERS = {name: allowed for name, allowed in ALLOWED.items() if allowed.kind in ("whole", "number")}
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=1), st.binary(max_size=3),
)  # fmt: skip


def config(**options: Any) -> TrainConfig:
    return TrainConfig.of({"dataset": "rows.jsonl", **options})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("lora_rank", 0, "a whole number from 1 to 1,024"),
        ("learning_rate", math.nan, "a number above 0 to 1"),
        ("learning_rate", 0, "a number above 0 to 1"),
        ("learning_rate", "fast", "a number"),
        ("epochs", 0, "a number above 0 to 10,000"),
        ("epochs", math.inf, "a number above 0"),
        ("batch_size", 2.5, "a whole number"),
        ("batch_size", True, "a whole number"),
        ("seed", -1, "from 0"),
        ("lora_dropout", 1, "0 to 0.9"),
        ("method", "ppo", "one of sft, dpo, kto"),
        ("device", "tpu", "one of auto, cuda, cpu"),
        ("overlength", "cut", "one of drop, truncate, raise"),
        ("report_to", "loki", "one of none, tensorboard, wandb, mlflow"),
        ("dataset", "", "a path"),
        ("dataset", "a\0b", "a path"),
        ("resume", "perhaps", "true or false"),
        ("loss", "kto", "left out with method=sft"),
    ],
)
def test_a_value_that_cannot_be_names_the_option_and_what_is_allowed(name: str, value: Any, allowed: str) -> None:
    with pytest.raises(BadInput) as refused:
        config(**{name: value})
    assert refused.value.message.startswith(f"{name} is ")
    assert allowed in refused.value.message
    assert f"--{name.replace('_', '-')}" in refused.value.hint


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tuning": "full", "quantize": "4bit"}, "cannot be trained themselves"),
        ({"method": "kto", "loss": ["sigmoid"]}, "kto, apo_zero_unpaired"),
        ({"method": "dpo", "loss": ["sigmoid", "sft"], "loss_weights": [1]}, "2 numbers"),
        ({"method": "dpo", "packing": "rows"}, "auto or none"),
        ({"batch_size": 4, "micro_batch": 3}, "a divisor of batch_size"),
        ({"method": "kto", "loss": ["kto"], "batch_size": 1}, "2 or more with loss=kto"),
    ],
)
def test_values_that_do_not_go_together_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        config(**options)


@given(st.sampled_from(OPTIONS), JUNK)
def test_any_value_is_refused_or_survives_being_written(name: str, value: Any) -> None:
    try:
        made = config(**{name: value})
    except BadInput:
        return
    assert TrainConfig.of(json.loads(json.dumps(made.values()))) == made


@given(st.sampled_from(sorted(NUMBERS)), st.floats(allow_nan=True) | st.integers())
def test_numbers_out_of_bounds_never_pass(name: str, value: float) -> None:
    allowed: Allowed = NUMBERS[name]
    try:
        made = getattr(config(**{name: value, "batch_size": 65_536} if name == "micro_batch" else {name: value}), name)
    except BadInput:
        return
    assert allowed.low <= made <= allowed.high
    assert not (allowed.above and made == allowed.low)
    assert allowed.kind == "number" or isinstance(made, int)


def test_four_bits_and_qlora_mean_the_same() -> None:
    assert config(quantize="4bit") == config(tuning="qlora")


def test_what_a_file_says_gives_way_to_what_is_given(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("dataset: rows.jsonl\nlearning-rate: 5e-5\nepochs: 2\nreport_to: [none]\n", encoding="utf-8")
    made = TrainConfig.from_file(file, epochs=7, batch_size=None)
    assert (made.learning_rate, made.epochs, made.batch_size) == (5e-5, 7.0, 4)


def test_altiora_configurations_are_read(tmp_path: Path) -> None:
    file = tmp_path / "training_config.json"
    said = {
        "model_to_fine_tune": "mini", "dataset_path": "data/d.jsonl", "output_model_name": "mini-v2", "epochs": 3,
        "learning_rate": 5e-5, "batch_size": 4, "lora_rank": 8,
    }  # fmt: skip
    file.write_text(json.dumps(said), encoding="utf-8")
    made = TrainConfig.from_file(file)
    assert (made.base_model, made.dataset, made.name, made.lora_rank) == ("mini", Path("data/d.jsonl"), "mini-v2", 8)


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="no training option `lora_rnk`") as refused:
        config(lora_rnk=3)
    assert "`lora_rank`" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2]", "no object"),
        ("{", "cannot be read"),
        ("\xff\xfe", "cannot be read"),
        ('{"dataset": "a", "dataset_path": "b"}', "twice"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "c.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=says):
        settings_of(file)


def test_a_file_that_is_missing_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        settings_of(tmp_path / "none.json")
    (tmp_path / "big.yaml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(BadInput, match="too large"):
        settings_of(tmp_path / "big.yaml")


def test_differences_name_the_options() -> None:
    assert config(epochs=3).differences(config(epochs=4)) == {"epochs": (3.0, 4.0)}


def test_every_option_has_its_values_declared() -> None:
    assert set(ALLOWED) == set(OPTIONS)
    assert set(ALIASES.values()) <= set(OPTIONS)
