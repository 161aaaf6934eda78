"""Does the loop teach anything? Dataset, training, promotion, a question, rollback: typed into one chat, then measured.

    python benchmarks/loop.py [--sets demo betagouv] [--count N] [--steps N]

chat s     `/gen-dataset`, `/train`, `/promote`, a question in hybrid mode, `/rollback`, on standard input of one `dyag chat`
           over a workspace that is indexed; no network, base `mini`, on the CPU. Target: under five minutes.
before     `mini` as it is shipped, on rows of documents that nobody trained on: a question with the right chunk among
after      others, or with others alone. `after` is the run that the chat trained, on the same rows.

answer     of the answerable rows, those whose answer contains a value that is right
cited      of the same, those that cite the chunk that says so, and nothing else
refused    of the others, those that are refused
right      of all rows, those that are right: answer and citation, or the refusal

Greedy decoding. The interval is a bootstrap of the paired difference over documents, not rows: those of one document are alike.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.generators.base import ChatModel, Options
from assistant.generators.load import load_model
from assistant.prompts import is_refusal
from assistant.settings import Settings
from benchmarks import common
from benchmarks.common import CATALOGUE, mean, note, table, verdict
from eval.metrics.text import contains
from retrieval.errors import UserError
from retrieval.types import Message

SHEETS = common.ROOT.parent / "shared" / "corpora" / "betagouv-startups"
SOURCES = {"demo": (CATALOGUE, "Quel port écoute PostgreSQL ?"), "betagouv": (SHEETS, "Qui porte Pix ?")}
MINUTES = 5.0
DRAWS = 10_000
CITED = re.compile(r"\[chunk_(\d+)\]")
Row = dict[str, Any]


def lines(question: str, count: int, steps: int, base: str) -> list[str]:
    """What is typed."""
    rows = "data/finetuning/loop"
    return [
        f"/gen-dataset --context raft --count {count} --train-ratio .6 --val-ratio .05 --output {rows}.jsonl --force",
        f"/train --dataset {rows}_train.jsonl --base-model {base} --max-steps {steps} --force-cpu",
        '/promote latest --force --note "measured below"',
        "/mode hybrid",
        question,
        "/rollback",
    ]


def typed(home: Path, said: Sequence[str]) -> tuple[float, str]:
    """Seconds of the chat, and what it showed."""
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(common.THREADS)}
    command = [str(Path(sys.executable).with_name("dyag")), "--home", str(home), "chat"]
    start = time.perf_counter()
    done = subprocess.run(
        command, input="\n".join(said), text=True, capture_output=True, cwd=home, env=env, check=False
    )
    if "[OK] Training finished" not in done.stdout:
        raise SystemExit(f"benchmark: the chat did not train\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return time.perf_counter() - start, done.stdout


def answers(model: ChatModel, rows: Sequence[Row]) -> list[str]:
    """The model's answer to every row, greedily."""
    options = Options(temperature=0.0, max_tokens=160, timeout=300.0, seed=0)
    return [_answer(model, row, options) for row in rows]


def _answer(model: ChatModel, row: Row, options: Options) -> str:
    asked = [Message(m["role"], m["content"]) for m in row["messages"][:-1]]
    said: list[str] = []
    try:
        said.extend(model.stream(asked, options))
    except UserError as error:  # longer than max_tokens, or than what the model reads: what came counts
        note(f"  {error.message}")
    return "".join(said).strip()


def scores(row: Row, answer: str) -> dict[str, bool | None]:
    """Whether an answer is right in each respect; None where that is not asked of the row."""
    known = row["metadata"]
    refused = is_refusal(answer, known["lang"])
    if not known["answerable"]:
        return {"answer": None, "cited": None, "refused": refused, "right": refused}
    cited = set(CITED.findall(answer))
    wanted = set(CITED.findall(row["messages"][-1]["content"]))
    holds = contains(answer, known["answers"], known["lang"])
    right = bool(cited) and cited == wanted
    return {"answer": holds, "cited": right, "refused": None, "right": holds and right}


