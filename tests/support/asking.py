"""A workspace of sheets, served in this process, with a scripted model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from commands import CHEAP
from fastapi import FastAPI
from live import live

from assistant.api.options import Options
from assistant.api.server import create
from assistant.app import App
from assistant.workspace import Home

SETTINGS = dict([CHEAP[1].split("=", 1)])
GITEA = "Quel port écoute Gitea ?"


def scripted(home: Path, *replies: Mapping[str, Any], **settings: str) -> App:
    """An app whose model plays these replies; without any, `fake:` as it is."""
    name = "fake:"
    if replies:
        (home / "script.jsonl").write_text("".join(json.dumps(reply) + "\n" for reply in replies), encoding="utf-8")
        name = "fake:script.jsonl"
    return App(Home(home, "test"), {**SETTINGS, "answer.generator": name, "answer.refuse_below": "0", **settings})


@contextmanager
def served(app: App, **options: Any) -> Iterator[tuple[FastAPI, str]]:
    """(the application, its URL) while it answers."""
    api = create(app, Options(port=0, **options))
    with live(api) as url:
        try:
            yield api, url
        finally:
            api.state.server.answers.close()
            app.journal.close()


def ask(question: str = GITEA, **more: Any) -> dict[str, Any]:
    """The body of a question."""
    return {"model": "dyag-rag", "messages": [{"role": "user", "content": question}], **more}
