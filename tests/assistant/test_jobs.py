"""What a job is given, says and leaves: without a process."""

from __future__ import annotations

import io
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chatting import app_at
from hypothesis import given
from hypothesis import strategies as st

from assistant.app import App
from assistant.jobs import alive
from assistant.jobs.environment import environment, public_settings, public_words
from assistant.jobs.events import EventLog, latest, read_events
from assistant.jobs.files import JobFiles, lines_from
from assistant.jobs.jobs import KEPT_SECONDS
from assistant.jobs.view import view
from assistant.journal.jobs import Job, JobRows
from assistant.journal.store import Journal
from assistant.progress import TrainProgress
from assistant.screen import Screen
from retrieval.errors import BadInput, Busy, NotFound


@pytest.fixture
def app(tmp_path: Path) -> App:
    return app_at(tmp_path, io.StringIO())


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    made = EventLog(tmp_path / "1.jsonl")
    yield made
    made.close()


def kept(app: App, **fields: object) -> Job:
    """A job in the journal, with no process."""
    values = {"words": ("index", "docs"), "line": "index docs", "folder": ".", "settings": {}, "queue": "", "state": "done",
              "created": time.time(), "resume": ("index", "docs")}  # fmt: skip
    app.jobs.folder.mkdir(parents=True, exist_ok=True)
    with app.jobs.rows.adding(Job(number=0, **{**values, **fields})) as numbers:  # type: ignore[arg-type]
        number = next(numbers)
    found = app.jobs.rows.find(number)
    assert found is not None
    return found


# what it is given ----------------------------------------------------------------------------------------------------


SECRETS = [
    "OPENAI_API_KEY",
    "AWS_ACCESS_KEY_ID",
    "GITHUB_TOKEN",
    "CLIENT_SECRET",
    "DB_PASSWORD",
    "api_keys",
    "MYPASSWD",
]
PLAIN = ["PATH", "HOME", "PWD", "TOKENIZERS_PARALLELISM", "DYAG_MODEL__MAX_TOKENS", "KEYBOARD", "SSH_AUTH_SOCK"]


def test_a_training_is_given_no_key() -> None:
    given_ = dict.fromkeys([*SECRETS, *PLAIN, "HF_TOKEN"], "x") | {
        "OPENAI_BASE_URL": "https://ana:pw@host/v1",
        "HTTPS_PROXY": "http://ana:pw@proxy:3128",
    }
    found = environment("training", ["train"], {"model.api_key": "sk-1", "search.top_k": "3"}, given_)
    assert set(found) == {*PLAIN, "HF_TOKEN", "HTTPS_PROXY", "DYAG_SEARCH__TOP_K"}
    assert environment("", ["index"], {"model.api_key": "sk-1"}, given_) == {**given_, "DYAG_MODEL__API_KEY": "sk-1"}


