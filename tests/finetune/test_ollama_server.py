"""What an Ollama server is sent, and what it may answer; names; Modelfiles as Ollama reads them."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_ollama import FakeOllama, Refused
from fake_provider import refused_port
from hypothesis import given
from hypothesis import strategies as st

from finetune.export.modelfile import Modelfile
from finetune.export.ollama_server import NoOllama, OllamaFailed, Server, check_name
from retrieval.errors import BadInput

CHILD = Path(__file__).resolve().parent.parent / "support" / "ollama_child.py"
MADE = Modelfile("./m.gguf", "{{ .System }}", "Tu réponds.", ("<|im_end|>", "\nUser:"), 512, 0.0, "mit")


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + random.Random(0).randbytes(200_000))
    return path


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def quiet(_: str) -> None:
    """Hears nothing."""


def made(server: Server, file: Path, name: str = "port-bot") -> None:
    server.send(file, digest(file), quiet)
    server.create(MADE.request(check_name(name), digest(file)), quiet)


def test_a_file_is_sent_once_and_the_model_is_there(ollama: FakeOllama, file: Path) -> None:
    server, told = Server(ollama.url), list[str]()
    assert server.send(file, digest(file), told.append)
    assert not server.send(file, digest(file), quiet)
    assert told[-1] == "sending m.gguf: 100 %"
    server.create(MADE.request("port-bot:latest", digest(file)), told.append)
    assert told[-1] == "Ollama: success"
    model = ollama.models["port-bot:latest"]
    assert (model.digest, model.template, model.system) == (digest(file), MADE.template, MADE.system)
    assert model.parameters == {"stop": ["<|im_end|>", "\nUser:"], "num_ctx": 512, "temperature": 0.0}
    assert server.has("PORT-bot:latest") == "port-bot:latest"
    assert server.has("port-bot:v2") == ""
    assert f"sha256-{digest(file)}" in server.modelfile("port-bot:latest")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("stream error", "no space left on device"),
        ("no success", "it ended with 'writing manifest'"),
        ("garbage", "no JSON"),
        (500, "scripted"),
        (401, "scripted"),
    ],
)
def test_a_model_is_made_only_when_the_server_says_so_at_the_end(
    ollama: FakeOllama, file: Path, fault: Any, said: str
) -> None:
    ollama.fail = lambda method, path: fault if path == "/api/create" else None
    with pytest.raises(OllamaFailed, match=said):
        made(Server(ollama.url), file)


@pytest.mark.parametrize("path", ["/api/tags", "/api/blobs/"])
@pytest.mark.parametrize("status", [301, 403, 500])
def test_a_server_that_refuses_is_one_message(ollama: FakeOllama, file: Path, path: str, status: int) -> None:
    ollama.fail = lambda _, asked: status if asked.startswith(path) else None
    server = Server(ollama.url)
    with pytest.raises(OllamaFailed, match=str(status)):
        server.has("m") or server.send(file, digest(file), quiet)


def test_an_upload_that_breaks_off_is_told_and_goes_on_when_it_is_given_again(ollama: FakeOllama, file: Path) -> None:
    ollama.fail = lambda method, path: "cut" if method == "POST" else None
    with pytest.raises(OllamaFailed, match="was lost") as error:
        made(Server(ollama.url), file)
    assert "Give the command again" in error.value.hint
    assert not ollama.blobs
    ollama.fail = lambda method, path: None
    made(Server(ollama.url), file)
    assert "port-bot:latest" in ollama.models


def test_no_server() -> None:
    with pytest.raises(NoOllama, match="No Ollama answers") as error:
        Server(f"http://127.0.0.1:{refused_port()}").has("m")
    assert "ollama serve" in error.value.hint


# names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["m", "m:v2", "qwen3-sfd-analyzer-v2", "team/m", "team/M_1.5:q8_0", "host.org:443/team/m:1", "_m"]
)
def test_names_that_ollama_takes(ollama: FakeOllama, file: Path, name: str) -> None:
    made(Server(ollama.url), file, name)
    assert check_name(name) in ollama.models


BAD = [
    "", " ", "m:", ":v2", "my model", "é", "m/", "/m", "-m", ".m", "a/b/c/d", "te.am/m", "m:v/2", "a" * 81, "m:" + "v" * 81,
    "m\n", "../m",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_names_that_ollama_refuses_are_refused_before(ollama: FakeOllama, file: Path, name: str) -> None:
    with pytest.raises(BadInput, match="takes no model of the name"):
        check_name(name)
    server = Server(ollama.url)
    server.send(file, digest(file), quiet)
    with pytest.raises(OllamaFailed, match="invalid model name"):
        server.create(MADE.request(name, digest(file)), quiet)


@given(st.text(st.sampled_from("aZ9_-.:/ é\n"), max_size=12))
def test_of_any_name_the_server_and_we_think_the_same(name: str) -> None:
    body = {"model": name, "files": {"m.gguf": f"sha256:{'0' * 64}"}}
    fake = FakeOllama()
    fake.blobs["0" * 64] = b"GGUF"
    try:
        full = check_name(name)
    except BadInput:
        with pytest.raises(Refused, match="invalid model name"):
            fake.make(body)
    else:
        assert fake.make(body).name == full


# Modelfiles ----------------------------------------------------------------------------------------------------------


def parsed(text: str) -> list[tuple[str, str]]:
    """Commands and their values as Ollama's parser reads them: quoted values end with their quotes at the end of a line."""
    found: list[tuple[str, str]] = []
    lines = iter(text.splitlines(keepends=True))
    for line in lines:
        command, _, value = line.partition(" ")
        if command == "PARAMETER":
            key, _, value = value.partition(" ")
            command = f"{command} {key}"
        while (own := unquoted(value.removesuffix("\n"))) is None:
            value += next(lines)
        found.append((command, own))
    return found


