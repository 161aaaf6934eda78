"""Trainings in processes of their own, to be killed: python training_child.py HOME OPTIONS.json WHERE…

`step:5` kills, as kill -9 does, at the fifth step; `save:2,1` in the second checkpoint, after the first part of it was
written and the newest file is half there; `never` waits for a signal. One process imports the libraries and forks for each.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

PARTS = ("save_model", "_save_optimizer_and_scheduler", "_save_rng_state")
"""What transformers' Trainer writes into a checkpoint, in this order."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_checkpoint(number: int, part: int) -> None:
    """Have the process die in this checkpoint, once this part of it was written."""
    from transformers import Trainer

    name = PARTS[part - 1]
    whole = getattr(Trainer, name)
    calls = 0

    def instead(self: Any, *given: Any, **named: Any) -> Any:
        nonlocal calls
        found = whole(self, *given, **named)
        calls += 1
        if calls == number:
            folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
            newest = max(
                (path for path in folder.iterdir() if path.is_file()), key=lambda path: path.stat().st_mtime_ns
            )
            newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
            die()
        return found

    setattr(Trainer, name, instead)


def run(home: Path, options: dict[str, Any], where: str) -> None:
    from training import Watcher, run_training

    kind, _, place = where.partition(":")
    if kind == "save":
        number, part = map(int, place.split(","))
        die_in_checkpoint(number, part)

    class Dying(Watcher):
        def step(self, done: int, total: int, **figures: float) -> None:
            print(done, flush=True)
            super().step(done, total, **figures)
            if where == f"step:{done}":
                die()

    print(run_training(home, Dying(), **options).state, flush=True)


def main() -> None:
    home, file, *places = sys.argv[1:]
    options = json.loads(Path(file).read_text(encoding="utf-8"))
    if places == ["never"]:
        run(Path(home), options, "never")
        return
    import peft  # noqa: F401
    import trl
    from transformers import AutoModelForCausalLM  # noqa: F401

    trl.SFTTrainer  # noqa: B018  (imported when first asked for)
    for number, where in enumerate(places):
        if not (pid := os.fork()):
            run(Path(home), {**options, "output": f"{options['output']}-{number}"}, where)
            os._exit(3)
        if not os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
            sys.exit(f"{where}: the training was not killed")


if __name__ == "__main__":
    main()
