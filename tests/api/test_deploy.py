"""What docs/deploy.md and the Containerfile tell to type and to watch is there."""

from __future__ import annotations

import re
from pathlib import Path

from fastapi.testclient import TestClient

from assistant.api.options import Options
from assistant.api.server import create
from assistant.app import App
from assistant.command import cli_commands
from assistant.settings import NAMES
from assistant.workspace import Home

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8")


def test_every_metric_that_is_named_is_told(tmp_path: Path) -> None:
    api = create(App(Home(tmp_path, "test"), {}), Options())
    described = TestClient(api, base_url="http://localhost:5002").get("/metrics").text
    told = set(re.findall(r"^# TYPE (\w+)", described, re.MULTILINE))
    # Those of the index are told where there is one.
    named = set(re.findall(r"\bdyag_[a-z_]+", DEPLOY)) - {"dyag_index_age_seconds", "dyag_index_chunks"}
    assert len(named) > 8
    assert named - told == set()


def test_every_option_that_is_named_is_an_option() -> None:
    flags = {flag for parameter in cli_commands()["serve"].parameters for flag in parameter.flags}
    lines = re.findall(r"dyag serve ([^\n`]*)", DEPLOY) + re.findall(r" dyag (--[^\n`]*)", DEPLOY)
    named = {word for line in lines for word in line.split() if word.startswith("--")}
    named |= set(re.findall(r'"(--[\w-]+)"', CONTAINER.partition("ENTRYPOINT")[2]))
    assert {"--host", "--allow-host"} <= named <= flags


def test_every_setting_and_command_that_is_named_is_there() -> None:
    assert set(re.findall(r"`(serve\.\w+)`", DEPLOY)) <= set(NAMES)
    known = {word for name in cli_commands() for word in (name, name.partition(" ")[0])}
    assert set(re.findall(r"`dyag ([a-z]+)", DEPLOY)) <= known


def test_the_container_copies_what_is_there() -> None:
    sources = [word for line in re.findall(r"^COPY (.*) \S+$", CONTAINER, re.MULTILINE) for word in line.split()]
    assert len(sources) > 6
    assert [name for name in sources if not (ROOT / name).exists()] == []
