"""Hosted trainings in processes of their own, to be killed: python hosted_child.py HOME TRAIN SUFFIX INSTANT…

Each process but the last dies, as kill -9 does: `0.7` so many seconds after it began, `#7` at the seventh step, which is before
or after a request, or before or after something is written. The last goes on to the end. One imports what is needed and forks.
Prints how many were killed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from assistant.hosted_service import OpenAIService
from finetune.hosted import run as hosted_run
from finetune.hosted import submission, wait

REQUESTS = ("models", "files", "send", "create", "job", "events")


def train(home: str, rows: str, suffix: str) -> int:
    from commands import run

    words = (
        "finetune",
        "--provider",
        "openai",
        "--train",
        rows,
        "--suffix",
        suffix,
        "--epochs",
        "1",
        "--wait",
        "--yes",
    )
    ran = run(*words, home=home)  # type: ignore[arg-type]
    sys.stderr.write(ran.err if ran.code else "")
    return ran.code


def die_at(step: int) -> None:
    """Kill this process at its so-manieth step."""
    steps = 0

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            pass_step()
            made = function(*given, **named)
            pass_step()
            return made

        return counted

    def pass_step() -> None:
        nonlocal steps
        steps += 1
        if steps == step:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in REQUESTS:
        setattr(OpenAIService, name, dying(getattr(OpenAIService, name)))
    submission.write_private = dying(submission.write_private)
    hosted_run.shutil.copyfile = dying(hosted_run.shutil.copyfile)


def killed(instant: str, *words: str) -> bool:
    if not (pid := os.fork()):
        if instant.startswith("#"):
            die_at(int(instant[1:]))
        os._exit(train(*words))
    if not instant.startswith("#"):
        time.sleep(float(instant))
        os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def main() -> int:
    import openai  # noqa: F401

    import assistant.commands  # noqa: F401

    submission.SETTLE, submission.LOOK, submission.FIRST_WAIT = 0.6, 0.05, 0.05
    wait.POLL = 0.05
    *words, suffix = sys.argv[1:4]
    count = sum(killed(instant, *words, suffix) for instant in sys.argv[4:])
    code = train(*words, suffix)
    print(count)
    return code


if __name__ == "__main__":
    sys.exit(main())
