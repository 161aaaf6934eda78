"""The commands of a guide, and a terminal in which they are typed: `guide_blocks(text)`, `Terminal(home, …).type(command)`."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from commands import Ran
from fake_finetuning import FakeFinetuning, Job

from assistant.cli import main
from assistant.command import GROUPS

ROOT = Path(__file__).resolve().parents[2]
SHELL = ("sh", "bash")
FILES = ("json", "jsonl", "toml")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"# (?:code de sortie|exit code) (\d+)")
SCRIPTS: Mapping[str, str] = {
    "python scripts/prepare_finetuning_data.py": "dyag gen-dataset",
    "python scripts/finetune_model.py": "dyag finetune",
    "python scripts/chat.py": "dyag chat",
    "python scripts/chat_hybrid.py": "dyag chat",
    "python scripts/evaluate_finetuned.py": "dyag evaluate-finetuned",
    "python scripts/compare_models.py": "dyag compare-models",
    "python scripts/generate_optimal_rag.py": "dyag chunk",
    "python -m src.training.advanced_trainer": "dyag finetune",
    "python -m json.tool": "dyag dataset validate",
}
"""What the scripts of other guides are called here."""


@dataclass(frozen=True)
class Typed:
    """A command line, and the code it is to exit with."""

    line: str
    code: int = 0

    @property
    def words(self) -> list[str]:
        """Of the last command of a pipe."""
        words = shlex.split(self.line, comments=True)
        return words[len(words) - words[::-1].index("|") :] if "|" in words else words

    @property
    def name(self) -> str:
        """`dataset merge` of `dyag --home notes dataset merge …`; of other programs the program."""
        words = self.words
        if words[0] != "dyag":
            return words[0]
        own = words[1:]
        while own[0] in ("--home", "--set"):
            own = own[2:]
        return " ".join(own[: 1 + (own[0] in GROUPS)])

    @property
    def flags(self) -> frozenset[str]:
        return frozenset(word.partition("=")[0] for word in self.words if word.startswith("--"))


@dataclass(frozen=True)
class Written:
    """A file that the reader is to write."""

    path: str
    text: str


def guide_blocks(text: str) -> Iterator[Typed | Written]:
    """What a guide has one type and write, in its order. Raises ValueError for a file without a name."""
    for match in _BLOCK.finditer(text):
        kind, body = match[1], match[2]
        if kind in SHELL:
            yield from map(_typed, _lines(body))
        elif kind in FILES:
            named = re.findall(rf"`(\S+\.{kind})`", text[: match.start()])
            if not named:
                raise ValueError(f"a block of {kind} that no file is named for")
            yield Written(named[-1], body)


def guide_commands(text: str) -> list[Typed]:
    """What a guide has one type, as dyag calls it."""
    return [_as_dyag(_typed(line)) for kind, body in _BLOCK.findall(text) if kind in SHELL for line in _lines(body)]


def _lines(body: str) -> Iterator[str]:
    for line in body.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield " ".join(line.split())


def _typed(line: str) -> Typed:
    code = _CODE.search(line)
    return Typed(re.sub(r"\s+# .*", "", line), int(code[1]) if code else 0)


def _as_dyag(typed: Typed) -> Typed:
    line = re.sub(r" > /dev/null$", "", typed.line)
    for script, name in SCRIPTS.items():
        line = re.sub(rf"^{re.escape(script)}(?= |$)", name, line)
    return Typed(line, typed.code)


class Asked(io.TextIOWrapper):
    """Standard input of somebody who is at a terminal and agrees."""

    def isatty(self) -> bool:
        return True


@dataclass
class Terminal:
    """Where commands are typed: in a folder, by somebody who says yes, and asks the chat one question."""

    home: Path
    examples: dict[str, str] = field(default_factory=dict)
    """What stands in a guide for what a command tells, and what it told."""

    def write(self, file: Written) -> None:
        path = self.home / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, encoding="utf-8")

    def type(self, typed: Typed) -> Ran:
        line = typed.line
        for example, told in self.examples.items():
            line = line.replace(example, told)
        before, _, last = line.rpartition(" | ")
        given = self._shell(before).out if before else "Quel port écoute PostgreSQL ?\n"
        words = shlex.split(os.path.expandvars(last))
        if before:  # in a process of its own, whose end closes what it opened
            return self._process([sys.executable, "-P", "-m", "assistant.cli", *words[1:]], given)
        if words[0] == "dyag":
            return self._dyag(words[1:], given)
        if words[0] == "pytest":
            test, *options = words[1:]
            return self._process(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / test), *options]
            )
        return self._shell(last)

    def _dyag(self, words: list[str], given: str) -> Ran:
        agrees = "chat" not in words
        stdin = (Asked if agrees else io.TextIOWrapper)(io.BytesIO(("y\n" if agrees else given).encode()), "utf-8")
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
        with stdin, mock.patch.object(sys, "stdin", stdin), redirect_stdout(out), redirect_stderr(err):
            code = main(words)
        for stream in (out, err):
            stream.flush()
            stream.seek(0)
        return Ran(code, out.read(), err.read())

    def _shell(self, line: str) -> Ran:
        return self._process(["bash", "-c", line])

    def _process(self, words: list[str], given: str = "") -> Ran:
        done = subprocess.run(
            words, cwd=self.home, input=given, capture_output=True, text=True, timeout=300, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)


class GuideService(FakeFinetuning):
    """A service whose jobs have the names that a guide gives them, and that may have trained before."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = list(names)

    def new_id(self, kind: str) -> str:
        return f"ftjob-{self.names.pop(0)}" if kind == "ftjob" and self.names else super().new_id(kind)

    def trained(self, job: str, model: str) -> None:
        """A job that has ended long ago."""
        self.jobs[job] = _Old(
            job, {"model": "gpt-4o-mini-2024-07-18", "training_file": "", "name": model}, 1, ["succeeded"]
        )


class _Old(Job):
    @property
    def tuned(self) -> str:
        return str(self.body["name"])
