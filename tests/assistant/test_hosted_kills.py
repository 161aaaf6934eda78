"""A hosted training killed at any instant: the same command goes on, and nothing is sent twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from commands import SUPPORT
from fake_finetuning import KEY, FakeFinetuning

from finetune.runs.store import Runs

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9")
CHILD = Path(SUPPORT) / "hosted_child.py"
PLAN = ("validating_files", *["queued"] * 2, *["running"] * 6, "succeeded")


def rows(path: Path, count: int, seed: str) -> Path:
    """Enough of them that a file takes several pieces."""
    lines = [
        [
            {"role": "user", "content": f"{seed} : quel port écoute l'outil {n} ?"},
            {"role": "assistant", "content": f"L'outil {n} écoute le port {3000 + n}, et rien d'autre. " * 3},
        ]
        for n in range(count)
    ]
    path.write_text("".join(json.dumps({"messages": line}, ensure_ascii=False) + "\n" for line in lines))
    return path


def killed_trainings(home: Path, server: FakeFinetuning, suffix: str, instants: list[str]) -> int:
    """Train to the end, however often it was killed; returns how often it was."""
    train = rows(home / f"{suffix}_train.jsonl", 60, suffix)
    rows(home / f"{suffix}_val.jsonl", 12, f"{suffix} bis")
    done = subprocess.run(
        [sys.executable, str(CHILD), str(home), str(train), suffix, *instants],
        capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def check(home: Path, server: FakeFinetuning, trainings: int) -> None:
    """Two files and one job of each; whole runs, and nothing beside them that could be taken for one."""
    assert Counter(server.sent).most_common(1)[0][1] == 1
    assert (len(server.sent), len(server.created)) == (2 * trainings, trainings)
    done = [run for run in Runs(home / "models").all() if run.state == "done"]
    assert sorted(run.whole().hosted.model for run in done) == sorted(job.tuned for job in server.created)  # type: ignore[union-attr]
    for run in done:
        assert [step for step, _ in run.folder.log.read().series("loss")] == list(
            range(1, 1 + server.steps * server.plan.count("running"))
        )
    text = "".join(p.read_text("utf-8", "replace") for p in home.rglob("*") if p.is_file())
    assert KEY not in text


def test_a_training_that_is_killed_sends_nothing_twice(tmp_path: Path) -> None:
    """Before and after it notes that it sends, before and after it sends, while it waits."""
    with FakeFinetuning() as server:
        server.plan = PLAN
        assert killed_trainings(tmp_path, server, "v1", ["#9", "#10", "#9", "#4", "#20"]) == 5
        check(tmp_path, server, 1)


@pytest.mark.slow
def test_a_kill_at_every_step_sends_nothing_twice(tmp_path: Path) -> None:
    with FakeFinetuning() as server:
        server.plan = ("validating_files", "running", "succeeded")
        number = 0
        while killed_trainings(tmp_path, server, f"v{number}", [f"#{number + 1}"]):
            number += 1
            check(tmp_path, server, number)
    assert number >= 30


@pytest.mark.slow
def test_kills_at_random_instants_send_nothing_twice(tmp_path: Path) -> None:
    """Also where the service goes on with what it received when we were gone."""
    seed = random.randrange(2**32)
    print("seed", seed)
    pick = random.Random(seed)
    killed = 0
    with FakeFinetuning() as server:
        server.pause, server.plan, server.late = 0.03, PLAN, 0.2
        for number in range(6):
            instants = [f"{pick.uniform(0.1, 1.6):.3f}" for _ in range(6)]
            killed += killed_trainings(tmp_path, server, f"v{number}", instants)
            check(tmp_path, server, number + 1)
    assert killed >= 20
