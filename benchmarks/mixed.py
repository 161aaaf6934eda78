"""Do a chat and a server get along on one workspace? Mixed use for so many seconds, then the books are checked.

    python benchmarks/mixed.py [--seconds 600] [--clients 3]

One `dyag serve` and one `dyag chat` share a workspace of the demo catalogue. CLIENTS programs ask the server, stream or not,
and rate or correct what they are answered; the chat is asked all the while; a sheet changes again and again, and `dyag index`
reads it. After each sync the server and the chat are asked what the sheet says now.

lost    answers and ratings that were acknowledged and are not in the journal, or not as they were
stale   answers after a sync that tell what the sheet said before it
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common
from benchmarks.common import note, table

SHEET = "# Zorglub\n\nZorglub est un service interne de démonstration.\n\nPort : {port}\nLicence : MIT\n"
ASKED = "Quel port écoute Zorglub ?"
CHAT = "mixed-chat"
ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:1])}


@dataclass
class Books:
    """What was acknowledged, and what went wrong."""

    questions: dict[int, str] = field(default_factory=dict)
    """By interaction."""
    opinions: dict[tuple[int, str], str] = field(default_factory=dict)
    """Rating, or correction, by interaction and author."""
    chat: list[str] = field(default_factory=list)
    """Questions that the chat answered."""
    stale: list[str] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--seconds", type=float, default=600.0, help="(default: %(default)s)")
    options.add_argument("--clients", type=int, default=3, help="programs at the server (default: %(default)s)")
    args = options.parse_args()
    home = workspace(args.work)
    books = Books()
    with process(home, "serve", "--port", "0", "--json") as server, chat(home) as talk:
        url = json.loads(server.stdout.readline())["url"]
        use(home, url, talk, books, args.seconds, args.clients)
    result = {"seconds": args.seconds, **books.count, **lost(home, books), "stale": books.stale}
    rows = [(name, len(value) if isinstance(value, list) else value) for name, value in result.items()]
    common.finish("mixed", result, table(("mixed use", ""), rows), args.json)
    raise SystemExit(1 if result["lost"] or result["stale"] else 0)


def workspace(work: Path) -> Path:
    """The demo catalogue and the sheet that changes, indexed, with a journal of its own."""
    common.indexed(common.load_set(common.DEMO, common.DATA), work)
    home = work / common.DEMO
    for path in (home / "data").glob("journal.sqlite3*"):
        path.unlink()
    change(home, 1000)
    return home


def change(home: Path, port: int) -> None:
    """Another port in the sheet, and a sync that has ended."""
    sheet = home / "sheets" / "zorglub.md"
    sheet.parent.mkdir(exist_ok=True)
    sheet.write_text(SHEET.format(port=port), encoding="utf-8")
    subprocess.run(line(home, "index", str(sheet.parent)), env=ENVIRON, check=True, capture_output=True)


def use(home: Path, url: str, talk: Talk, books: Books, seconds: float, clients: int) -> None:
    """Everybody at once, until the time is over. Raises what any of them does."""
    end = time.monotonic() + seconds
    questions = [q.text for q in common.load_set(common.DEMO, common.DATA).queries]
    with ThreadPoolExecutor(clients + 2) as pool:
        parts = [pool.submit(program, url, f"program-{n}", questions, books, end) for n in range(clients)]
        parts += [pool.submit(chatting, talk, questions, books, end)]
        parts += [pool.submit(changing, home, url, talk, books, end)]
        for part in parts:
            part.result()


def program(url: str, user: str, questions: Sequence[str], books: Books, end: float) -> None:
    """Ask the server, and say something about two of three answers."""
    rng = random.Random(user)
    while time.monotonic() < end:
        question = rng.choice(questions)
        if (answered := ask(url, question, user, stream=rng.random() < 0.5)) is None:
            books.count["turned away"] += 1
            continue
        number, _ = answered
        books.questions[number] = question
        books.count["answers of the server"] += 1
        said = rng.choice(({"rating": "good"}, {"correction": f"Correction of {number} by {user}"}, None))
        if said:
            send(f"{url}/api/feedback", {"interaction": number, "user": user, **said})
            books.opinions[number, user] = next(iter(said.values()))
            books.count["opinions"] += 1


def chatting(talk: Talk, questions: Sequence[str], books: Books, end: float) -> None:
    rng = random.Random("chat")
    while time.monotonic() < end:
        books.chat.append(question := rng.choice(questions))
        talk.ask(question)
        books.count["answers of the chat"] += 1


def changing(home: Path, url: str, talk: Talk, books: Books, end: float) -> None:
    """Change the sheet, and ask both for what it says now."""
    port = 1000
    while time.monotonic() < end:
        port += 1
        change(home, port)
        books.count["syncs"] += 1
        answered = None
        while answered is None:
            answered = ask(url, ASKED, "changing", stream=False)
        books.questions[answered[0]] = ASKED
        books.chat.append(ASKED)
        for who, text in (("server", answered[1]), ("chat", talk.ask(ASKED))):
            if str(port) not in text:
                books.stale.append(f"{who}, port {port}: {text}")
        time.sleep(1)


def lost(home: Path, books: Books) -> dict[str, Any]:
    """What the journal does not hold of what was acknowledged."""
    with sqlite3.connect(home / "data" / "journal.sqlite3") as db:
        kept = dict(db.execute("SELECT id, question FROM interactions WHERE author != ?", (CHAT,)))
        chat = Counter(row[0] for row in db.execute("SELECT question FROM interactions WHERE author = ?", (CHAT,)))
        said = {(row[0], row[1]): row[2] or row[3] for row in
                db.execute("SELECT interaction_id, author, rating, correction FROM feedback")}  # fmt: skip
        whole = db.execute("PRAGMA integrity_check").fetchone()[0]
    missing = [f"answer {n}" for n, question in books.questions.items() if kept.get(n) != question]
    missing += [f"opinion on {key}" for key, text in books.opinions.items() if said.get(key) != text]
    missing += [f"chat: {question}" for question, number in Counter(books.chat).items() if chat[question] != number]
    return {"rows in the journal": len(kept) + chat.total(), "journal": whole, "lost": missing}


# both ends -----------------------------------------------------------------------------------------------------------


def ask(url: str, question: str, user: str, *, stream: bool) -> tuple[int, str] | None:
    """The number of an answer, and its text; None when the server is too busy and says so."""
    body = {"model": "dyag-rag", "user": user, "stream": stream, "messages": [{"role": "user", "content": question}]}
    try:
        given = send(f"{url}/v1/chat/completions", body)
    except HTTPError as error:
        with error:
            if error.code != 429:
                raise
            time.sleep(float(error.headers["Retry-After"]))
            return None
    if not stream:
        whole = json.loads(given)
        return whole["dyag"]["interaction"], whole["choices"][0]["message"]["content"]
    chunks = [json.loads(part[6:]) for part in given.split("\n\n") if part.startswith("data: {")]
    number = next(chunk["dyag"]["interaction"] for chunk in chunks if chunk.get("dyag"))
    return number, "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


def send(url: str, body: dict[str, Any]) -> str:
    made = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(made, timeout=120) as response:
        return str(response.read().decode())


class Talk:
    """A chat whose lines come from a pipe; each is answered by one line of JSON."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child, self._lock = child, threading.Lock()

    def ask(self, question: str) -> str:
        """The text of the answer."""
        assert self._child.stdin
        assert self._child.stdout
        with self._lock:
            self._child.stdin.write(question + "\n")
            self._child.stdin.flush()
            found = json.loads(self._child.stdout.readline())
        return str(found["answer"])


@contextmanager
def chat(home: Path) -> Iterator[Talk]:
    with process(home, "--set", f"feedback.author={CHAT}", "chat", "--json") as child:
        yield Talk(child)
        assert child.stdin
        child.stdin.close()
        child.wait(60)


@contextmanager
def process(home: Path, *words: str) -> Iterator[Any]:
    """A command of dyag, told to stop at the end."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen(line(home, *words), env=ENVIRON, **pipes) as child:
        try:
            yield child
        finally:
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
            child.wait(60)


def line(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "assistant.cli", "--home", str(home), *words]


if __name__ == "__main__":
    note("a machine with other work on it answers less, and loses nothing all the same")
    main()
