"""Does the chat feel quick, and does it stay small? The demo catalogue, `dyag chat` against the peer's loop.

    python benchmarks/chat.py [--runs N] [--turns N]

prompt       from the start of the process until the prompt is on the terminal (a pseudo-terminal, 100 columns), and the
             memory then; the peer is benchmarks/peer_chat.py over the same files
first token  what dyag adds before the first text of a model: search, prompt, checks. The model is `fake:`, whose own
             delay is subtracted; once as fast as it can be and once with the delay of a real one, because the refusal is
             decided while the model begins. The peer's share is one `retriever.invoke`, in this process.
turns        resident memory over many turns of one conversation, each answered and written to the journal, in a process of
             its own; the questions of the catalogue again and again
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from fcntl import ioctl
from itertools import cycle, islice
from pathlib import Path
from statistics import median

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from assistant.answer import Done
from assistant.app import App
from assistant.generators.base import Delta
from assistant.workspace import Home
from benchmarks import common, peer
from benchmarks.common import CATALOGUE, note, table, verdict

PROMPT = "›".encode()
PROMPT_S, SHARE_MS, GROWTH_MB = 0.5, 30.0, 20.0
REAL_DELAY = 0.2
"""Seconds until the first token of a quick real model."""
TIMEOUT = 60.0
SETTLED = 0.2
"""Share of the turns after which memory should grow no more."""


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--runs", type=int, default=9, help="starts of each (default: %(default)s)")
    options.add_argument("--turns", type=int, default=1000, help="(default: %(default)s)")
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.child:
        print(json.dumps(turns(Home(args.child, "benchmark"), args.turns)))
        return
    home = workspace(args.work)
    folder = peer_folder(args.work)
    starts = prompts(home, folder, args.runs)
    shares = first_tokens(home, folder)
    child = [sys.executable, __file__, "--child", str(home.path), "--turns", str(args.turns)]
    memory = json.loads(subprocess.run(child, stdout=subprocess.PIPE, check=True).stdout)
    result = {"prompt": starts, "first_token_ms": shares, "turns": memory, "peer": peer.NAME}
    common.finish("chat", result, report(starts, shares, memory), args.json)


def report(starts: dict[str, dict[str, float]], shares: dict[str, list[float]], memory: list[tuple[int, float]]) -> str:
    """The three tables, each figure beside its target."""
    ours, theirs = starts["dyag"], starts["peer"]
    rows = [(name, s["min_s"], s["median_s"], s["max_s"], s["mb"]) for name, s in starts.items()]
    text = table(("prompt", "min s", "median s", "max s", "MB then"), rows)
    text += f"\n{verdict(ours['median_s'], PROMPT_S, at_most=True)}; {theirs['median_s'] / ours['median_s']:.0f} times faster than the peer"
    rows = [(name, min(ms), median(ms), sorted(ms)[int(len(ms) * 0.95)], max(ms)) for name, ms in shares.items()]
    text += "\n\n" + table(("our share of the first token", "min ms", "median ms", "p95 ms", "max ms"), rows)
    text += f"\nwith the delay of a real model: {verdict(median(shares['real']), SHARE_MS, at_most=True)}"
    text += "\n\n" + table(("turns", "resident MB"), memory)
    text += f"\ngrowth after the first {SETTLED:.0%}: {verdict(growth(memory), GROWTH_MB, at_most=True)} MB"
    return text


def workspace(work: Path) -> Home:
    """The demo catalogue, indexed, with a journal of its own."""
    common.indexed(common.load_set(common.DEMO, common.DATA), work)
    home = work / common.DEMO
    for name in ("journal.sqlite3", "journal.sqlite3-journal"):
        (home / "data" / name).unlink(missing_ok=True)
    return Home(home, "benchmark")


def peer_folder(work: Path) -> Path:
    files = sorted(CATALOGUE.glob("*.md"))
    texts, ids = [f.read_text(encoding="utf-8") for f in files], [f.name for f in files]
    return peer.built(work / "demo-peer", texts, ids, peer.minilm(common.THREADS))


# prompt --------------------------------------------------------------------------------------------------------------


def prompts(home: Home, folder: Path, runs: int) -> dict[str, dict[str, float]]:
    """Both chats in turn, one round uncounted."""
    dyag = str(Path(sys.executable).with_name("dyag"))
    lines: dict[str, Sequence[str]] = {
        "dyag": (dyag, "--home", str(home.path), "chat"),
        "peer": (sys.executable, str(Path(__file__).with_name("peer_chat.py")), str(folder)),
    }
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in lines}
    for number in range(runs + 1):
        note(f"start {number} of {runs}")
        for name, line in lines.items():
            measured = until_prompt(line)
            if number:
                found[name].append(measured)
    return {
        name: {
            "min_s": min(s for s, _ in values),
            "median_s": median(s for s, _ in values),
            "max_s": max(s for s, _ in values),
            "mb": max(mb for _, mb in values),
        }
        for name, values in found.items()
    }


def until_prompt(line: Sequence[str]) -> tuple[float, float]:
    """Seconds until a command shows its prompt, and its resident megabytes then."""
    parent, child = pty.openpty()
    ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    environ = {**os.environ, "TERM": "xterm-256color"}
    start = time.perf_counter()
    process = subprocess.Popen(line, stdin=child, stdout=child, stderr=child, env=environ, start_new_session=True)
    os.close(child)
    try:
        shown = b""
        while PROMPT not in shown:
            if not select.select([parent], [], [], TIMEOUT)[0]:
                raise SystemExit(f"benchmark: no prompt from {line[0]}: {shown[-500:]!r}")
            shown += os.read(parent, 65536)
            if b"\x1b[6n" in shown:  # asked for the cursor's place, as a terminal is
                os.write(parent, b"\x1b[1;1R")
                shown = shown.replace(b"\x1b[6n", b"")
        return time.perf_counter() - start, psutil.Process(process.pid).memory_info().rss / 1e6
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(parent)


# first token ---------------------------------------------------------------------------------------------------------


def first_tokens(home: Home, folder: Path) -> dict[str, list[float]]:
    """Milliseconds that dyag, and the peer, add before the first text of a model, question by question."""
    questions = [q.text for q in common.load_set(common.DEMO, common.DATA).queries if q.answerable][:100]
    shares = {}
    for name, delay in (("instant", 0.0), ("real", REAL_DELAY)):
        with tempfile.TemporaryDirectory() as made:
            script = Path(made) / "script.jsonl"
            script.write_text(
                json.dumps({"text": "It says so.", "delay": delay, "match": "."}) + "\n", encoding="utf-8"
            )
            app = App(home, {"answer.generator": f"fake:{script}", "answer.refuse_below": "0"})
            app.answerer.warm()
            shares[name] = [1000 * (until_first(app, q) - delay) for q in questions]
    retriever = peer.open_retriever(folder, peer.minilm(common.THREADS))
    retriever.invoke(questions[0])
    shares["peer"] = []
    for question in questions:
        start = time.perf_counter()
        retriever.invoke(question)
        shares["peer"].append(1000 * (time.perf_counter() - start))
    return shares


def until_first(app: App, question: str) -> float:
    """Seconds until the first text of an answer."""
    start = time.perf_counter()
    events = app.conversation.ask(question)
    for event in events:
        if isinstance(event, Delta):
            seconds = time.perf_counter() - start
            break
    else:
        raise SystemExit(f"benchmark: no text for {question}")
    events.close()
    return seconds


# turns ---------------------------------------------------------------------------------------------------------------


def turns(home: Home, count: int) -> list[tuple[int, float]]:
    """Resident megabytes at the start, and after each tenth of a conversation of `count` turns."""
    app, process = App(home, {}), psutil.Process()
    app.answerer.warm()
    found = []
    for number, question in enumerate(_questions(count)):
        if number % max(1, count // 10) == 0:
            gc.collect()
            found.append((number, process.memory_info().rss / 1e6))
            note(f"{number} of {count} turns, {found[-1][1]:.0f} MB")
        done = next(event for event in app.conversation.ask(question) if isinstance(event, Done))
        app.conversation.keep(done.answer)
    gc.collect()
    return [*found, (count, process.memory_info().rss / 1e6)]


def _questions(count: int) -> Iterator[str]:
    return islice(cycle(q.text for q in common.load_set(common.DEMO, common.DATA).queries), count)


def growth(memory: Sequence[tuple[int, float]]) -> float:
    """Megabytes from the first measurement after a fifth of the turns to the last."""
    settled = next(mb for number, mb in memory if number >= SETTLED * memory[-1][0])
    return memory[-1][1] - settled


if __name__ == "__main__":
    if shutil.which("dyag", path=str(Path(sys.executable).parent)) is None:
        raise SystemExit("benchmark: install dyag into this environment first (pip install -e .)")
    main()
