"""Jobs as real processes: begun, queued, stopped, killed, taken up again."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chatting import app_at
from trial_job import appeared, declared, ended, reached

from assistant.app import App
from assistant.jobs import alive, process
from assistant.jobs.events import read_events
from assistant.jobs.jobs import WAITING
from assistant.journal.jobs import Job
from assistant.journal.store import Journal
from retrieval.errors import Busy, NoAccess, NoSpace

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and locks")

Begin = Callable[..., Job]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A workspace whose jobs are ended with the test."""
    made = app_at(tmp_path / "home", io.StringIO())
    with declared():
        yield made
        for job in made.jobs.open():
            os.killpg(reached(made, job.number, "running").pid if job.pid == 0 else job.pid, signal.SIGKILL)
            ended(made, job.number)


@pytest.fixture
def begin(app: App, tmp_path: Path) -> Begin:
    """Begin a job that behaves so, with a folder of its own: `tmp_path / "1"` for the first one."""
    folders = iter(range(1, 100))

    def begun(how: str, *more: str, name: str = "trial") -> Job:
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        return app.jobs.start(f"{name} {how}", [name, how, str(folder), *more])

    return begun


def test_a_job_runs_and_leaves_its_result(app: App, begin: Begin) -> None:
    number = begin("quick").number
    job = ended(app, number)
    assert (job.state, job.exit_code, job.error, job.run) == ("done", 0, "", "20260101-000000-abcd")
    assert job.created <= (job.started or 0) <= (job.ended or 0)
    files = app.jobs.files(job)
    told = dict.fromkeys(event.event for event in read_events(files.events)[0])
    assert list(told) == ["started", "stage", "note", "progress", "ended"]
    assert "begins" in files.log.read_text()
    assert files.result == "finished\n"
    assert stat.S_IMODE(app.jobs.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in app.jobs.folder.iterdir()} == {0o600}


def test_a_job_that_fails_says_why(app: App, begin: Begin) -> None:
    faulty, bug = begin("faulty", name="aside").number, begin("bug", name="aside").number
    assert (ended(app, faulty).state, ended(app, faulty).exit_code) == ("failed", 1)
    assert ended(app, faulty).error == "The dataset is empty. Make another one."
    assert ended(app, bug).error.startswith("a bug: ValueError: a bad thing; the traceback is in ")
    assert "Traceback" in app.jobs.files(ended(app, bug)).log.read_text()
    assert "ValueError: a bad thing" in app.home.log.read_text()


def test_a_training_that_is_cancelled_saves_and_is_taken_up_again(app: App, begin: Begin, tmp_path: Path) -> None:
    job = begin("steps")
    appeared(tmp_path / "1" / "started")
    assert app.jobs.cancel(job.number).state == "running"
    assert (ended(app, job.number).state, ended(app, job.number).exit_code) == ("cancelled", 130)
    assert (tmp_path / "1" / "saved").exists()
    (tmp_path / "1" / "go").touch()
    again = app.jobs.resume(job.number)
    assert again.words == (*job.words, "--resume")
    assert ended(app, again.number).state == "done"
    assert app.jobs.files(again).result == "resumed\n"


@pytest.mark.parametrize("name", ["deaf", "stuck"])
def test_a_job_that_does_not_ask_is_interrupted_and_one_that_hangs_is_ended(
    app: App, begin: Begin, tmp_path: Path, name: str
) -> None:
    job = begin("deaf")
    appeared(tmp_path / "1" / "started")
    if name == "stuck":
        os.kill(app.jobs.job(job.number).pid, signal.SIGSTOP)
        app.jobs.cancel(job.number)
        assert app.jobs.cancel(job.number).stopping
    else:
        app.jobs.cancel(job.number)
    assert ended(app, job.number).state == "cancelled"


