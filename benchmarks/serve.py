"""How many can be answered at once? `dyag serve` over the demo catalogue, against a bare FastAPI endpoint.

    python benchmarks/serve.py [--levels 1 10 50 200] [--delay 0.02] [--rounds 3] [--soak SECONDS]

The model is `fake:`, which waits DELAY seconds before each piece of its answer of PIECES pieces, so an answer takes at least
DELAY x PIECES seconds whatever serves it. Search, prompt, citation check and journal are the real ones. The bare endpoint is
what FastAPI alone does: the same pieces with the same waits as server-sent events, from uvicorn with the same options.

streams    clients that ask again as soon as they are answered, ROUNDS times each, over one connection each; requests a
           second, time of an answer, time to its first token, and the processor time and memory of the server
overload   a server that makes 8 answers at once and lets 8 wait is asked by 100 at once: who is turned away, with what,
           and how it answers afterwards
soak       questions, searches and streams that are dropped half way for so many seconds: errors, and how memory grows
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from benchmarks import common
from benchmarks.common import note, percentile, table

LEVELS = (1, 10, 50, 200)
PIECES = 50
TEXT = "abc" * PIECES
"""The fake model sends 1, 3, 2, 5, 4 characters in turn: these make PIECES pieces."""
WAIT = 120.0
AT_ONCE, WAITING, ASKED = 8, 8, 100
"""Of the overload."""


@dataclass
class Asked:
    """What became of one question; seconds."""

    status: int = 0
    first: float = float("nan")
    whole: float = float("nan")
    retry_after: str = ""
    error: str = ""


@dataclass
class Level:
    """One number of clients at one server."""

    asked: list[Asked] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    mb: float = 0.0


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--levels", type=int, nargs="+", default=LEVELS, help="clients (default: %(default)s)")
    options.add_argument("--delay", type=float, default=0.02, help="seconds before each piece (default: %(default)s)")
    options.add_argument("--rounds", type=int, default=3, help="questions of each client (default: %(default)s)")
    options.add_argument("--soak", type=float, default=60.0, help="seconds (default: %(default)s)")
    options.add_argument("--bare", type=float, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.bare is not None:
        bare(args.bare)
        return
    common.indexed(common.load_set(common.DEMO, common.DATA), args.work)
    home = args.work / common.DEMO
    result: dict[str, Any] = {"delay": args.delay, "pieces": PIECES, "rounds": args.rounds}
    result["streams"] = streams(home, args.levels, args.rounds, args.delay)
    result["alone"] = alone(home)
    result["overload"] = overload(home, args.delay)
    result["soak"] = soak(home, args.soak)
    common.finish("serve", result, report(result), args.json)


def report(result: dict[str, Any]) -> str:
    """Every figure, level by level, dyag above the bare endpoint."""
    head = ("server", "clients", "answers", "errors", "req/s", "p50 s", "p95 s", "p99 s",
            "first p50 s", "first p95 s", "first p99 s", "cpu ms", "MB")  # fmt: skip
    rows = [tuple(row.values()) for row in result["streams"]]
    ideal = result["delay"] * result["pieces"]
    text = table(head, rows)
    text += f"\nan answer takes at least {ideal:.2f} s; cpu ms: processor time of the server an answer"
    cpu, whole = result["alone"].values()
    text += f"\nthe same one after the other without a server: {cpu:.0f} ms of the processor, {whole:.0f} ms, an answer"
    text += "\n\n" + table(("overload", ""), list(result["overload"].items()))
    return text + "\n\n" + table(("soak", ""), list(result["soak"].items()))


# streams -------------------------------------------------------------------------------------------------------------


def streams(home: Path, levels: Sequence[int], rounds: int, delay: float) -> list[dict[str, Any]]:
    """Both servers at each level, in turn."""
    most = max(levels)
    with (
        served(home, delay, max_answers=most, max_waiting=most) as (url, process),
        bare_server(delay) as (bare_url, bare_process),
    ):
        asyncio.run(clients(url, 1, 2, DYAG))  # what is loaded with the first question
        found = []
        for count in levels:
            for name, at, of, path in (("dyag", url, process, DYAG), ("bare", bare_url, bare_process, BARE)):
                note(f"{name}: {count} clients")
                found.append(row(name, count, measured(at, of, count, rounds, path)))
    return found


def measured(url: str, process: psutil.Process, count: int, rounds: int, path: str) -> Level:
    before = process.cpu_times()
    start = time.perf_counter()
    asked = asyncio.run(clients(url, count, rounds, path))
    seconds, after = time.perf_counter() - start, process.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return Level(asked, seconds, cpu, process.memory_info().rss / 1e6)


def row(name: str, count: int, level: Level) -> dict[str, Any]:
    good = [a for a in level.asked if a.status == 200 and not a.error]
    figures = {f"p{p}": percentile((a.whole for a in good), p / 100) for p in (50, 95, 99)}
    figures |= {f"first_p{p}": percentile((a.first for a in good), p / 100) for p in (50, 95, 99)}
    return {
        "server": name,
        "clients": count,
        "answers": len(good),
        "errors": len(level.asked) - len(good),
        "rps": len(good) / level.seconds,
        **figures,
        "cpu_ms": 1000 * level.cpu / max(1, len(level.asked)),
        "mb": level.mb,
    }


def alone(home: Path) -> dict[str, float]:
    """What a question costs before any server: search, decision, prompt, check; the model waits for nothing."""
    app = common.make_app(home, **{"answer.generator": f"fake:{script(home, 0.0)}", "answer.refuse_below": "0"})
    app.answerer.warm()
    questions = [q.text for q in common.load_set(common.DEMO, common.DATA).queries][:60]
    start, cpu = time.perf_counter(), time.process_time()
    for question in questions:
        for _ in app.answerer.answer(question):
            pass
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"cpu_ms": 1000 * cpu / len(questions), "ms": 1000 * seconds / len(questions)}


async def clients(url: str, count: int, rounds: int, path: str) -> list[Asked]:
    """All the answers of `count` clients, each asking `rounds` questions one after the other."""
    questions = cycle(q.text for q in common.load_set(common.DEMO, common.DATA).queries)

    async def client() -> list[Asked]:
        return [await ask(url, path, next(questions)) for _ in range(rounds)]

    return [asked for answers in await asyncio.gather(*(client() for _ in range(count))) for asked in answers]


DYAG, BARE, SEARCH = "/v1/chat/completions", "/stream", "/api/search"


async def ask(url: str, path: str, question: str, drop_after: int | None = None) -> Asked:
    """One question over a connection of its own; `drop_after`: pieces after which the client goes away."""
    done, start = Asked(), time.perf_counter()
    host, _, port = url.removeprefix("http://").partition(":")
    try:
        async with asyncio.timeout(WAIT):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(request(path, question))
                await read(reader, done, start, drop_after)
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        done.error = type(error).__name__
    done.whole = time.perf_counter() - start
    return done


def request(path: str, question: str) -> bytes:
    asked: dict[str, Any] = {"model": "dyag-rag", "stream": True, "messages": [{"role": "user", "content": question}]}
    body = json.dumps({"query": question} if path == SEARCH else asked).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def read(reader: asyncio.StreamReader, done: Asked, start: float, drop_after: int | None) -> None:
    """A response, its chunks as they come; what is looked for is never cut, since each event is one chunk."""
    status = await reader.readline()
    if not status:
        raise ConnectionResetError
    done.status = int(status.split()[1])
    while (line := await reader.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"retry-after:"):
            done.retry_after = line.partition(b":")[2].strip().decode()
    pieces, ended = 0, False
    while line := await reader.readline():
        if b'"content":"' in line and b'"content":""' not in line:
            pieces += 1
            if pieces == 1:
                done.first = time.perf_counter() - start
            if pieces == drop_after:
                return
        ended = ended or line.startswith(b"data: [DONE]")
    if done.first == done.first and not ended:
        done.error = "broken off"


# servers -------------------------------------------------------------------------------------------------------------


@contextmanager
def served(home: Path, delay: float, **settings: int) -> Iterator[tuple[str, psutil.Process]]:
    """`dyag serve`, with a fake model that is as slow as that."""
    chosen = {
        "answer.generator": f"fake:{script(home, delay)}",
        "answer.refuse_below": "0",
        "index.threads": str(common.THREADS),
    }
    chosen |= {f"serve.{name}": str(value) for name, value in settings.items()}
    words = [sys.executable, "-P", "-m", "assistant.cli", "--home", str(home)]
    words += [word for name, value in chosen.items() for word in ("--set", f"{name}={value}")]
    with child([*words, "serve", "--port", "0", "--json"]) as found:
        yield found


def script(home: Path, delay: float) -> Path:
    """What the fake model plays."""
    path = home / "serve-benchmark.jsonl"
    path.write_text(json.dumps({"match": ".", "text": TEXT, "delay": delay}) + "\n", encoding="utf-8")
    return path


@contextmanager
def bare_server(delay: float) -> Iterator[tuple[str, psutil.Process]]:
    with child([sys.executable, __file__, "--bare", str(delay)]) as found:
        yield found


@contextmanager
def child(words: Sequence[str]) -> Iterator[tuple[str, psutil.Process]]:
    """A server process; its first line is `{"url": …}`."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:1])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"benchmark: {' '.join(words)} did not begin")
            yield json.loads(line)["url"], psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


