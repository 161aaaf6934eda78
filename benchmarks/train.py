"""How fast does training go, and how much memory does it take? `dyag finetune` against trl's own defaults.

    python benchmarks/train.py [--shape qwen2.5-0.5b] [--short 40] [--long 8] [--runs 1]

The model has the shape of a real one and random weights; the rows are made by `dyag gen-dataset` from the demo catalogue,
most without documents and some with four of them, as a dataset that mixes modes has them: lengths are skewed. Both sides
train the same LoRA (rank 16, all linear layers), the same rows, one epoch, four rows a step.

tokens/s   real tokens of the rows (no padding) by the seconds of the training loop, loading left out
peak MB    the process's highest resident memory (on a GPU see what it prints itself)

The two take turns. The first seconds of a process are the same for both and are not in tokens/s.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common
from benchmarks.common import CATALOGUE, Run, note, percentile, run_child, table, verdict
from benchmarks.shaped import SHAPES

FASTER = 1.8
SAME = {
    "epochs": 1,
    "batch_size": 4,
    "lora_rank": 16,
    "lora_alpha": 32,
    "learning_rate": 2e-4,
    "max_length": 2048,
    "seed": 42,
}
HERE = Path(__file__).parent


def rows_of(work: Path, short: int, long: int) -> Path:
    """Rows of skewed lengths, drawn from two datasets of the product, in prompt-completion form."""
    drawn = []
    for context, count in (("none", short), ("raft", long)):
        output = work / f"{context}.jsonl"
        line = [
            "gen-dataset",
            str(CATALOGUE),
            "--count",
            str(max(100, 2 * count)),
            "--context",
            context,
            "--output",
            str(output),
            "--force",
        ]
        run_child(dyag(work, *line), dict(os.environ), work)
        found = common.read_jsonl(work / f"{context}_train.jsonl")
        drawn += random.Random(1).sample(found, min(count, len(found)))
    random.Random(2).shuffle(drawn)
    path = work / "rows.jsonl"
    path.write_text("".join(json.dumps(_both(row), ensure_ascii=False) + "\n" for row in drawn), encoding="utf-8")
    return path


def _both(row: dict[str, Any]) -> dict[str, Any]:
    *prompt, answer = row["messages"]
    return {"messages": row["messages"], "prompt": prompt, "completion": [answer]}


def ours_rows(rows: Path) -> Path:
    """The same rows as the product reads them: messages alone."""
    path = rows.with_name("ours.jsonl")
    lines = (json.dumps({"messages": row["messages"]}, ensure_ascii=False) for row in common.read_jsonl(rows))
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def lengths(model: Path, rows: Path) -> list[int]:
    """Tokens of every row."""
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(model)
    texts = (tokenizer.apply_chat_template(row["messages"], tokenize=False) for row in common.read_jsonl(rows))
    return [len(tokenizer(text)["input_ids"]) for text in texts]


def dyag(home: Path, *words: str) -> list[str]:
    return [str(Path(sys.executable).with_name("dyag")), "--home", str(home), *words]


def commands(model: Path, rows: Path, work: Path) -> dict[str, Sequence[str]]:
    """One command line for each side; `{output}` stands for its folder."""
    same = {f"--{k.replace('_', '-')}": str(v) for k, v in SAME.items()}
    options = [part for pair in same.items() for part in pair]
    ours = dyag(
        work,
        "finetune",
        "--dataset",
        str(ours_rows(rows)),
        "--base-model",
        str(model),
        "--output",
        "{output}",
        "--force-cpu",
        *options,
    )
    peer = [sys.executable, str(HERE / "peer_train.py"), str(model), str(rows), "{output}", json.dumps(SAME)]
    return {"dyag": ours, "trl": peer}


def loop_seconds(name: str, run: Run, output: Path) -> float:
    """Seconds of the training loop, as each side tells."""
    if name == "trl":
        return float(json.loads(run.output.splitlines()[-1])["seconds"])
    metrics = json.loads((output / "manifest.json").read_text(encoding="utf-8"))["metrics"]
    return float(metrics["train_runtime"])


def measure(lines: dict[str, Sequence[str]], runs: int, work: Path) -> dict[str, list[tuple[float, Run]]]:
    """(loop seconds, run) of every side, in turn."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(common.THREADS))
    env = {**os.environ, "HF_HUB_OFFLINE": "1", **threads}
    found: dict[str, list[tuple[float, Run]]] = {name: [] for name in lines}
    for number in range(runs):
        for name, line in lines.items():
            output = work / f"{name}-{number}"
            shutil.rmtree(output, ignore_errors=True)
            note(f"run {number + 1} of {runs}: {name}")
            run = run_child([part.replace("{output}", str(output)) for part in line], env, work)
            found[name].append((loop_seconds(name, run, output), run))
            note(f"  {found[name][-1][0]:.0f} s in the loop, {run.seconds:.0f} s in all, {run.peak_mb:,.0f} MB")
    return found


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--shape", choices=sorted(SHAPES), default="qwen2.5-0.5b")
    options.add_argument("--short", type=int, default=40, help="rows without documents (default: %(default)s)")
    options.add_argument("--long", type=int, default=8, help="rows with documents (default: %(default)s)")
    options.add_argument("--runs", type=int, default=1, help="(default: %(default)s)")
    args = options.parse_args()
    work = (args.work / "train").absolute()
    work.mkdir(parents=True, exist_ok=True)
    rows = rows_of(work, args.short, args.long)
    model = work / args.shape
    if not (model / "config.json").is_file():
        run_child([sys.executable, str(HERE / "shaped.py"), str(model), args.shape, str(rows)], dict(os.environ), work)
    sizes = lengths(model, rows)
    found = measure(commands(model, rows, work), args.runs, work)
    speed = {name: median(sum(sizes) / seconds for seconds, _ in runs) for name, runs in found.items()}
    memory = {name: max(run.peak_mb for _, run in runs) for name, runs in found.items()}
    faster = speed["dyag"] / speed["trl"]
    shown = [
        (n, median(s for s, _ in runs), speed[n], memory[n], median(r.seconds for _, r in runs))
        for n, runs in found.items()
    ]
    middle = percentile(sizes, 0.5)
    text = f"{len(sizes)} rows, {sum(sizes):,} tokens: median {middle:.0f}, longest {max(sizes)}\n\n"
    text += table(("side", "loop s", "tokens/s", "peak MB", "command s"), shown)
    leaner = memory["dyag"] / memory["trl"]
    text += f"\n\ntokens/s: {faster:.2f} times trl's defaults ({verdict(faster, FASTER)}); memory {leaner:.2f} times"
    result = {
        "shape": args.shape,
        "rows": len(sizes),
        "tokens": sum(sizes),
        "tokens_per_second": speed,
        "peak_mb": memory,
        "faster": faster,
    }
    common.finish("train", result, text, args.json)


if __name__ == "__main__":
    main()
