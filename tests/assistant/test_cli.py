from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import assistant.commands  # noqa: F401  (the real commands declare themselves before a test adds its own)
from assistant import __version__, cli
from assistant import command as command_module
from assistant.app import App
from assistant.command import command
from assistant.render import render
from assistant.screen import Screen
from retrieval.errors import NoIndex

HEAVY = {
    "torch", "transformers", "chromadb", "onnxruntime", "pydantic_settings", "pydantic", "langchain_core", "rich",
    "numpy", "prompt_toolkit", "sentence_transformers", "tokenizers", "tantivy",
}  # fmt: skip


@dataclass(frozen=True)
class Reply:
    text: str
    exit_code: int = 0


@render.register
def _(result: Reply, screen: Screen) -> None:
    screen.out(result.text)


@pytest.fixture(autouse=True)
def declared(monkeypatch, tmp_path):
    monkeypatch.setattr(command_module, "COMMANDS", [*command_module.COMMANDS])
    monkeypatch.setenv("DYAG_HOME", str(tmp_path))
    monkeypatch.delenv("DYAG_DEBUG", raising=False)

    @command(aliases=("reply",))
    def answer(app: App, times: int = 1, code: int = 0) -> Iterator[Reply]:
        """Answer some times."""
        app.screen.note("thinking")
        for _ in range(times):
            yield Reply("yes", code)

    @command()
    def fail(app: App, how: str) -> None:
        """Fail in some way."""
        if how == "user":
            raise NoIndex("Nothing \x1b[31mindexed.", "Run `dyag index FOLDER`.")
        if how == "interrupt":
            raise KeyboardInterrupt
        raise TypeError("two\nlines")


@pytest.fixture
def run(capsys):
    def run(*argv):
        code = cli.main(argv)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def python(*argv, **options):
    return subprocess.run(
        [sys.executable, *argv], text=True, encoding="utf-8", capture_output=True, timeout=60, check=False, **options
    )


def test_results_on_stdout_messages_on_stderr(run):
    assert run("answer", "--times", "2") == (0, "yes\nyes\n", "thinking\n")
    assert run("reply", "--json") == (0, '{"text": "yes", "exit_code": 0}\n', "thinking\n")


def test_the_result_gives_the_exit_code(run):
    assert run("answer", "--code", "3")[0] == 3


def test_without_arguments_the_help(run):
    code, out, err = run()
    assert (code, out, err) == run("--help")
    assert code == 0
    assert "Show each setting with its value and where it comes from." in out
    assert "reply" not in out
    assert out.rstrip().endswith("Manual: docs/commands.md")


def test_version(run):
    assert run("--version") == (0, f"dyag {__version__}\n", "")


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (["anwser"], "dyag: No such command 'anwser'. Did you mean 'answer'?", "See `dyag --help`."),
        (["answer", "--times", "x"], "dyag: Invalid value for '--times'", "See `dyag answer --help`."),
        (["fail"], "dyag: Missing argument 'how'", "See `dyag fail --help`."),
        (["--home"], "dyag: Option '--home' requires an argument.", "See `dyag --help`."),
        (["--set", "search.top_k", "answer"], "dyag: --set search.top_k has no value.", "section.key=value"),
    ],
)
def test_usage_errors(run, argv, message, hint):
    code, out, err = run(*argv)
    assert (code, out) == (2, "")
    assert err.startswith(message)
    assert hint in err.splitlines()[-1]


