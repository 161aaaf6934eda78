"""Every setting of a training, declared once, checked, and read from a file.

`None` stands for: chosen from the base, the device and the dataset (finetune/train/defaults.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from finetune.train.options import Allowed, wrong
from retrieval.errors import BadInput, NotFound

Method = Literal["sft", "dpo", "kto"]
Tuning = Literal["lora", "qlora", "full"]
Overlength = Literal["drop", "truncate", "raise"]
Packing = Literal["auto", "rows", "bfd", "none"]
DPO_LOSSES = ("sigmoid", "sft", "hinge", "ipo", "robust", "apo_zero", "apo_down", "sigmoid_norm")
KTO_LOSSES = ("kto", "apo_zero_unpaired")
REPORTERS = ("none", "tensorboard", "wandb", "mlflow")
MAX_FILE = 1 << 20
ALIASES = {
    "model_to_fine_tune": "base_model",
    "dataset_path": "dataset",
    "output_model_name": "name",
    "train": "dataset",
    "model": "base_model",
}
"""Keys of configuration files that other trainers read."""


ALLOWED: dict[str, Allowed] = {
    "dataset": Allowed("path"),
    "base_model": Allowed("text"),
    "validation": Allowed("path", optional=True),
    "output": Allowed("path", optional=True),
    "name": Allowed("text"),
    "method": Allowed("choice", choices=("sft", "dpo", "kto")),
    "tuning": Allowed("choice", choices=("lora", "qlora", "full")),
    "quantize": Allowed("choice", choices=("none", "4bit")),
    "from_run": Allowed("text"),
    "resume": Allowed("flag"),
    "epochs": Allowed("number", 0, 10_000, above=True),
    "max_steps": Allowed("whole", 1, 10**9, optional=True),
    "batch_size": Allowed("whole", 1, 65_536),
    "micro_batch": Allowed("whole", 1, 65_536, optional=True),
    "learning_rate": Allowed("number", 0, 1, above=True, optional=True),
    "scheduler": Allowed("choice", choices=("cosine", "linear", "constant")),
    "warmup": Allowed("number", 0, 0.9),
    "weight_decay": Allowed("number", 0, 1),
    "max_grad_norm": Allowed("number", 0, 10**6, above=True),
    "seed": Allowed("whole", 0, 2**32 - 1),
    "lora_rank": Allowed("whole", 1, 1024, optional=True),
    "lora_alpha": Allowed("number", 0, 65_536, above=True, optional=True),
    "lora_dropout": Allowed("number", 0, 0.9, optional=True),
    "beta": Allowed("number", 0, 10, above=True),
    "loss": Allowed("list", choices=(*DPO_LOSSES, *KTO_LOSSES)),
    "loss_weights": Allowed("list"),
    "max_length": Allowed("whole", 8, 10_000_000, optional=True),
    "overlength": Allowed("choice", choices=("drop", "truncate", "raise")),
    "packing": Allowed("choice", choices=("auto", "rows", "bfd", "none")),
    "device": Allowed("choice", choices=("auto", "cuda", "cpu")),
    "precision": Allowed("choice", choices=("auto", "fp32", "bf16", "fp16")),
    "gradient_checkpointing": Allowed("flag", optional=True),
    "early_stopping": Allowed("whole", 0, 10_000),
    "eval_steps": Allowed("whole", 1, 10**9, optional=True),
    "save_steps": Allowed("whole", 1, 10**9, optional=True),
    "report_to": Allowed("list", choices=REPORTERS),
}


@dataclass(frozen=True)
class TrainConfig:
    """One training. Raises BadInput for a value that no training can have."""

    dataset: Path
    base_model: str = ""
    """A shortcut, `org/name`, or a folder; may be left out with `from_run`."""
    validation: Path | None = None
    """None: `X_val` or `X_validation` beside `X_train`, if there is one."""
    output: Path | None = None
    """The run's folder; None: a new one among the runs."""
    name: str = ""
    """What the trained model is to be called where it is exported."""
    method: Method = "sft"
    tuning: Tuning = "lora"
    quantize: Literal["none", "4bit"] = "none"
    """Of the base while it is trained; 4bit is the same as tuning=qlora."""
    from_run: str = ""
    """A run (id or folder) whose adapter is trained further."""
    resume: bool = False

    epochs: float = 3.0
    max_steps: int | None = None
    """Ends the training before its epochs do."""
    batch_size: int = 4
    """Rows of one step, whatever of it fits into memory at a time."""
    micro_batch: int | None = None
    """Rows in memory at a time; None: as many as fit."""
    learning_rate: float | None = None
    scheduler: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises."""
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    seed: int = 42

    lora_rank: int | None = None
    """None: what the adapter of `from_run` has, else finetune/train/defaults.py's; alpha and dropout too."""
    lora_alpha: float | None = None
    lora_dropout: float | None = None
    beta: float = 0.1
    """DPO, KTO: how near the model stays to what it was."""
    loss: tuple[str, ...] = ()
    """DPO, KTO; empty: sigmoid and sft, or what suits the ratings."""
    loss_weights: tuple[float, ...] = ()

    max_length: int | None = None
    """Tokens of a row; None: what the base reads."""
    overlength: Overlength = "drop"
    packing: Packing = "auto"
    """rows: those of one step end to end, without padding; bfd: as many rows as `max_length` holds count as one."""

    device: Literal["auto", "cuda", "cpu"] = "auto"
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    gradient_checkpointing: bool | None = None
    """None: where the memory asks for it."""

    early_stopping: int = 3
    """Evaluations without a better loss that end the training; 0: none do."""
    eval_steps: int | None = None
    save_steps: int | None = None
    report_to: tuple[str, ...] = ("none",)

    def __post_init__(self) -> None:
        for one in fields(self):
            object.__setattr__(self, one.name, ALLOWED[one.name].check(one.name, getattr(self, one.name)))
        _agree(self)

    @classmethod
    def from_file(cls, path: Path, **given: Any) -> TrainConfig:
        """A JSON or YAML file; what is `given` and not None wins. Raises NotFound, BadInput."""
        return cls.of({**settings_of(path), **_said(given)})

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> TrainConfig:
        """From values of any source; None counts as not said. Raises BadInput for a name that no option has."""
        said = {canonical(name): value for name, value in _said(values).items()}
        if "dataset" not in said:
            raise BadInput("A training needs a dataset.", "Name a file of rows with --dataset.")
        return cls(**said)

    def values(self) -> dict[str, Any]:
        """As JSON holds it; `of` reads it back."""
        return {one.name: _plain(getattr(self, one.name)) for one in fields(self)}

    def differences(self, other: TrainConfig) -> dict[str, tuple[Any, Any]]:
        """What another configuration says otherwise, by option: (here, there)."""
        here, there = self.values(), other.values()
        return {name: (here[name], there[name]) for name in here if here[name] != there[name]}

    def but(self, **changes: Any) -> TrainConfig:
        """The same with some values changed."""
        return replace(self, **changes)


