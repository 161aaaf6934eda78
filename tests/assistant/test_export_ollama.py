"""`dyag export-ollama`: files, server, and the model as a generator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Ran, run
from fake_ollama import FakeOllama
from fake_provider import refused_port
from runs import trained_home

from assistant.generators.base import Options
from assistant.generators.load import load_model
from assistant.settings import ModelSettings
from finetune.export.kept import kept_exports
from retrieval.types import Message

RUN = "20261104-153012-a1f3"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose run is a GGUF file already: that takes seconds."""
    import torch

    torch.set_num_threads(1)
    home = trained_home(tmp_path_factory.mktemp("ollama") / "home")
    rows = [{"messages": [{"role": "system", "content": "Tu réponds."}, {"role": "user", "content": f"{n} ?"},
                          {"role": "assistant", "content": "Oui."}]} for n in range(3)]  # fmt: skip
    from dataclasses import replace

    from finetune.runs.folder import RunFolder

    folder = RunFolder(home / "models" / "runs" / RUN)
    folder.dataset.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder.finish(replace(folder.manifest(), artifacts={}, sizes={}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_HOST", f"127.0.0.1:{refused_port()}")
        done = run("export-ollama", "latest", "port-bot", "--quantize", "f32", "--json", home=home)
    assert done.code == 0, done
    assert done.json["created"] is False
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy: a workspace may be moved, and its files are found."""
    return shutil.copytree(made, tmp_path / "home")


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


def export(home: Path, *argv: str | Path) -> Ran:
    return run("export-ollama", "latest", *argv, "--quantize", "f32", home=home)


def test_without_a_server_the_files_are_there_and_it_is_said_how_to_go_on(made: Path, home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLLAMA_HOST", f"127.0.0.1:{refused_port()}")
        ran = export(home, "port-bot")
    assert (ran.code, "Written: " in ran.out) == (0, True), ran
    assert "ollama create port-bot:latest -f " in ran.err
    text = (home / "models" / "gguf" / "port-bot.Modelfile").read_text()
    for part in (f"FROM ./{RUN}-f32.gguf\n", "<|im_start|>user", 'SYSTEM """Tu réponds."""', 'PARAMETER stop """<|im_end|>"""',
                 "PARAMETER num_ctx 512", "PARAMETER temperature 0\n"):  # fmt: skip
        assert part in text, part
    assert sorted(path.name for path in (home / "models" / "gguf").iterdir()) == [
        f"{RUN}-f32.gguf",
        "port-bot.Modelfile",
    ]


def test_the_model_is_made_and_answers_as_a_generator_with_the_format_it_was_trained_in(
    home: Path, ollama: FakeOllama
) -> None:
    ran = export(home, "port-bot")
    assert (ran.code, "Ollama has port-bot:latest" in ran.out) == (0, True), ran
    model = load_model("ollama:port-bot", ModelSettings(), os.environ, home)
    said = "".join(model.stream([Message("user", "Quel port ?")], Options(0.0, 16, 20.0, None)))
    model.close()
    assert said == "Le port 3000."
    assert ollama.prompts == [
        "<|im_start|>system\nTu réponds.<|im_end|>\n<|im_start|>user\nQuel port ?<|im_end|>\n<|im_start|>assistant\n"
    ]
    kept = kept_exports(home / "models" / "runs" / RUN)
    assert [(one["format"], one["run"]) for one in kept] == [("gguf", RUN), ("ollama", RUN)]


def test_given_again_nothing_is_made_or_sent_twice(home: Path, ollama: FakeOllama) -> None:
    export(home, "port-bot")
    before = (home / "models" / "gguf" / f"{RUN}-f32.gguf").stat()
    again = export(home, "port-bot", "--json")
    assert (again.json["created"], again.json["sent"]) == (True, False)
    assert (home / "models" / "gguf" / f"{RUN}-f32.gguf").stat().st_mtime_ns == before.st_mtime_ns
    assert len(ollama.uploads()) == [path for _, path in ollama.asked].count("/api/create") == 1
    assert export(home, "port-bot:v2", "--json").json["sent"] is False
    assert len(ollama.uploads()) == 1


def test_another_system_message(home: Path, ollama: FakeOllama) -> None:
    export(home, "port-bot", "--system", "Cite.")
    assert ollama.models["port-bot:latest"].system == "Cite."
    assert export(home, "port-bot", "--system", "", "--json").json["sent"] is False
    assert ollama.models["port-bot:latest"].system == ""
    assert export(home, "port-bot", "--system", 'say """').code == 1


# refused -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my model", "a/b/c/d", ".hidden"])
def test_a_name_that_ollama_refuses_is_refused_before_anything_is_asked(
    home: Path, ollama: FakeOllama, name: str
) -> None:
    ran = export(home, name)
    assert (ran.code, ollama.asked) == (1, [])
    assert "Ollama takes no model of the name" in ran.err


def test_a_model_of_others_keeps_its_name(home: Path, ollama: FakeOllama) -> None:
    export(home, "port-bot")
    (home / "models" / "runs" / RUN / "exports.json").unlink()  # as if another workspace had made it
    ran = export(home, "PORT-bot")
    assert ran.code == 1
    assert "has a model port-bot:latest already" in ran.err
    assert export(home, "port-bot", "--replace").code == 0


def test_a_template_that_ollama_cannot_have_is_told_before_a_file_is_made(home: Path, ollama: FakeOllama) -> None:
    from dataclasses import replace

    from finetune.runs.folder import RunFolder

    folder = RunFolder(home / "models" / "runs" / RUN)
    (folder.final / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ loop.index }}{{ m.content }}{% endfor %}"
    )
    folder.finish(replace(folder.manifest(), artifacts={}, sizes={}))
    ran = export(home, "other")
    assert (ran.code, "cannot be said in Ollama's" in ran.err) == (1, True), ran
    assert not ollama.uploads()