def test_a_training_that_has_begun_nothing_begins_anew_when_it_is_taken_up(
    app: App, begin: Begin, tmp_path: Path
) -> None:
    begin("steps")
    appeared(tmp_path / "1" / "started")
    waiting = begin("steps")
    os.kill(reached(app, waiting.number, "queued").pid or pid_of(app, waiting.number), signal.SIGKILL)
    assert ended(app, waiting.number).state == "killed"
    again = app.jobs.resume(waiting.number)
    assert (again.words, again.line) == (waiting.words, waiting.line)
    for number in (1, 2):
        (tmp_path / str(number) / "go").touch()
    assert app.jobs.files(ended(app, again.number)).result == "finished\n"
    failed = begin("faulty")  # as when the data does not pass its checks
    assert ended(app, failed.number).state == "failed"
    assert app.jobs.resume(failed.number).words == failed.words


def test_a_second_signal_ends_a_training_at_once(app: App, begin: Begin, tmp_path: Path) -> None:
    job = begin("hang")
    appeared(tmp_path / "1" / "started")
    pid = app.jobs.job(job.number).pid
    os.kill(pid, signal.SIGTERM)
    appeared(tmp_path / "1" / "asked")
    os.kill(pid, signal.SIGTERM)
    assert ended(app, job.number).state == "killed"


def test_trainings_wait_for_each_other_in_order_and_too_many_are_refused(
    app: App, begin: Begin, tmp_path: Path
) -> None:
    jobs = [begin("steps") for _ in range(WAITING + 1)]
    appeared(tmp_path / "1" / "started")
    with pytest.raises(Busy, match=f"Job 1 runs, and {WAITING} more wait"):
        begin("steps")
    assert begin("quick", name="aside").queue == ""
    assert [app.jobs.job(job.number).state for job in jobs] == ["running", *["queued"] * WAITING]
    app.jobs.cancel(2)
    assert app.jobs.job(2).state == "cancelled"
    os.kill(reached(app, 3, "queued").pid or pid_of(app, 3), signal.SIGKILL)
    assert ended(app, 3).state == "killed"
    for number in (4, 5, 6):
        (tmp_path / str(number) / "go").touch()
    (tmp_path / "1" / "go").touch()
    found = [ended(app, number) for number in (1, 4, 5, 6)]
    assert {job.state for job in found} == {"done"}
    times = [time for job in found for time in (job.started, job.ended)]
    assert times == sorted(times, key=lambda time: time or 0)
    assert not (tmp_path / "2" / "started").exists()


def pid_of(app: App, number: int) -> int:
    """Of a job whose process may only just begin."""
    end = time.monotonic() + 60
    while not (pid := app.jobs.job(number).pid):
        assert time.monotonic() < end
        time.sleep(0.02)
    return pid


def test_a_job_that_is_killed_is_marked_and_taken_up_again(app: App, begin: Begin, tmp_path: Path) -> None:
    job = begin("steps")
    appeared(tmp_path / "1" / "started")
    os.kill(app.jobs.job(job.number).pid, signal.SIGKILL)
    found = ended(app, job.number)
    assert (found.state, found.exit_code, found.run) == ("killed", None, "20260101-000000-abcd")
    (tmp_path / "1" / "go").touch()
    assert ended(app, app.jobs.resume(job.number).number).state == "done"


