"""How long until the first answer? Fresh processes, `dyag` against the peer, both with their index on disk.

    python benchmarks/startup.py [--runs N]

help      `dyag --help`
ask       `dyag ask` on the demo catalogue: a cited answer, printed
peer      benchmarks/peer_ask.py over the same files: imports, opens Chroma, builds BM25, retrieves for the same question.
          It stops at the passages, which favours it: a hand-written stack has no answer without a model.

The three take turns, one warm-up round uncounted (files are then in the disk cache for all). Time is wall-clock from
start to exit; memory is the process's own peak resident size, from wait4.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common, peer
from benchmarks.common import CATALOGUE, Run, note, run_child, table, verdict

QUESTION = "Quel est le port local de l'agent GLPI ?"
EXPECTED = "62354"
HELP_S, ASK_S, FASTER, MEMORY_MB = 0.35, 1.2, 5.0, 350.0


def commands(work: Path) -> dict[str, Sequence[str]]:
    """The three command lines, with the indexes they need built."""
    common.indexed(common.load_set(common.DEMO, common.DATA), work)
    files = sorted(CATALOGUE.glob("*.md"))
    texts, ids = [f.read_text(encoding="utf-8") for f in files], [f.name for f in files]
    folder = peer.built(work / "demo-peer", texts, ids, peer.minilm(common.THREADS))
    dyag = str(Path(sys.executable).with_name("dyag"))
    ask = Path(__file__).with_name("peer_ask.py")
    return {
        "help": (dyag, "--help"),
        "ask": (dyag, "--home", str(work / common.DEMO), "ask", QUESTION),
        "peer": (sys.executable, str(ask), str(folder), QUESTION),
    }


def measure(lines: dict[str, Sequence[str]], rounds: int, cwd: Path) -> dict[str, list[Run]]:
    """Every command once a round; the first round is thrown away."""
    env = dict(os.environ)
    runs: dict[str, list[Run]] = {name: [] for name in lines}
    for number in range(rounds + 1):
        note(f"round {number} of {rounds}")
        for name, line in lines.items():
            run = run_child(line, env, cwd)
            if name == "ask" and EXPECTED not in run.output:
                raise SystemExit(f"benchmark: `dyag ask` did not answer {EXPECTED}: {run.output}")
            if number:
                runs[name].append(run)
    return runs


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--runs", type=int, default=7, help="(default: %(default)s)")
    args = options.parse_args()
    runs = measure(commands(args.work), args.runs, args.work)
    seconds = {name: [r.seconds for r in found] for name, found in runs.items()}
    memory = {name: max(r.peak_mb for r in found) for name, found in runs.items()}
    middle = {name: median(values) for name, values in seconds.items()}
    faster = middle["peer"] / middle["ask"]
    targets = {
        "help": verdict(middle["help"], HELP_S, at_most=True),
        "ask": f"{verdict(middle['ask'], ASK_S, at_most=True)}; {verdict(memory['ask'], MEMORY_MB, at_most=True)} MB",
        "peer": "",
    }
    rows = [(n, min(seconds[n]), middle[n], max(seconds[n]), memory[n], targets[n]) for n in runs]
    text = table(("command", "min s", "median s", "max s", "peak MB", "target"), rows)
    text += f"\n\nfirst answer: {faster:.1f} times faster than the peer ({verdict(faster, FASTER)})"
    result = {"seconds": seconds, "median_s": middle, "peak_mb": memory, "faster_than_peer": faster, "peer": peer.NAME}
    common.finish("startup", result, text, args.json)


if __name__ == "__main__":
    main()