@pytest.mark.parametrize("fault", ["stream error", "no success", 500])
def test_a_server_that_breaks_off_leaves_the_files_and_no_record(
    home: Path, ollama: FakeOllama, fault: str | int
) -> None:
    ollama.fail = lambda method, path: fault if path == "/api/create" else None
    ran = export(home, "port-bot")
    assert ran.code == 1
    assert "did not make the model" in ran.err
    assert not [one for one in kept_exports(home / "models" / "runs" / RUN) if one["format"] == "ollama"]
    ollama.fail = lambda method, path: None
    assert export(home, "port-bot", "--json").json["sent"] is False


# killed --------------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys, threading
home, seconds = sys.argv[1], [float(s) for s in sys.argv[2:]]
import torch, transformers, peft, gguf
from assistant.cli import main
torch.set_num_threads(1)
for wait in seconds:
    if not (pid := os.fork()):
        threading.Timer(wait, os.kill, (os.getpid(), signal.SIGKILL)).start()
        main(["--home", home, "export-ollama", "latest", "port-bot", "--quantize", "f32"])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
"""


@pytest.mark.slow
def test_exports_that_are_killed_at_random_leave_nothing_half_written(
    made: Path, ollama: FakeOllama, tmp_path: Path
) -> None:
    import random

    home = shutil.copytree(made, tmp_path / "home")
    shutil.rmtree(home / "models" / "gguf")
    (home / "models" / "runs" / RUN / "exports.json").unlink()
    waits = [random.Random(4).uniform(0.05, 4) for _ in range(4)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(home), *map(str, waits)], env=environ, timeout=300, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert export(home, "port-bot").code == 0
    assert len(ollama.models) == 1
    assert len(ollama.blobs) == 1
    for file in (home / "models" / "gguf").glob("*.gguf"):
        assert file.read_bytes() == next(iter(ollama.blobs.values()))