def unquoted(value: str) -> str | None:
    """None while a quote is open."""
    if value.startswith('"""'):
        return value[3:-3] if len(value) >= 6 and value.endswith('"""') else None
    if value.startswith('"'):
        return value[1:-1] if len(value) >= 2 and value.endswith('"') else None
    return value


TEXT = st.text(st.sampled_from('ab"{}\n #\\'), min_size=1, max_size=12).filter(lambda text: '"""' not in text)


@given(TEXT, TEXT, st.lists(TEXT, max_size=3))
def test_a_modelfile_says_what_was_meant(template: str, system: str, stop: list[str]) -> None:
    written = Modelfile("./m.gguf", template, system, tuple(stop), 4096, 0.7, "apache-2.0")
    assert parsed(written.text()) == [
        ("FROM", "./m.gguf"), ("TEMPLATE", template), ("SYSTEM", system), *(("PARAMETER stop", s) for s in stop),
        ("PARAMETER num_ctx", "4096"), ("PARAMETER temperature", "0.7"), ("LICENSE", "apache-2.0"),
    ]  # fmt: skip


def test_a_text_that_a_modelfile_cannot_hold_is_refused() -> None:
    with pytest.raises(BadInput, match="which a Modelfile cannot"):
        Modelfile("./m.gguf", "t", 'say """\n', (), 1, 0, "").text()


# killed --------------------------------------------------------------------------------------------------------------


def test_uploads_that_are_killed_leave_no_model_and_whole_files_are_not_sent_again(
    ollama: FakeOllama, file: Path
) -> None:
    """Five die while they send, one as the model is about to be made."""
    steps = [*random.Random(9).sample(range(1, 12), 5), 0]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(CHILD), ollama.url, str(file), digest(file), *map(str, steps)]
    done = subprocess.run(command, capture_output=True, env=environ, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    assert not ollama.models
    assert len(ollama.uploads()) == 6
    made(Server(ollama.url), file)
    assert len(ollama.uploads()) == 6  # the sixth was whole
    assert "port-bot:latest" in ollama.models