class Message(BaseModel):
    role: str
    content: str


class Question(BaseModel):
    """What the bare endpoint reads."""

    model: str
    messages: list[Message]
    stream: bool = False


def bare(delay: float) -> None:
    """The endpoint that ours is held against, until it is told to stop."""
    api = FastAPI()

    @api.post(BARE)
    async def stream(asked: Question) -> StreamingResponse:
        async def pieces() -> Any:
            for at in range(PIECES):
                await asyncio.sleep(delay)
                chunk = {"model": asked.model, "choices": [{"delta": {"content": TEXT[3 * at : 3 * at + 3]}}]}
                yield f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(pieces(), media_type="text/event-stream")

    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
        config = uvicorn.Config(api, http="h11", log_config=None, access_log=False, ws="none", server_header=False)
        uvicorn.Server(config).run([listener])


# overload ------------------------------------------------------------------------------------------------------------


def overload(home: Path, delay: float) -> dict[str, Any]:
    """More at once than are taken on; then, after what Retry-After says, one more."""
    with served(home, delay, max_answers=AT_ONCE, max_waiting=WAITING) as (url, _):
        asyncio.run(clients(url, 1, 2, DYAG))
        found = asyncio.run(clients(url, ASKED, 1, DYAG))
        refused = [a for a in found if a.status == 429]
        time.sleep(max((float(a.retry_after) for a in refused if a.retry_after), default=0.0))
        after = asyncio.run(clients(url, AT_ONCE, 2, DYAG))
    statuses = Counter(str(a.status or a.error) for a in found)
    return {
        **{f"answered {status}": number for status, number in sorted(statuses.items())},
        "with Retry-After": sum(bool(a.retry_after) for a in refused),
        "slowest refusal s": max((a.whole for a in refused), default=float("nan")),
        f"of {len(after)} afterwards, answered": sum(a.status == 200 and not a.error for a in after),
        "median of those s": median(a.whole for a in after),
    }


