"""What a configuration leaves open, chosen from the base, the device and the number of rows."""

from __future__ import annotations

import math
from typing import Any

from finetune.train.attention import EXACT
from finetune.train.config import Method, TrainConfig, Tuning
from finetune.train.device import Device
from finetune.train.ground import Ground
from finetune.train.options import wrong
from retrieval.errors import BadInput

SMALL = 100_000_000
"""Parameters below which a model takes, and needs, far larger steps."""
RATES: dict[tuple[Method, bool, bool], float] = {
    ("sft", True, False): 2e-4,
    ("sft", False, False): 2e-5,
    ("dpo", True, False): 1e-5,
    ("dpo", False, False): 1e-6,
    ("kto", True, False): 1e-5,
    ("kto", False, False): 1e-6,
    ("sft", True, True): 5e-3,
    ("sft", False, True): 5e-4,
    ("dpo", True, True): 2e-4,
    ("dpo", False, True): 2e-5,
    ("kto", True, True): 2e-4,
    ("kto", False, True): 2e-5,
}
"""Learning rate by (method, adapter, small). For large ones what trl and field reports
use. For small ones an adapter on mini (88 rows, 3 epochs) ended at a validation loss of 2.49 with 5e-3, 2.65 with 2e-3."""
ADAPTER = {"lora_rank": 16, "lora_alpha": 32.0, "lora_dropout": 0.0}
EVALUATIONS = 8
"""In one training, at most; two at least."""
WATCHING = 0.15
"""Share of the training's work that evaluations may add; a row that is only watched costs a third of one that is learnt."""
SAVES = 4
UNBALANCED = 3.0
"""Times one class of ratings outnumbers the other from which the loss that needs no reference of both is taken."""
DPO_LOSS = (("sigmoid", "sft"), (1.0, 0.2))
"""DPO alone makes the better answer less likely too; some of the plain loss keeps it."""


def rate(method: Method, tuning: Tuning, parameters: int) -> float:
    """The learning rate for a model of this size."""
    return RATES[method, tuning != "full", parameters < SMALL]


def resolve(config: TrainConfig, base: Ground, device: Device) -> TrainConfig:
    """The configuration with all that does not depend on the rows. Raises BadInput."""
    exact = base.architecture in EXACT
    packing = config.packing
    if packing == "auto":
        packing = "rows" if config.method == "sft" and exact else "none"
    if packing != "none" and not exact:
        raise wrong("packing", packing, f"auto or none for a {base.architecture}, whose rows would see each other")
    longest = min(config.max_length or base.context, base.context)
    return config.but(
        base_model=config.base_model or base.found.source,
        learning_rate=config.learning_rate or rate(config.method, config.tuning, base.shape.parameters),
        max_length=longest,
        packing=packing,
        device=device.kind,
        precision=device.precision,
        **_adapter(config, base),
    )


def _adapter(config: TrainConfig, base: Ground) -> dict[str, Any]:
    """Rank, alpha and dropout: of the adapter that is trained further, as given, or the usual ones.

    Raises BadInput when others are given than the adapter has.
    """
    theirs = base.parent_manifest.config if base.parent_manifest else {}
    found = {}
    for name, usual in ADAPTER.items():
        given, fixed = getattr(config, name), theirs.get(name)
        if fixed is not None and given not in (None, fixed):
            option = f"--{name.replace('_', '-')}"
            what = name.removeprefix("lora_")
            message = f"{name} is {given:g}, and the adapter of the run {config.from_run} has {what} {fixed:g}."
            raise BadInput(message, f"The adapter keeps its {what}: leave {option} out.")
        found[name] = fixed if fixed is not None else usual if given is None else given
    return found


def steps_of(config: TrainConfig, rows: int) -> int:
    """Steps of the whole training, as transformers counts them."""
    each = math.ceil(rows / config.batch_size)
    return min(math.ceil(each * config.epochs), config.max_steps or 10**12)


def with_steps(config: TrainConfig, steps: int, watched: int) -> TrainConfig:
    """When it evaluates on `watched` rows, and saves: together, so that the best state is one that was saved."""
    if not watched:
        return config.but(eval_steps=None, save_steps=config.save_steps or max(1, math.ceil(steps / SAVES)))
    affordable = int(WATCHING * 3 * steps * config.batch_size / watched)
    every = config.eval_steps or max(1, math.ceil(steps / min(EVALUATIONS, max(2, affordable))))
    save = config.save_steps or every
    return config.but(eval_steps=every, save_steps=math.ceil(save / every) * every)


def with_loss(config: TrainConfig, labels: dict[str, int]) -> TrainConfig:
    """The loss of DPO and KTO. KTO compares answers of a batch: it needs more than one, and both classes in number."""
    if config.loss or config.method == "sft":
        return config
    if config.method == "dpo":
        return config.but(loss=DPO_LOSS[0], loss_weights=DPO_LOSS[1])
    few, many = sorted(labels.values()) if len(labels) == 2 else (1, 1)
    alone = config.batch_size == 1  # not what fits into the memory of today: a run may be resumed tomorrow
    return config.but(loss=("apo_zero_unpaired",) if alone or many > UNBALANCED * few else ("kto",))
