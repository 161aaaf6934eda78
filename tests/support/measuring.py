"""What the two suites share that measure a model one names: `pytest tests/performance --model run:ID`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from words import WordEmbedder

from assistant.app import App
from assistant.workspace import Home, find_home

ENVIRON = dict(os.environ)
"""Of the user. Tests have an environment of their own, and a user's model is found by theirs."""


@contextmanager
def users_app() -> Iterator[App]:
    """The workspace in which pytest was started, with the user's settings and keys."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRON.items():
            patch.setenv(name, value)
        yield App(find_home(None, os.environ, Path.cwd()), {})


def app_in(folder: Path, **settings: str) -> App:
    """The workspace of a test; `model_max_tokens` stands for model.max_tokens."""
    app = App(Home(folder, "test"), {name.replace("_", ".", 1): value for name, value in settings.items()})
    app.embedder = WordEmbedder()
    return app


def script(path: Path, answers: Mapping[str, str]) -> str:
    """The name of a model that gives each question its answer, and `?` to any other."""
    lines = [{"match": re.escape(asked), "text": said} for asked, said in answers.items()]
    path.write_text("\n".join(map(json.dumps, [*lines, {"match": ".", "text": "?"}])), encoding="utf-8")
    return f"fake:{path}"
