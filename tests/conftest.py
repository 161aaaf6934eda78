"""What every test starts from: an environment of its own, a cheap embedder, and helpers to sync and to run dyag."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
SUPPORT = Path(__file__).resolve().parent / "support"
if str(SUPPORT) not in sys.path:
    sys.path.insert(0, str(SUPPORT))

from words import WordEmbedder  # noqa: E402
from workspace import Workspace  # noqa: E402

# The exported model is the user's own if the environment names a cache, else one of the checkout: made once, 10 s.
CACHE = Path(os.environ.get("DYAG_CACHE") or ROOT / ".pytest_cache" / "dyag-models").absolute()

# A machine that runs two test processes on two cores is slow now and then; that is no failure.
settings.register_profile("dyag", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("dyag")


class Ran(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str


def pytest_addoption(parser: pytest.Parser) -> None:
    """What tests/performance and tests/regression measure; here, because pytest reads options from no deeper folder."""
    options = parser.getgroup("dyag", "a model to measure (tests/performance, tests/regression)")
    options.addoption("--model", default="", help="run:ID, hf:…, openai:…, fake:SCRIPT, or a folder")
    options.addoption("--base", default="", help="the model before training (tests/regression); a run knows its own")
    options.addoption("--cases", default="", help="file of questions with their answers (tests/performance)")
    options.addoption("--suite", default="general", help="general, or general:PATH for GSM8K, MGSM, BIG-Bench Hard")
    options.addoption("--minimum", type=float, default=None, help="share that must be right, 0 to 1")


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the user's: no home, no configuration, no `DYAG_` setting, no network for the model libraries."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("DYAG_", "XDG_")):
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("USERPROFILE", str(home))
        patch.setenv("DYAG_CACHE", str(CACHE))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
        yield


@pytest.fixture(scope="session")
def loader() -> Iterator[object]:
    """One parser process for all tests of a worker."""
    from retrieval.load.loader import Loader

    with Loader() as made:
        yield made


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


@pytest.fixture
def workspace(tmp_path: Path, loader: object, embedder: WordEmbedder) -> Workspace:
    """An empty workspace whose embedder is the cheap one."""
    made = Workspace(tmp_path, loader, embedder)  # type: ignore[arg-type]
    made.docs.mkdir()
    return made


@pytest.fixture
def dyag(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command line in this process: `dyag("ask", "…", home=folder)`."""
    from assistant.cli import main

    def run(*argv: str | Path, home: Path | None = None) -> Ran:
        capsys.readouterr()
        code = main([*(["--home", str(home)] if home else []), *map(str, argv)])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def process() -> Callable[..., Ran]:
    """Run a command line in a process of its own, with `stdin` and environment variables."""

    def run(*argv: str | Path, stdin: str | bytes = "", home: Path | None = None, **environ: str) -> Ran:
        command = [
            sys.executable,
            "-P",
            "-m",
            "assistant.cli",
            *(["--home", str(home)] if home else []),
            *map(str, argv),
        ]
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            command, input=given, capture_output=True, timeout=120, check=False, env={**os.environ, **environ}
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
