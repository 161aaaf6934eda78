"""Jobs as one meets them: `dyag jobs …`, the slash-commands of a chat, the bar below its prompt."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chatting import app_at, converse
from commands import Ran, run
from trial_job import appeared, declared, ended

from assistant.app import App
from assistant.chat import status_line
from assistant.journal.store import Journal
from assistant.screen import Screen
from assistant.warmup import WarmUp

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and locks")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def app(home: Path) -> Iterator[App]:
    """A workspace whose jobs are ended with the test."""
    made = app_at(home, io.StringIO())
    with declared():
        yield made
        for job in made.jobs.open():
            os.killpg(job.pid, signal.SIGKILL)
            ended(made, job.number)


@pytest.fixture
def dyag(home: Path, app: App) -> Callable[..., Ran]:
    return lambda *words: run(*words, home=home)


def trial(app: App, folder: Path, how: str = "steps") -> int:
    """Begin a job that has begun its work when this returns."""
    folder.mkdir(exist_ok=True)
    number = app.jobs.start(f"trial {how}", ["trial", how, str(folder)]).number
    if how == "steps":
        appeared(folder / "started")
    return number


def test_an_empty_workspace_has_no_jobs_and_stays_empty(dyag: Callable[..., Ran], home: Path) -> None:
    assert dyag("jobs") == (0, "", "No jobs.\n")
    assert dyag("jobs", "--json").json == {"jobs": [], "earlier": 0}
    for words in (("show", "1"), ("logs", "1"), ("cancel", "1"), ("attach", "1"), ("resume", "1"), ("delete", "1")):
        shown = dyag("jobs", *words)
        assert (shown.code, shown.out) == (1, "")
        assert "job 1" in shown.err
    assert not home.exists()


def test_a_job_on_the_command_line(dyag: Callable[..., Ran], app: App, tmp_path: Path) -> None:
    trial(app, tmp_path / "1")
    listed = dyag("jobs")
    assert "trial steps" in listed.out
    assert "[.........." in listed.out
    (row,) = dyag("jobs", "--json").json["jobs"]
    assert (row["number"], row["state"], row["stage"], row["total"], row["queue"]) == (
        1,
        "running",
        "training",
        1000,
        "training",
    )
    assert row["figures"].keys() == {"loss"}
    assert "is running" in dyag("jobs", "delete", "1").err
    assert "is told to stop; it saves a checkpoint first" in dyag("jobs", "cancel", "1").out
    ended(app, 1)
    shown = dyag("jobs", "show", "1")
    assert "cancelled" in shown.out
    assert "dyag jobs resume 1" in shown.out
    assert "saved" in shown.out
    assert dyag("jobs", "show", "1", "--json").json["resume"][-1] == "--resume"
    assert "begins" in dyag("jobs", "logs", "1").out
    assert "begins" in dyag("jobs", "logs", "1", "--follow", "--json").lines[0]["text"]
    assert "No job 1 is running" in dyag("jobs", "cancel", "1").err
    (tmp_path / "1" / "go").touch()
    begun = dyag("jobs", "resume", "1", "--json").json
    assert (begun["message"].split(";")[0], begun["job"]["number"]) == ("Job 2 takes up job 1", 2)
    assert ended(app, 2).state == "done"
    assert "Job 2 has taken up job 1 already: it is done." in dyag("jobs", "resume", "1").err
    assert "there is nothing to take up" in dyag("jobs", "resume", "2").err
    assert "is forgotten" in dyag("jobs", "delete", "1").out
    assert [row["number"] for row in dyag("jobs", "--json").json["jobs"]] == [2]


def test_a_job_is_followed_to_its_end(dyag: Callable[..., Ran], app: App, tmp_path: Path) -> None:
    trial(app, tmp_path / "1")
    (tmp_path / "1" / "go").touch()
    shown = dyag("jobs", "attach", "1")
    assert (shown.code, shown.out) == (0, "finished\n")
    assert "begins" in shown.err
    assert "Job 1 (trial steps): done" in shown.err
    events = dyag("jobs", "attach", "1", "--json").lines
    assert [events[0]["event"], events[-1]["event"]] == ["started", "ended"]


def test_a_job_that_is_followed_goes_on_after_ctrl_c(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial(app, tmp_path / "1")

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("assistant.jobs.follow.time.sleep", interrupted)
        shown = run("jobs", "attach", "1", home=app.home.path)
    assert (shown.code, "Job 1 goes on" in shown.err) == (0, True)
    assert app.jobs.job(1).state == "running"


def test_a_log_is_followed_until_the_job_ends(app: App, tmp_path: Path) -> None:
    trial(app, tmp_path / "1")
    threading.Timer(0.5, (tmp_path / "1" / "go").touch).start()
    assert "begins" in run("jobs", "logs", "1", "-f", home=app.home.path).out


def test_a_chat_tells_of_its_job_once_and_leaves_it_running(app: App, home: Path, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()

    def working() -> str:
        appeared(tmp_path / "1" / "started")
        return "/jobs"

    shown = converse(
        home,
        f"/trial steps {tmp_path / '1'}",
        working,
        f"/trial steps {tmp_path / '2'}",
        "/jobs cancel 2",
        "/quit",
        app=app,
    )
    assert "Job 1 has begun; ask on meanwhile." in shown
    assert "Job 2 waits for its turn; ask on meanwhile." in shown
    assert "waited and is cancelled" in shown
    assert "Job 2 (trial steps …): cancelled\n/jobs resume 2 goes on with it\n" in shown
    assert shown.endswith("Job 1 goes on without the chat; `dyag jobs` shows how far.\n")
    (tmp_path / "1" / "go").touch()
    ended(app, 1)
    told = "Job 1 (trial steps …): done\nfinished\n"
    assert told in converse(home, "/jobs")
    assert told not in converse(home, "/jobs")


def test_a_chat_shows_no_json_of_a_job_that_a_server_began(app: App, home: Path, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    number = app.jobs.start("trial quick --json", ["trial", "quick", str(tmp_path / "1"), "--json"]).number
    ended(app, number)
    app.jobs.close()
    shown = converse(home, "/jobs")
    assert "Job 1 (trial quick --json): done\n/jobs show 1 tells more\n" in shown
    assert "{" not in shown


def test_two_chats_share_the_queue_and_each_tells_of_its_own(app: App, home: Path, tmp_path: Path) -> None:
    number = trial(app, tmp_path / "1")
    (tmp_path / "2").mkdir()
    (tmp_path / "1" / "go").touch()
    ended(app, number)
    other = converse(home, f"/trial quick {tmp_path / '2'}", lambda: str(ended(app, 2).number) and "/jobs")
    assert "Job 1 (" not in other
    assert "Job 2 (" in other
    assert [job.number for job in app.jobs.told()] == [1]


def test_the_bar_shows_jobs_of_any_chat(app: App, home: Path, tmp_path: Path) -> None:
    other = app_at(home, io.StringIO())
    other.settings  # noqa: B018  (what the bar shows)
    warm = WarmUp(other)
    assert status_line(other, warm).endswith("no jobs")
    trial(app, tmp_path / "1")
    assert "job 1: trial " in status_line(other, warm)
    assert "% loss " in status_line(other, warm)
    (tmp_path / "1" / "go").touch()
    ended(app, 1)
    assert "has ended" not in status_line(other, warm)
    app.jobs.close()
    assert status_line(other, warm).endswith("job 1 has ended, Enter shows it")


def test_a_chat_goes_on_beside_a_journal_that_is_busy(app: App, home: Path, tmp_path: Path) -> None:
    trial(app, tmp_path / "1", "quick")
    ended(app, 1)
    app.jobs.close()
    holder = Journal(app.home.journal)
    with holder.writing("") as db:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("UPDATE jobs SET told=0")
        chat = app_at(home, io.StringIO())
        chat.screen = Screen(out := io.StringIO(), out, {})
        from assistant.chat import Chat

        Chat(chat, interactive=True)._tell_of_jobs()
    holder.close()
    assert out.getvalue() == ""


def test_cancel_needs_a_number_when_there_are_several(app: App, home: Path, tmp_path: Path) -> None:
    trial(app, tmp_path / "1")
    (tmp_path / "2").mkdir()
    app.jobs.start("aside steps", ["aside", "steps", str(tmp_path / "2")])
    appeared(tmp_path / "2" / "started")
    shown = converse(home, "/cancel", "/cancel 1", "/cancel 2", "/cancel 2")
    assert "2 jobs run or wait." in shown
    assert "Job 1 (trial steps) is told to stop; it saves a checkpoint first, and" in shown
    assert "Job 2 (aside steps) is told to stop.\n" in shown
    assert ended(app, 1).state == ended(app, 2).state == "cancelled"
    assert "No jobs run or wait." in converse(home, "/cancel")


def test_a_full_queue_is_said(app: App, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.jobs.jobs.WAITING", 0)
    trial(app, tmp_path / "1")
    shown = converse(home, f"/trial quick {tmp_path / '1'}")
    assert "no other was begun" in shown
    assert "/jobs cancel 1" in shown


def test_json_of_a_job_that_was_killed(dyag: Callable[..., Ran], app: App, tmp_path: Path) -> None:
    trial(app, tmp_path / "1")
    os.kill(app.jobs.job(1).pid, signal.SIGKILL)
    ended(app, 1)
    assert dyag("jobs", "attach", "1").code == 1
    row = json.loads(dyag("jobs", "--json").out)["jobs"][0]
    assert (row["state"], row["exit_code"], row["run"]) == ("killed", None, "20260101-000000-abcd")