# soak ----------------------------------------------------------------------------------------------------------------


def soak(home: Path, seconds: float) -> dict[str, Any]:
    """Mixed load on one server; resident memory as it goes."""
    with served(home, 0.002, max_answers=32, max_waiting=64) as (url, process):
        memory, asked = asyncio.run(_soak(url, process, seconds))
    kinds = Counter(f"{name} {a.error or a.status}" for name, a in asked)
    settled = memory[len(memory) // 3]
    return {**dict(sorted(kinds.items())), "MB after a third": settled, "MB at the end": memory[-1]}


async def _soak(url: str, process: psutil.Process, seconds: float) -> tuple[list[float], list[tuple[str, Asked]]]:
    questions = cycle(q.text for q in common.load_set(common.DEMO, common.DATA).queries)
    end, asked, memory = time.monotonic() + seconds, [], []

    async def client(name: str, path: str, drop_after: int | None) -> None:
        while time.monotonic() < end:
            asked.append((name, await ask(url, path, next(questions), drop_after)))

    async def look() -> None:
        while time.monotonic() < end:
            memory.append(process.memory_info().rss / 1e6)
            await asyncio.sleep(max(0.5, seconds / 60))

    kinds = (("chat", DYAG, None), ("dropped", DYAG, 5), ("search", SEARCH, None))
    await asyncio.gather(look(), *(client(*kind) for kind in kinds for _ in range(4)))
    return memory, asked


if __name__ == "__main__":
    main()