def test_a_user_error_is_its_message_and_hint_without_traceback(run, tmp_path):
    for argv in (["fail", "user"], ["fail", "user", "--json"]):
        assert run(*argv) == (1, "", "dyag: Nothing indexed.\nRun `dyag index FOLDER`.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_bug_is_one_line_and_a_traceback_in_a_private_log(run, tmp_path):
    log = tmp_path / "data" / "dyag.log"
    line = f"dyag: a bug: TypeError: two lines; the traceback is in {log}\n"
    assert run("fail", "bug") == run("fail", "bug") == (1, "", line)
    assert log.read_text(encoding="utf-8").count('raise TypeError("two\\nlines")') == 2
    if os.name == "posix":
        assert (stat.S_IMODE(log.stat().st_mode), stat.S_IMODE(log.parent.stat().st_mode)) == (0o600, 0o700)


def test_a_bug_is_shown_when_asked_or_when_it_cannot_be_logged(run, tmp_path, monkeypatch):
    (tmp_path / "data").touch()
    code, _, err = run("fail", "bug")
    assert code == 1
    assert "Traceback" in err
    assert err.endswith("dyag: a bug: TypeError: two lines; the traceback is above\n")
    (tmp_path / "data").unlink()
    monkeypatch.setenv("DYAG_DEBUG", "1")
    assert "Traceback" in run("fail", "bug")[2]


def test_interrupted(run):
    assert run("fail", "interrupt") == (130, "", "dyag: interrupted\n")


def test_settings_from_flags_reach_the_command(run, tmp_path):
    code, out, _ = run("--home", str(tmp_path / "other"), "--set", "search.top_k=3", "config", "search.top_k", "--json")
    assert code == 0
    assert json.loads(out) == {
        "settings": [{"name": "search.top_k", "value": 3, "origin": "flag"}],
        "home": str(tmp_path / "other"),
        "home_origin": "--home",
    }
    assert list(tmp_path.iterdir()) == []


def test_config_shows_every_setting_and_the_workspace(run, tmp_path):
    code, out, err = run("config")
    assert (code, err) == (0, "")
    assert [line.split() for line in out.splitlines() if "top_k" in line] == [["search.top_k", "10", "default"]]
    assert out.endswith(f"workspace {tmp_path}  (environment DYAG_HOME)\n")
    assert run("config", "search.topk") == (
        1,
        "",
        "dyag: There is no setting search.topk.\nDid you mean search.top_k?\n",
    )


def test_help_loads_nothing_heavy():
    code = "import sys; from assistant.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = python("-c", code)
    assert done.stdout.startswith("Usage: dyag")
    assert HEAVY & set(done.stderr.split()) == set()


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    """`dyag … | head`: more than a pipe holds, and nobody reads it."""
    code = """
import sys
from dataclasses import dataclass
from assistant import cli
from assistant.command import command
from assistant.render import render
@dataclass
class Reply:
    text: str
render.register(Reply, lambda result, screen: screen.out(result.text))
@command()
def flood(app):
    "Say much."
    while True:
        yield Reply("x" * 1000)
sys.exit(cli.main(["flood"]))
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline().startswith(b"xxx")
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), error) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full")
@pytest.mark.parametrize("argv", [["config"], ["config", "--json"], ["--help"], ["--version"]], ids=" ".join)
def test_an_output_that_cannot_be_written_is_one_error(argv, tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "assistant.cli", *argv], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    message, hint = done.stderr.splitlines()
    assert (done.returncode, message) == (1, "dyag: cannot write to standard output: No space left on device")
    assert hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="a shell")
@pytest.mark.parametrize(
    ("closed", "code", "shown", "err"),
    [
        (">&-", 1, False, "dyag: cannot write to standard output: it is closed\n"),
        ("2>&-", 0, True, ""),
        ("<&-", 0, True, ""),
    ],
)
def test_a_stream_that_is_closed(closed, code, shown, err):
    command = f'"{sys.executable}" -m assistant.cli config search.top_k {closed}'
    done = subprocess.run(["sh", "-c", command], text=True, capture_output=True, timeout=60)
    assert (done.returncode, "search.top_k" in done.stdout) == (code, shown)
    assert done.stderr.startswith(err)
    assert "a bug" not in done.stderr


def test_it_runs_as_a_module(tmp_path):
    done = python("-m", "assistant.cli", "config", "search.top_k", env={**os.environ, "DYAG_SEARCH__TOP_K": "7"})
    assert (done.returncode, done.stderr) == (0, "")
    assert ["search.top_k", "7", "environment", "DYAG_SEARCH__TOP_K"] in [
        line.split() for line in done.stdout.splitlines()
    ]


@pytest.mark.skipif(os.name != "posix", reason="bash")
def test_bash_completes_commands_and_options(tmp_path):
    dyag = tmp_path / "dyag"
    dyag.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m assistant.cli "$@"\n', encoding="utf-8")
    dyag.chmod(0o755)
    script = """
source <(_DYAG_COMPLETE=source_bash dyag)
COMP_WORDS=(dyag con) COMP_CWORD=1; _dyag_completion dyag; echo "${COMPREPLY[@]}"
COMP_WORDS=(dyag config --js) COMP_CWORD=2; _dyag_completion dyag; echo "${COMPREPLY[@]}"
"""
    environ = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], text=True, capture_output=True, env=environ, timeout=60, check=False)
    assert done.stdout.splitlines() == ["config", "--json"], done.stderr