OPTIONS: tuple[str, ...] = tuple(one.name for one in fields(TrainConfig))


def canonical(name: str) -> str:
    """The option a key means. Raises BadInput, which names the nearest."""
    known = name.replace("-", "_")
    known = ALIASES.get(known, known)
    if known not in OPTIONS:
        near = get_close_matches(known, [*OPTIONS, *ALIASES], 1, 0.5)
        hint = f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(OPTIONS)}."
        raise BadInput(f"There is no training option `{name[:60]}`.", hint)
    return known


def settings_of(path: Path) -> dict[str, Any]:
    """The options a file gives, by our names. Raises NotFound, BadInput."""
    if not path.is_file():
        raise NotFound(f"There is no configuration file {path}.", "Name a JSON or YAML file with --config.")
    if path.stat().st_size > MAX_FILE:
        raise BadInput(f"{path} is too large for a configuration file.", "It holds one object of training options.")
    found = _parsed(path)
    if not isinstance(found, dict):
        raise BadInput(f"{path} holds no object of options.", 'Write {"dataset": "…", "base_model": "…"}.')
    names = [canonical(str(key)) for key in found]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise BadInput(f"{path} gives {twice} twice, under two names.", "Keep one of them.")
    return dict(zip(names, found.values(), strict=True))


def key_of(path: Path, option: str) -> str:
    """How a file that `settings_of` reads spells an option; empty when it does not give it."""
    return next((str(key) for key in _parsed(path) if canonical(str(key)) == option), "")


def _parsed(path: Path) -> Any:
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text) if path.suffix.lower() == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        why = " ".join(str(error).split())[:160]
        raise BadInput(f"{path} cannot be read: {why}.", "Correct it there: JSON, or YAML `name: value`.") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error


def _agree(config: TrainConfig) -> None:
    """What two options say together. Raises BadInput."""
    put = object.__setattr__
    if config.tuning == "full" and config.quantize == "4bit":
        raise wrong("quantize", "4bit", "none with tuning=full: 4-bit weights cannot be trained themselves")
    if config.tuning == "full" and config.from_run:
        hint = "Merge it first (`dyag merge-lora`), then train the merged folder with --base-model."
        raise BadInput("tuning is full, and from_run trains an adapter further.", hint)
    if config.quantize == "4bit" or config.tuning == "qlora":
        put(config, "tuning", "qlora")
        put(config, "quantize", "4bit")
    possible = {"sft": (), "dpo": DPO_LOSSES, "kto": KTO_LOSSES}[config.method]
    if strange := [loss for loss in config.loss if loss not in possible]:
        raise wrong("loss", ",".join(strange), f"{_choices(possible)} with method={config.method}")
    if config.loss == ("kto",) and config.batch_size == 1:
        raise wrong("batch_size", 1, "2 or more with loss=kto, which compares the answers of a batch")
    if config.method == "kto" and len(config.loss) > 1:
        raise wrong("loss", ",".join(config.loss), "one loss with method=kto")
    weights = tuple(Allowed("number", 0, 1000).check("loss_weights", weight) for weight in config.loss_weights)
    put(config, "loss_weights", weights)
    if weights and len(weights) != len(config.loss):
        raise wrong("loss_weights", list(weights), f"{len(config.loss)} numbers, one for each loss")
    if config.micro_batch and config.batch_size % config.micro_batch:
        raise wrong("micro_batch", config.micro_batch, f"a divisor of batch_size ({config.batch_size})")
    if config.method != "sft" and config.packing in ("rows", "bfd"):
        raise wrong("packing", config.packing, f"auto or none with method={config.method}")


def _choices(possible: Sequence[str]) -> str:
    return f"one of {', '.join(possible)}" if possible else "left out"


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
