"""Writes the transcript in README.md: a chat about the demo catalogue, held by the program itself.

python docs/make_transcript.py            hold the chat and write it into the README
python docs/make_transcript.py --check    write nothing; exit 1 when the README shows another chat
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

from assistant.app import App
from assistant.chat import PROMPT, Chat
from assistant.cli import main as dyag
from assistant.screen import Screen
from assistant.workspace import Home

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- transcript[^>]*-->\n```\n).*?(```\n<!-- end of transcript -->)", re.DOTALL)
TOOK = re.compile(r"(?<= · )[\d.]+ s$", re.MULTILINE)
FIRST = (
    "Quel port écoute PostgreSQL ?",
    "/source 271",
    "Et sa licence ?",
    "Quel est le prix de l’essence ?",
    "/mode hybrid",
    "Who created Redis?",
    "/bad the answer should be a sentence",
    "/fix Redis was created by Salvatore Sanfilippo [chunk_287].",
    "/export --output redis.md",
    "/quit",
)
SECOND = ("/resume", "And its port?")


class Typed:
    """A prompt at which the lines are typed; they are shown as a terminal would."""

    def __init__(self, lines: Sequence[str], out: io.StringIO) -> None:
        self._lines, self._out = iter(lines), out

    def ask(self) -> str:
        line = next(self._lines, None)
        if line is None:
            raise EOFError
        self._out.write(f"{PROMPT}{line}\n")
        return line

    def when_drawn(self, begin: Callable[[], None]) -> None:
        begin()

    def refresh(self) -> None: ...

    def interrupted(self) -> None: ...


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="exit 1 when the README shows another chat")
    args = parser.parse_args()
    before = README.read_text(encoding="utf-8")
    if not BLOCK.search(before):
        raise SystemExit("README.md has lost the marks around the transcript.")
    held = transcript()
    after = BLOCK.sub(lambda found: f"{found[1]}{held}{found[2]}", before)
    if not args.check:
        README.write_text(after, encoding="utf-8")
        return 0
    if TOOK.sub("", before) == TOOK.sub("", after):  # how long an answer took differs every time
        return 0
    print("README.md shows another chat than dyag holds; run `python docs/make_transcript.py`.", file=sys.stderr)
    return 1


def transcript() -> str:
    """Two chats in a new workspace with the demo catalogue; the second resumes the first."""
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        shutil.copytree(ROOT / "data" / "catalogue", home / "data" / "catalogue")
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            if dyag(["--home", made, "index", str(home / "data" / "catalogue")]):
                raise SystemExit("The demo catalogue could not be indexed.")
        with chdir(home):
            return "".join(_chats(home)).replace(f"{home}/", "")


def _chats(home: Path) -> Iterator[str]:
    for lines in (FIRST, SECOND):
        out = io.StringIO()
        app = App(Home(home, "transcript"), {}, Screen(out, out, {}))
        Chat(app, interactive=True, terminal=Typed(lines, out)).run()  # type: ignore[arg-type]
        app.journal.close()
        yield f"$ dyag chat\n{out.getvalue()}"


if __name__ == "__main__":
    sys.exit(main())
