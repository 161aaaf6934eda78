"""Run command lines in this process from a fixture of any scope, and a folder of sheets to run them on."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from workspace import write

from assistant.app import App
from assistant.cli import main
from assistant.command import parse_slash
from assistant.render import show

CHEAP = ("--set", "index.embedder=langchain:words:HashEmbeddings")
"""Global options that replace the model by hashed bags of words, which load at once."""
SUPPORT = str(Path(__file__).resolve().parent)
CHEAP_ENVIRON = {"PYTHONPATH": SUPPORT, "DYAG_INDEX__EMBEDDER": "langchain:words:HashEmbeddings"}
"""The same for a process of its own."""
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Characters by which a text steers a terminal, or hides in it."""

SHEETS: Mapping[str, str] = {
    "en-nats.md": "---\ntitle: NATS\ncreator: Derek Collison\nteam: messaging\nlicense: Apache-2.0\nclient_port: 4222\n---\n\n"
    "NATS is a small messaging server for services, devices and edge sites.\n\n"
    "## Delivery\n\nCore delivery is at most once: whoever is not connected misses the message.\n",
    "en-squid.md": "# Squid\n\nSquid is a caching proxy for the web.\n\n* Port: 3128\n* Licence: GPL v2\n\n"
    "## History\n\nThe project began in 1996 from the code of the Harvest cache.\n",
    "fr-gitea.md": "# Gitea\n\nGitea est une forge logicielle légère que l'on héberge soi-même.\n\n"
    "Licence : MIT\nÉcrit en : Go\nPort : 3000\n\n## Sauvegarde\n\n"
    "La commande `gitea dump` écrit une archive qui contient la base et les dépôts.\n",
    "fr-redis.md": "# Redis\n\nRedis garde ses données en mémoire vive.\n\n| | |\n|---|---|\n| Créateur | Salvatore Sanfilippo |\n"
    "| Port | 6379 |\n| Licence | AGPLv3 |\n",
    "rows.jsonl": '{"id": "faq-7", "content": "La cantine du siège ouvre à midi et ferme à quatorze heures.", '
    '"metadata": {"title": "Cantine", "team": "siège"}}\n'
    '{"_id": "d9", "title": "Car park", "text": "The car park of the north building closes at ten in the evening."}\n',
}
"""Sheets in both languages, in each shape, with ids of their own in `rows.jsonl`."""


class Ran(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The only line of standard output."""
        (line,) = self.out.splitlines()
        return json.loads(line)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


def run(*argv: str | Path, home: Path, stdin: str | bytes = "", cheap: bool = False) -> Ran:
    """One command line; standard input, output and error are files of bytes, not terminals."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    words = ["--home", str(home), *(CHEAP if cheap else ()), *map(str, argv)]
    with (
        io.TextIOWrapper(io.BytesIO(data), "utf-8") as given,
        mock.patch.object(sys, "stdin", given),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = main(words)
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
    return Ran(code, out.read(), err.read())


def write_sheets(folder: Path, sheets: Mapping[str, str] = SHEETS) -> Path:
    for name, text in sheets.items():
        write(folder / name, text)
    return folder


def indexed_sheets(home: Path, *, cheap: bool = False) -> Path:
    """A workspace with the sheets under `docs`, indexed."""
    done = run("index", write_sheets(home / "docs"), home=home, cheap=cheap)
    assert (done.code, "failed     0" in done.out) == (0, True), done
    return home


def run_slash(app: App, line: str) -> int:
    """One slash-command, as the chat runs it."""
    call = parse_slash(line)
    return show(call.run(app), app.screen, as_json=call.as_json) if call else 0


def cheap_sheets(folder: Path) -> Path:
    """Sheets of thirty made-up tools in French and as many in English: fields, lists, a table, sections, sentences."""
    for n in range(30):
        values = {
            "n": n,
            "maker": f"Maker{n % 7}",
            "licence": ("MIT", "BSD-3", "GPLv3", "AGPLv3")[n % 4],
            "lang": n % 5,
            "base": n % 3,
        }
        write(folder / f"fr{n:02}.md", _FRENCH_SHEET.format(**values, year=1990 + n, minutes=n + 3))
        write(folder / f"en{n:02}.md", _ENGLISH_SHEET.format(**values, minutes=n + 3))
    return folder


_FRENCH_SHEET = """---
title: Outil{n}
licence: {licence}
editeur: {maker}
port: 80{n}
techno:
  - lang{lang}
  - base{base}
premiere_version: {year}
---

Outil{n} est un service de démonstration numéro {n} pour les équipes de la salle {n}.

## Sauvegarde

La sauvegarde d'Outil{n} se lance chaque nuit et dure {minutes} minutes.

| Port | Protocole | Usage |
|---|---|---|
| 80{n} | TCP | web{n} |
| 90{n} | UDP | mesure{n} |
"""
_ENGLISH_SHEET = """---
title: Tool{n}
license: {licence}
vendor: {maker}
port: 70{n}
keywords:
  - word{lang}
  - base{base}
---

Tool{n} is a demonstration service number {n} for the teams of room {n}.

## Backup

The backup of Tool{n} runs every night and takes {minutes} minutes.
"""
