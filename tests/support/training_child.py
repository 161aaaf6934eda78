"""A training in a process of its own, to be killed: python training_child.py HOME OPTIONS.json [where:count].

`save:2` kills it, as kill -9 does, in the middle of the second checkpoint: after so many of its files were written.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))


def die_in_checkpoint(number: int, files: int) -> None:
    """Have the process die once this checkpoint has so many files, and the last of them is half written."""
    from transformers import Trainer

    def hooked(name: str, at: int) -> None:
        whole = getattr(Trainer, name)

        def instead(self: Any, *given: Any, **named: Any) -> Any:
            found = whole(self, *given, **named)
            self.saves = getattr(self, "saves", 0) + (name == "save_model")
            if self.saves == number and files == at:
                folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
                newest = max((p for p in folder.iterdir() if p.is_file()), key=lambda p: p.stat().st_mtime_ns)
                newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        setattr(Trainer, name, instead)

    for at, name in enumerate(("save_model", "_save_optimizer_and_scheduler", "_save_rng_state"), start=1):
        hooked(name, at)


def main() -> None:
    from training import Watcher, run_training

    home, options, *where = sys.argv[1:]
    if where and where[0].startswith("save:"):
        number, files = map(int, where[0].removeprefix("save:").split(","))
        die_in_checkpoint(number, files)

    class Dying(Watcher):
        def step(self, done: int, total: int, **figures: float) -> None:
            print(done, flush=True)
            if where == [f"step:{done}"]:
                os.kill(os.getpid(), signal.SIGKILL)
            super().step(done, total, **figures)

    ended = run_training(Path(home), Dying(), **json.loads(Path(options).read_text(encoding="utf-8")))
    print(ended.state)


if __name__ == "__main__":
    main()
