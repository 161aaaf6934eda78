"""The training loop: seeded, in steps or hours, with checkpoints from which it goes on as if it had not stopped."""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from finetune.pretrain.batches import buffer, tensors
from finetune.pretrain.curriculum import STAGES, row
from finetune.pretrain.encode import (
    ID,
    ID_FIRST,
    NAME,
    NAME_FIRST,
    OPENING,
    REFUSAL,
    SAID,
    SHOWN,
    VALUE,
    VALUE_FIRST,
    Coder,
    Encoded,
)
from finetune.pretrain.gradient import Workers
from finetune.pretrain.model import build
from finetune.pretrain.muon import Muon
from finetune.pretrain.plan import Plan
from retrieval.errors import BadInput

NAMES = {
    OPENING: "opening", SAID: "said", REFUSAL: "refusal", NAME_FIRST: "name_first", NAME: "name",
    VALUE_FIRST: "value_first", VALUE: "value", ID_FIRST: "id_first", ID: "id",
}  # fmt: skip


class Trainer:
    """One run: model, optimizers and where it stands in the material."""

    def __init__(
        self, plan: Plan, model: Any, tokenizer: Any, folder: Path, say: Callable[[str], None] = print
    ) -> None:
        import torch

        self.plan, self.model, self.folder, self.say = plan, model, folder, say
        self.followed = asdict(plan)
        self.coder = Coder(tokenizer)
        self.pad = tokenizer.pad_token_id
        matrices = [w for n, w in model.named_parameters() if w.ndim == 2 and "embed" not in n]
        others = [w for n, w in model.named_parameters() if w.ndim != 2 or "embed" in n]
        self.optimizers: list[Any] = [
            Muon(matrices, lr=plan.muon),
            torch.optim.AdamW(others, lr=plan.adam, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.step = self.seen = self.number = self.at = 0
        self.seconds = self.buffer_progress = 0.0
        self._batches: list[list[Encoded]] = []
        self.workers = Workers(model, plan.workers)

    @classmethod
    def begin(cls, plan: Plan, folder: Path, say: Callable[[str], None] = print) -> Trainer:
        """A run at its beginning, its tokenizer trained unless the folder holds one."""
        from transformers import AutoTokenizer

        from finetune.pretrain import tokenizer as tokens

        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "tokenizer" / "tokenizer.json").exists():
            tokens.train(plan.seed, plan.shape.vocabulary).save_pretrained(folder / "tokenizer")
        tokenizer: Any = AutoTokenizer.from_pretrained(folder / "tokenizer")
        named = {"begin": tokens.BEGIN, "end": tokens.END, "pad": tokens.PAD}
        ids = {name: int(tokenizer.convert_tokens_to_ids(token)) for name, token in named.items()}
        return cls(plan, build(plan.shape, plan.seed, ids, circuits=plan.circuits), tokenizer, folder, say)

    @cached_property
    def _held_out(self) -> list[Encoded]:
        """Rows of every stage that are never trained on."""
        return [self.coder.encoded(row(random.Random(f"held out:{i}"), STAGES[i % 5])) for i in range(60)]

    @property
    def has_state(self) -> bool:
        """Whether there is something to go on from."""
        return (self.folder / "state.pt").exists()

    def told(self) -> dict[str, Any]:
        """What this run was, for the card."""
        return {"step": self.step, "seen": self.seen, "seconds": self.seconds, "plan": self.followed}

    @property
    def progress(self) -> float:
        """Share of the training that is done."""
        return self.plan.progress(self.step, self.seconds)

    # running ---------------------------------------------------------------------------------------------------------

    def run(self, stop: Callable[[], bool] = lambda: False) -> None:
        """Train until the plan is done, or `stop` says so after a step; the last state is saved."""
        last_saved = last_said = time.monotonic()
        figures: dict[str, float] = {}
        while self.progress < 1 and not stop():
            began = time.monotonic()
            figures = self._one()
            self.seconds += time.monotonic() - began
            if time.monotonic() - last_said > 30 or self.progress >= 1:
                last_said = time.monotonic()
                self.log(figures)
            if time.monotonic() - last_saved > self.plan.save_every:
                self.log(self.measured())
                self.save()
                last_saved = time.monotonic()
        self.save()
        self.workers.close()

    def _one(self) -> dict[str, float]:
        """One step. Returns its loss and the share of each kind of token that was right."""
        import torch

        rate = self.plan.rate(self.step, self.progress)
        for optimizer, most in zip(self.optimizers, (self.plan.muon, self.plan.adam), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = most * rate
        batch = self._next()
        ids, kinds, points = tensors(batch, self.pad)
        loss, right, of = self.workers.gradient(ids, kinds, points, self.plan.seed * 1_000_003 + self.step)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        muon, adam = self.optimizers
        muon.step(self.workers.pool.map)
        adam.step()
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.seen += sum(len(e.ids) for e in batch)
        return {"loss": round(loss, 4), "lr": round(rate, 4), **_right(right, of)}

    def _next(self) -> list[Encoded]:
        if self.at >= len(self._batches):
            if self._batches:
                self.number, self.at = self.number + 1, 0
                self.buffer_progress = self.progress
            self._batches = buffer(
                self.coder, self.plan.seed, self.number, self.buffer_progress, self.plan.tokens, self.plan.rows
            )
        self.at += 1
        return self._batches[self.at - 1]

    def measured(self) -> dict[str, float]:
        """Share of tokens that are right on rows that are never trained on, of all stages."""
        import torch

        right: list[Any] = []
        kinds: list[Any] = []
        with torch.no_grad():
            for i in range(0, len(self._held_out), 4):
                ids, of, _ = tensors(self._held_out[i : i + 4], self.pad)
                logits = self.model(input_ids=ids).logits[:, :-1]
                keep = of[:, 1:] > SHOWN
                right.append((logits.argmax(-1) == ids[:, 1:])[keep])
                kinds.append(of[:, 1:][keep])
        return {f"held_{name}": value for name, value in _right(torch.cat(right), torch.cat(kinds)).items()}

    def log(self, figures: Mapping[str, float]) -> None:
        line = {
            "step": self.step,
            "progress": round(self.progress, 4),
            "tokens": self.seen,
            "seconds": round(self.seconds),
            **figures,
        }
        self.say(json.dumps(line))
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    # keeping ---------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write everything that is needed to go on, in place of what was there."""
        import torch

        state = {
            "model": self.model.state_dict(), "optimizers": [o.state_dict() for o in self.optimizers], "step": self.step,
            "seen": self.seen, "number": self.number, "at": self.at, "seconds": self.seconds,
            "buffer_progress": self.buffer_progress, "plan": json.dumps(asdict(self.plan)),
        }  # fmt: skip
        part = self.folder / "state.part"
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.folder / "state.pt")

    def read(self) -> Any:
        """The last weights and how far they were trained. Returns the rest of what `save` wrote. Raises BadInput."""
        import torch

        if not self.has_state:
            raise BadInput(f"{self.folder} holds no checkpoint.", "Train without --resume first.")
        state = torch.load(self.folder / "state.pt", weights_only=True)
        self.followed = json.loads(state["plan"])
        if self.followed["shape"] != asdict(self.plan.shape):
            raise BadInput(f"{self.folder} holds a model of another size.", "Give the same sizes as when it began.")
        self.model.load_state_dict(state["model"])
        self.step, self.seen, self.seconds = state["step"], state["seen"], state["seconds"]
        return state

    def load(self) -> None:
        """Go on from what `save` wrote. Raises BadInput."""
        state = self.read()
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.number, self.at, self.buffer_progress = state["number"], state["at"], state["buffer_progress"]
        self._batches = buffer(
            self.coder, self.plan.seed, self.number, self.buffer_progress, self.plan.tokens, self.plan.rows
        )


def _right(right: Any, kinds: Any) -> dict[str, float]:
    found = {name: right[kinds == kind] for kind, name in NAMES.items()}
    return {name: round(share.float().mean().item(), 3) if len(share) else math.nan for name, share in found.items()}