def test_a_training_has_no_key_and_nobody_sees_one(
    app: App, begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-1")
    monkeypatch.setenv("HF_TOKEN", "hf-kept")
    app.overrides = {"model.api_key": "sk-secret-2", "search.top_k": "4"}
    job = begin("steps", "--api-key", "sk-secret-3")
    appeared(tmp_path / "1" / "started")
    assert b"sk-secret" not in Path(f"/proc/{app.jobs.job(job.number).pid}/cmdline").read_bytes()
    (tmp_path / "1" / "go").touch()
    assert ended(app, job.number).settings == {"search.top_k": "4"}
    given = json.loads((tmp_path / "1" / "environment.json").read_text())
    assert (given["HF_TOKEN"], given["DYAG_SEARCH__TOP_K"]) == ("hf-kept", "4")
    assert "sk-secret" not in json.dumps(given)
    assert json.loads((tmp_path / "1" / "words.json").read_text()) == ["steps", "sk-secret-3"]
    for path in (app.home.journal, *app.jobs.folder.iterdir()):
        assert b"sk-secret" not in path.read_bytes()
    ended(app, begin("quick", name="aside").number)
    assert json.loads((tmp_path / "2" / "environment.json").read_text())["OPENAI_API_KEY"] == "sk-secret-1"


def test_a_job_outlives_a_process_that_is_killed(app: App, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    chat = subprocess.Popen(
        [sys.executable, "-c", BEGIN_AND_WAIT, str(app.home.path), str(tmp_path / "1")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent / "support")},
    )
    appeared(tmp_path / "1" / "started")
    chat.kill()
    chat.wait(60)
    assert app.jobs.job(1).state == "running"
    assert app.jobs.told() == []
    (tmp_path / "1" / "go").touch()
    assert ended(app, 1).state == "done"
    assert [job.number for job in app.jobs.told()] == [1]


BEGIN_AND_WAIT = """
import io, sys, time
from pathlib import Path
from chatting import app_at
from trial_job import declared
with declared():
    app_at(Path(sys.argv[1]), io.StringIO()).jobs.start("trial", ["trial", "steps", sys.argv[2]])
    time.sleep(60)
"""


def test_a_folder_that_somebody_clears_ends_no_job(app: App, begin: Begin, tmp_path: Path) -> None:
    job = begin("steps")
    appeared(tmp_path / "1" / "started")
    for path in app.jobs.folder.iterdir():
        path.unlink()
    assert app.jobs.job(job.number).state == "running"
    (tmp_path / "1" / "go").touch()
    found = ended(app, job.number)
    assert (found.state, app.jobs.files(found).result) == ("done", "")


def test_an_end_that_a_busy_journal_does_not_take_is_kept_later(app: App, begin: Begin, tmp_path: Path) -> None:
    job = begin("steps")
    appeared(tmp_path / "1" / "started")
    other = Journal(app.home.journal)
    with other.writing(""):
        (tmp_path / "1" / "go").touch()
        end = time.monotonic() + 60
        while not any(event.event == "ended" for event in read_events(app.jobs.files(job).events)[0]):
            assert time.monotonic() < end
            time.sleep(0.02)
        assert app.jobs.job(job.number).state == "running"
    other.close()
    assert ended(app, job.number).state == "done"


def test_a_journal_that_was_moved_away_takes_no_files_from_a_job_that_runs(
    app: App, begin: Begin, tmp_path: Path
) -> None:
    begin("steps")
    appeared(tmp_path / "1" / "started")
    moved = app_at(app.home.path, io.StringIO())
    journal = app.home.journal.rename(tmp_path / "moved.sqlite3")
    (tmp_path / "2").mkdir()
    job = moved.jobs.start("aside", ["aside", "quick", str(tmp_path / "2")])
    assert job.number == 2
    assert ended(moved, 2).state == "done"
    moved.jobs.close()
    moved.journal.close()
    journal.rename(app.home.journal)
    (tmp_path / "1" / "go").touch()
    assert ended(app, 1).state == "done"


def test_a_folder_that_cannot_be_written_begins_nothing(app: App, begin: Begin) -> None:
    app.home.data.mkdir(parents=True)
    (app.home.data / "jobs").write_text("in the way")
    with pytest.raises(NoAccess):
        begin("quick")
    assert app.jobs.all() == []


def test_a_disk_that_is_full_begins_nothing(app: App, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", full)
        with pytest.raises(NoSpace):
            begin("quick")
    assert app.jobs.all() == []
    job = begin("quick")
    assert job.number == 1
    assert ended(app, 1).state == "done"


def test_a_runner_without_its_row_does_nothing(app: App, tmp_path: Path) -> None:
    app.jobs.folder.mkdir(parents=True)
    handle = alive.hold(app.jobs.folder / "9.lock")
    assert handle is not None
    argv = [*process.RUNNER, "--home", str(app.home.path), "--lock", str(handle), "9"]
    done = subprocess.run(argv, pass_fds=(handle,), capture_output=True, timeout=60, check=True)
    os.close(handle)
    end = time.monotonic() + 60
    while alive.held(app.jobs.folder / "9.lock"):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert done.stderr == b""
    assert app.jobs.all() == []
    assert [path.name for path in app.jobs.folder.iterdir()] == ["9.lock"]