@pytest.mark.parametrize(
    ("words", "kept_"),
    [
        (["--report-to", "wandb"], {"WANDB_API_KEY"}),
        (["--report-to=mlflow", "--epochs", "1"], {"MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_URI"}),
        (["--report-to", "wandb, mlflow"], {"WANDB_API_KEY", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_URI"}),
        (["--report-to", "tensorboard"], set()),
        (["--dataset", "wandb", "--report-to"], set()),
        (["--output", "--report-to wandb"], set()),
    ],
)
def test_a_training_is_given_the_keys_of_the_reporter_that_is_named(words: list[str], kept_: set[str]) -> None:
    given_ = {"OPENAI_API_KEY": "x", "WANDB_API_KEY": "x", "MLFLOW_TRACKING_TOKEN": "x", "WANDB_MODE": "x"}
    given_["MLFLOW_TRACKING_URI"] = "https://ana:pw@host"
    assert set(environment("training", ["train", *words], {}, given_)) == {"WANDB_MODE", *kept_}


def test_the_journal_keeps_no_password() -> None:
    words = [
        "gen-dataset",
        "--teacher",
        "openai:m@http://ana:pw@host/v1",
        "--api-key",
        "sk-1",
        "--hub-token=hf_1",
        "--max-tokens",
        "5",
    ]
    shown = public_words(words)
    assert shown == (
        "gen-dataset", "--teacher", "openai:m@http://***@host/v1", "--api-key", "***", "--hub-token=***", "--max-tokens", "5",
    )  # fmt: skip
    assert public_words(["train", "--api-key"]) == ("train", "--api-key")
    settings = {"model.api_key": "sk-1", "model.base_url": "http://ana:pw@host", "search.top_k": "3"}
    assert public_settings(settings) == {"search.top_k": "3"}


# its event log -------------------------------------------------------------------------------------------------------


def test_events_are_read_as_they_come(log: EventLog, tmp_path: Path) -> None:
    path = tmp_path / "1.jsonl"
    log.write("progress", text="training", done=1, total=4, left=3.0, figures={"loss": 1.5, "lr": float("nan")})
    (first,), offset = read_events(path)
    assert (first.text, first.done, first.total, first.left) == ("training", 1, 4, 3.0)
    assert first.figures == {"loss": 1.5, "lr": None}
    assert read_events(path, offset) == ([], offset)
    log.write("ended", state="done", exit_code=0)
    (last,), _ = read_events(path, offset)
    assert (last.event, last.state, last.exit_code) == ("ended", "done", 0)
    assert latest(path) == {"progress": first, "ended": last}
    assert read_events(tmp_path / "none") == ([], 0)


@pytest.mark.skipif(os.name != "posix", reason="modes")
def test_its_files_are_private(log: EventLog, tmp_path: Path) -> None:
    log.write("started")
    files = JobFiles(tmp_path, 1)
    assert stat.S_IMODE(files.events.stat().st_mode) == 0o600
    for handle in files.create():
        os.close(handle)
    for path in (files.log, files.out):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_torn_line_is_left_out_and_spoils_none(log: EventLog, tmp_path: Path) -> None:
    path = tmp_path / "1.jsonl"
    log.write("started")
    with path.open("ab") as file:
        file.write(b'{"time": 1, "event": "prog')
    assert [event.event for event in read_events(path)[0]] == ["started"]
    again = EventLog(path)  # of a writer that could not write the whole of its last line
    again._torn = True
    again.write("ended", state="done")
    again.close()
    assert [event.event for event in read_events(path)[0]] == ["started", "ended"]


def test_a_disk_that_is_full_does_not_end_the_work(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        log.write("progress", text="lost")
    log.write("ended", state="done")
    assert [event.event for event in read_events(tmp_path / "1.jsonl")[0]] == ["ended"]


VALUES = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.integers()))
NAMES = st.sampled_from(["time", "event", "text", "done", "total", "left", "figures", "state", "exit_code"])
LINES = st.dictionaries(NAMES, VALUES | st.dictionaries(st.text(), VALUES)).map(
    lambda value: json.dumps(value).encode()
)


@given(st.lists(st.binary() | LINES))
def test_any_bytes_are_read(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("events") / "1.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n" + b'{"time": 1.5, "event": "ended"}\n')
    events, offset = read_events(path)
    assert events[-1].event == "ended"
    assert offset == path.stat().st_size


def test_a_long_log_is_read_at_its_end(log: EventLog, tmp_path: Path) -> None:
    log.write("stage", text="training")
    for number in range(2000):
        log.write("progress", text="training", done=number, total=5000)
    shown = view(job_like(), JobFiles(tmp_path, 1))
    assert (shown.stage, shown.done, shown.percent) == ("training", 1999, "39%")


# progress ------------------------------------------------------------------------------------------------------------


def test_a_training_tells_its_progress(log: EventLog, tmp_path: Path) -> None:
    screen = Screen(io.StringIO(), io.StringIO(), {})
    screen.events = log
    with TrainProgress(screen) as progress:
        progress.stage("loading the model")
        progress.stage("training")
        progress.step(300, 400, loss=1.25)
        progress.step(301, 400, loss=1.125)
        progress.note("batch halved")
        assert not progress.stopped()
    found = [(e.event, e.text) for e in read_events(tmp_path / "1.jsonl")[0]]
    assert found[:2] == [("stage", "loading the model"), ("stage", "training")]
    assert ("note", "batch halved") in found
    last = latest(tmp_path / "1.jsonl")["progress"]
    assert (last.done, last.total, last.figures) == (301, 400, {"loss": 1.125})


def test_what_was_done_before_does_not_spoil_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("assistant.screen.time.monotonic", lambda: now[0])
    screen = Screen(io.StringIO(), io.StringIO(), {})
    with screen.progress(400, "training") as bar:
        bar.start_at(300)
        now[0] += 10
        bar.advance(10, loss=1.31)
        assert bar.line(now[0]) == "training: 310/400 (78%), 1/s, loss 1.31, 1 min 30 s left"


def test_a_figure_of_a_model_cannot_steer_the_terminal() -> None:
    shown = view(job_like(line="train \x1b[2J"), JobFiles(Path("nowhere"), 1))
    out = io.StringIO()
    from assistant.commands.jobs import JobsResult
    from assistant.render import show

    show(JobsResult((shown,)), Screen(out, out, {}))
    assert "\x1b" not in out.getvalue()


# how it stands -------------------------------------------------------------------------------------------------------


def job_like(**fields: object) -> Job:
    values = {"number": 3, "words": ("train",), "line": "train data.jsonl", "folder": ".", "settings": {}, "queue": "training",
              "state": "running", "created": time.time(), "started": time.time()}  # fmt: skip
    return Job(**{**values, **fields})  # type: ignore[arg-type]


def test_the_bar_says_how_far_it_is(log: EventLog, tmp_path: Path) -> None:
    files = JobFiles(tmp_path, 1)
    assert view(job_like(state="queued"), files).summary == "train waits"
    log.write("stage", text="loading the model")
    assert view(job_like(), files).summary == "train loading the model"
    log.write("stage", text="training", total=100)
    log.write("progress", text="training", done=42, total=100, left=125.4, figures={"loss": 1.3149})
    assert view(job_like(), files).summary == "train 42% loss 1.31 · 2 min 05 s left"
    log.write("stage", text="saving")
    assert view(job_like(), files).summary == "train saving"
    assert view(job_like(stopping=True), files).summary == "train stops"
    assert view(job_like(stopping=True), files).ending == "stopping"


def test_a_clock_that_is_set_back_makes_no_negative_time(log: EventLog, tmp_path: Path) -> None:
    now = time.time()
    log.write("progress", text="training", done=1, total=2, left=5.0, time=now + 3600)
    shown = view(job_like(started=now + 3600), JobFiles(tmp_path, 1))
    assert (shown.seconds, shown.left) == (0.0, 5.0)
    assert view(job_like(state="done", started=now, ended=now - 60), JobFiles(tmp_path, 1)).seconds == 0.0


def test_reading_creates_nothing(app: App, tmp_path: Path) -> None:
    assert app.jobs.all() == app.jobs.open() == app.jobs.told() == []
    assert app.jobs.glance() == ([], [])
    with pytest.raises(NotFound, match="There is no job 1"):
        app.jobs.job(1)
    with pytest.raises(NotFound, match="No job 1 is running"):
        app.jobs.cancel(1)
    assert list(tmp_path.iterdir()) == []


def test_a_job_whose_process_is_gone_was_killed(app: App) -> None:
    job = kept(app, state="running", started=time.time(), pid=os.getpid(), identity="another boot 1")
    found = app.jobs.job(job.number)
    assert (found.state, found.over) == ("killed", True)
    assert app.jobs.rows.job(job.number).state == "killed"
    stopped = kept(app, state="running", stopping=True)
    assert app.jobs.job(stopped.number).state == "cancelled"


def test_a_job_that_was_killed_after_its_last_word_has_ended_as_it_says(app: App) -> None:
    job = kept(app, state="running", started=time.time())
    log = EventLog(app.jobs.files(job).events)
    log.write("ended", state="failed", exit_code=1, text="The disk is full.")
    log.close()
    found = app.jobs.job(job.number)
    assert (found.state, found.exit_code, found.error) == ("failed", 1, "The disk is full.")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not say when a process began")
def test_a_job_whose_folder_was_cleared_is_known_by_its_process(app: App) -> None:
    job = kept(app, state="running", pid=os.getpid(), identity=alive.identity(os.getpid()))
    assert app.jobs.job(job.number).state == "running"
    assert not alive.is_same(os.getpid(), f"{alive.identity(os.getpid())}0")  # the process before of this number
    assert not alive.is_same(0, "")


def test_a_lock_is_held_as_long_as_it_is_open(tmp_path: Path) -> None:
    path = tmp_path / "1.lock"
    assert alive.held(path) is None
    handle = alive.hold(path)
    assert handle is not None
    assert alive.held(path) is True
    assert alive.hold(path) is None
    os.close(handle)
    assert alive.held(path) is False


def test_what_may_only_be_looked_at_is_seen_all_the_same(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    job = kept(app, state="running")

    def locked(*_: object, **__: object) -> bool:
        raise Busy("in use", "")

    monkeypatch.setattr(JobRows, "change", locked)
    assert app.jobs.job(job.number).state == "killed"


def test_the_prompt_does_not_wait_for_a_busy_journal(app: App) -> None:
    job = kept(app)
    other = Journal(app.home.journal)
    with other.writing("") as db:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("UPDATE jobs SET told=0 WHERE id=?", (job.number,))
        begun = time.monotonic()
        with pytest.raises(Busy):
            app.jobs.told()
        assert time.monotonic() - begun < 10
    other.close()
    assert [found.number for found in app.jobs.told()] == [job.number]


# what is left of it --------------------------------------------------------------------------------------------------


def test_the_end_of_a_job_is_told_once_and_by_the_chat_that_began_it(app: App, tmp_path: Path) -> None:
    app.jobs.folder.mkdir(parents=True)
    kept(app, chat=app.jobs._chat())
    other = app_at(tmp_path, io.StringIO())
    assert other.jobs.told() == []
    assert [job.number for job in app.jobs.glance()[1]] == [1]
    assert [job.number for job in app.jobs.told()] == [1]
    assert app.jobs.told() == []
    kept(app, chat=app.jobs._chat())
    app.jobs.close()
    assert [job.number for job in other.jobs.told()] == [2]
    assert app_at(tmp_path, io.StringIO()).jobs.told() == []


def test_old_jobs_go_with_their_files(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.jobs.jobs.KEPT", 3)
    old = kept(app, ended=time.time() - KEPT_SECONDS - 60)
    running = kept(app, state="running", created=0.0)
    handle = alive.hold(app.jobs.files(running).lock)
    jobs = [kept(app, ended=time.time()) for _ in range(4)]
    app.jobs.files(old).log.write_text("gone")
    app.jobs.files(jobs[-1]).log.write_text("kept")
    app.jobs._tidy()
    numbers = [job.number for job in app.jobs.all()]
    assert numbers == [running.number, *(job.number for job in jobs[1:])]
    assert not app.jobs.files(old).log.exists()
    assert app.jobs.files(jobs[-1]).log.exists()
    assert handle is not None
    os.close(handle)


def test_a_job_is_deleted_when_it_has_ended(app: App) -> None:
    running = kept(app, state="running")
    handle = alive.hold(app.jobs.files(running).lock)
    assert handle is not None
    with pytest.raises(BadInput, match="is running"):
        app.jobs.delete(running.number)
    os.close(handle)
    app.jobs.delete(running.number)
    assert app.jobs.all() == []
    assert not app.jobs.files(running).lock.exists()
    assert kept(app).number == running.number + 1


def test_a_log_is_read_on_from_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    assert lines_from(path, 0, whole=True) == ([], 0)
    path.write_bytes(b"one\ntw")
    lines, offset = lines_from(path, 0, whole=True)
    assert lines == ["one"]
    path.write_bytes(b"one\ntwo\xff")
    assert lines_from(path, offset, whole=False) == (["two\ufffd"], 8)


@pytest.mark.parametrize("column", ["words", "settings"])
def test_a_row_that_dyag_cannot_have_written_is_said(app: App, column: str) -> None:
    from retrieval.errors import LibraryDamaged

    kept(app)
    with app.journal.writing("") as db:
        db.execute(f"UPDATE jobs SET {column}='[1'")
    with pytest.raises(LibraryDamaged, match="in job 1"):
        app.jobs.all()


def test_only_what_did_not_end_well_is_taken_up(app: App) -> None:
    with pytest.raises(BadInput, match="Job 1 is done"):
        app.jobs.resume(kept(app).number)
    with pytest.raises(BadInput, match="held a password"):
        app.jobs.resume(kept(app, state="killed", resume=("ask", "http://***@host")).number)
    with pytest.raises(NotFound, match="is gone"):
        app.jobs.resume(kept(app, state="killed", folder="/no/such/folder").number)
