"""Makes examples with a teacher in a process of its own, which may be killed: `teaching_child.py HOME URL WORKERS OUTPUT`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from fake_teacher import REFUSALS, find, readings

from assistant.app import App
from assistant.teacher import load_asker
from assistant.workspace import Home
from finetune.drops import Drops
from finetune.teacher.method import examples

CHUNKS = 40


def main(home: str, url: str, workers: str, output: str) -> None:
    app = App(Home(Path(home), "test"), {})
    drops = Drops()
    with load_asker(app, f"openai:m@{url}/v1", int(workers)) as asker:
        made = [asdict(example) for example in examples(readings(CHUNKS), asker, find, 1, drops, REFUSALS)]
    Path(output).write_text(json.dumps([made, drops.counts, drops.examples(), sorted(drops.counts)]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