def interval(rows: Sequence[Row], before: Sequence[bool], after: Sequence[bool]) -> tuple[float, float, float]:
    """Difference of the shares and its 95% interval, documents drawn with replacement."""
    groups: dict[str, list[int]] = defaultdict(list)
    for row, old, new in zip(rows, before, after, strict=True):
        groups[str(row["metadata"]["documents"])].append(int(new) - int(old))
    found, rng = list(groups.values()), random.Random(1)
    drawn = []
    for _ in range(DRAWS):
        picked = rng.choices(found, k=len(found))
        drawn.append(sum(map(sum, picked)) / sum(map(len, picked)))
    drawn.sort()
    total = sum(map(sum, found)) / len(rows)
    return total, drawn[int(0.025 * DRAWS)], drawn[int(0.975 * DRAWS)]


def measured(name: str, args: Any, work: Path) -> dict[str, Any]:
    """One set: the chat, then the same rows answered before and after."""
    source, question = SOURCES[name]
    home = work / f"loop-{name}"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    index = [str(Path(sys.executable).with_name("dyag")), "--home", str(home), "index", str(source)]
    common.run_child(index, dict(os.environ), home)
    seconds, shown = typed(home, lines(question, args.count, args.steps, args.base_model))
    note(shown)
    rows = common.read_jsonl(home / "data/finetuning/loop_test.jsonl")[: args.limit]
    run = next((home / "models/runs").iterdir()).name
    settings, found = Settings().model, {}
    for side, model in (("before", f"hf:{args.base_model}"), ("after", f"run:{run}")):
        note(f"{name}: {len(rows)} rows answered by {model}")
        found[side] = answers(load_model(model, settings, {}, home), rows)
    scored = {
        side: [scores(row, answer) for row, answer in zip(rows, said, strict=True)] for side, said in found.items()
    }
    names = ("answer", "cited", "refused", "right")
    shares = {s: {n: mean(bool(x[n]) for x in each if x[n] is not None) for n in names} for s, each in scored.items()}
    gained = interval(rows, *([bool(x["right"]) for x in scored[side]] for side in ("before", "after")))
    kept = [
        {"messages": row["messages"], "before": old, "after": new}
        for row, old, new in zip(rows, found["before"], found["after"], strict=True)
    ]
    (home / "answers.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1), encoding="utf-8")
    return {"rows": len(rows), "chat_s": seconds, **shares, "gained": gained}


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--sets", nargs="+", choices=sorted(SOURCES), default=sorted(SOURCES, reverse=True))
    options.add_argument("--count", type=int, default=600, help="rows of the dataset (default: %(default)s)")
    options.add_argument("--steps", type=int, default=100, help="of four rows (default: %(default)s)")
    options.add_argument("--limit", type=int, default=None, help="test rows at most")
    options.add_argument("--base-model", default="mini", help="(default: %(default)s)")
    args = options.parse_args()
    found = {}
    for name in args.sets:
        if not SOURCES[name][0].is_dir():
            note(f"{name}: skipped, {SOURCES[name][0]} is missing")
            continue
        found[name] = measured(name, args, args.work.absolute())
    rows = [
        (name, side, one["rows"], *(one[side][n] for n in ("answer", "cited", "refused", "right")))
        for name, one in found.items()
        for side in ("before", "after")
    ]
    text = table(("set", "mini", "rows", "answer", "cited", "refused", "right"), rows) + "\n"
    for name, one in found.items():
        gained, low, high = one["gained"]
        minutes = one["chat_s"] / 60
        text += f"\n{name}: right {gained:+.3f} (95%: {low:+.3f} to {high:+.3f}); "
        text += f"the chat took {minutes:.1f} min ({verdict(minutes, MINUTES, at_most=True)})"
    common.finish("loop", {"sets": found, "count": args.count, "steps": args.steps}, text, args.json)


if __name__ == "__main__":
    main()
