"""Parts of a hosted training by themselves: its options, its files, its state on the disk, its events, its end."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.hosted import submission, wait
from finetune.hosted.asked import HostedConfig
from finetune.hosted.closing import closing
from finetune.hosted.failed import failure
from finetune.hosted.files import Prepared, prepare
from finetune.hosted.run import begin, earlier, finish, is_hosted, request_of
from finetune.hosted.service import HostedEvent, HostedFailed, HostedFile, HostedJob, NewJob
from finetune.hosted.submission import SUBMISSION, Submitting, read_submission
from finetune.hosted.wait import Waiting, figures_of
from finetune.prices import Price, Prices
from finetune.runs.digests import TornRun, digest
from finetune.runs.folder import RunFolder
from finetune.runs.store import Runs
from retrieval.errors import BadInput, Busy

PRICES = Prices("2026-01-01", {"gpt-4o-mini": Price(1.0, 2.0, 3.0, "2026-01-01")})
URL = "https://service.example/v1"
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


def words(text: str) -> int:
    return len(text.split())


def rows(path: Path, count: int = 12) -> Path:
    lines = (
        [{"role": "user", "content": f"Quel port {n} ?"}, {"role": "assistant", "content": f"Le port {n}."}]
        for n in range(count)
    )
    path.write_text("".join(json.dumps({"messages": line, "metadata": {"n": 1}}) + "\n" for line in lines))
    return path


def prepared(folder: Path, **options: Any) -> Prepared:
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return prepare(HostedConfig(rows(folder / "rows.jsonl"), **options), scratch, words, PRICES)


@dataclass
class Service:
    """One that does what it is told, and fails as it is told."""

    fail: list[HostedFailed | None] = field(default_factory=list)
    """What each thing that is sent comes to; after them, nothing fails."""
    here: dict[str, HostedFile] = field(default_factory=dict)
    begun: list[HostedJob] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    told: list[HostedEvent] = field(default_factory=list)
    provider: str = "openai"
    url: str = URL

    def models(self) -> list[str]:
        return []

    def files(self) -> list[HostedFile]:
        return list(self.here.values())

    def send(self, path: Path, name: str) -> HostedFile:
        self.sent.append(name)
        fault = self.fail.pop(0) if self.fail else None
        if fault is None or fault.unsure:
            self.here[name] = HostedFile(f"file-{len(self.here)}", name, path.stat().st_size, "processed")
        if fault:
            raise fault
        return self.here[name]

    def create(self, asked: NewJob) -> HostedJob:
        fault = self.fail.pop(0) if self.fail else None
        if fault is None or fault.unsure:
            job = HostedJob(
                "ftjob-1", "queued", asked.model, 1.0, training_file=asked.training_file, metadata=asked.metadata
            )
            self.begun.append(job)
        if fault:
            raise fault
        return self.begun[-1]

    def jobs(self) -> list[HostedJob]:
        return self.begun

    def job(self, job_id: str) -> HostedJob:
        return self.begun.pop(0) if len(self.begun) > 1 else self.begun[0]

    def events(self, job_id: str, known: Sequence[str]) -> list[HostedEvent]:
        return [event for event in self.told if event.id not in known]

    def cancel(self, job_id: str) -> HostedJob:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "SETTLE", 0.0)
    monkeypatch.setattr(wait, "POLL", 0.0)


def submit(folder: RunFolder, service: Service) -> submission.Submission:
    asked = request_of(folder)
    return Submitting(folder, asked.id, asked.config, service, sleep=lambda seconds: None).run_to_job()


# what is asked for ---------------------------------------------------------------------------------------------------


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("epochs", "batch_size", "beta", "seed", "suffix", "method"), JSON)
    )
)
def test_options_are_taken_or_refused_and_read_back(given_: dict[str, Any]) -> None:
    try:
        config = HostedConfig.of({"dataset": "x", **given_})
    except BadInput:
        return
    assert HostedConfig.of(config.values()) == config
    json.dumps(config.api_method(), allow_nan=False)


def test_what_is_sent_of_the_options() -> None:
    config = HostedConfig(Path("x"), method="dpo", epochs=2, batch_size=8, beta=0.2)
    assert config.api_method() == {
        "type": "dpo",
        "dpo": {"hyperparameters": {"n_epochs": 2, "batch_size": 8, "beta": 0.2}},
    }


# files ---------------------------------------------------------------------------------------------------------------


def test_files_are_made_counted_and_priced(tmp_path: Path) -> None:
    found = prepared(tmp_path, epochs=2)
    lines = [json.loads(line) for line in found.train.path.read_text().splitlines()]
    assert [set(line) for line in lines] == [{"messages"}] * 12
    assert found.train.tokens == sum(words(m["content"]) for line in lines for m in line["messages"])
    assert found.dollars == pytest.approx(2 * found.train.tokens / 1e6 * 3.0)
    assert found.train.sha256[:32] in found.train.name
    assert prepared(tmp_path, base_model="other").dollars is None


def test_the_same_is_known_by_its_key(tmp_path: Path) -> None:
    first = prepared(tmp_path)
    assert first.key(URL) == prepared(tmp_path).key(URL)
    others = {
        first.key("https://other/v1"),
        *(prepared(tmp_path, **o).key(URL) for o in ({"seed": 1}, {"suffix": "a"}, {"epochs": 1})),
    }
    assert len({first.key(URL), *others}) == 5


def test_files_that_are_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("finetune.hosted.files.LARGEST", 100)
    with pytest.raises(BadInput, match="a service takes"):
        prepared(tmp_path)


# the state on the disk -----------------------------------------------------------------------------------------------

PASSING = [
    HostedFailed("429", status=429, passing=True),
    HostedFailed("lost", passing=True, unsure=True),
    HostedFailed("500", status=500, passing=True, unsure=True),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.message)
@pytest.mark.parametrize("place", [0, 1])
def test_a_fault_that_passes_sends_nothing_twice(tmp_path: Path, fault: HostedFailed, place: int) -> None:
    folder = begin(tmp_path / "models", prepared(tmp_path), "openai", URL, None)
    service = Service(fail=[*[None] * place, fault])
    done = submit(folder, service)
    assert (done.job, done.files["train"].id, done.sending) == ("ftjob-1", "file-0", "")
    assert (len(service.here), len(service.begun)) == (1, 1)
    assert submit(folder, service) == done  # and again, nothing
    assert len(service.begun) == 1


def test_a_file_that_lies_there_is_not_sent(tmp_path: Path) -> None:
    found = prepared(tmp_path)
    service = Service()
    submit(begin(tmp_path / "models", found, "openai", URL, None), service)
    submit(
        begin(tmp_path / "models", replace(found, config=replace(found.config, seed=1)), "openai", URL, None), service
    )
    assert (len(service.sent), len(service.begun)) == (1, 2)


def test_a_file_that_was_changed_since_is_not_sent(tmp_path: Path) -> None:
    folder = begin(tmp_path / "models", prepared(tmp_path), "openai", URL, None)
    folder.dataset.write_text("other")
    service = Service()
    with pytest.raises(TornRun):
        submit(folder, service)
    assert service.sent == []


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_state_that_is_torn_is_said(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as path:
        (Path(path) / SUBMISSION).write_bytes(data)
        with pytest.raises(TornRun):
            read_submission(RunFolder(Path(path)))


def test_a_run_is_found_by_what_was_asked_for(tmp_path: Path) -> None:
    found = prepared(tmp_path)
    models = tmp_path / "models"
    assert earlier(models, found.key(URL)) is None
    folder = begin(models, found, "openai", URL, None)
    again = earlier(models, found.key(URL))
    assert again is not None
    assert (again.path, is_hosted(folder)) == (folder.path, True)
    with folder.claimed(), pytest.raises(Busy), folder.claimed():
        pass


# waiting and the end -------------------------------------------------------------------------------------------------


@dataclass
class Watcher:
    """Hears what is told."""

    steps: list[tuple[int, int | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    stop: bool = False

    def stage(self, name: str) -> None: ...

    def step(self, done: int, total: int | None, **figures: float) -> None:
        self.steps.append((done, total))

    def note(self, text: str) -> None:
        self.notes.append(text)

    def stopped(self) -> bool:
        return self.stop


def event(number: int, **data: Any) -> HostedEvent:
    return HostedEvent(f"e{number}", 1.0, "info", f"event {number}", data)


def test_a_training_is_followed_to_its_manifest(tmp_path: Path) -> None:
    folder = begin(tmp_path / "models", prepared(tmp_path), "openai", URL, None)
    service, watcher = Service(), Watcher()
    submit(folder, service)
    end = replace(service.begun[0], status="succeeded", tuned="ft:a:b", finished=61.0, tokens=99)
    service.begun += [replace(end, status="running", finished=None, tuned=""), end]
    service.told = [
        event(0),
        event(1, step=1, total_steps=2, train_loss=2.0),
        event(2, step=2, total_steps=2, train_loss=1.0, valid_loss=1.5),
    ]
    for _ in range(2):  # followed twice, the log has each step once
        job = Waiting(service, "ftjob-1", watcher, folder.log).run()
    assert folder.log.read().series("loss") == [(1, 2.0), (2, 1.0)]
    assert (watcher.steps[:2], watcher.notes[0]) == ([(1, 2), (2, 2)], "event 0")
    made = finish(folder, job)
    assert (made.metrics["train_loss"], made.metrics["eval_loss"], made.metrics["num_tokens"]) == (1.5, 1.5, 99.0)
    assert made.dataset.sha256 == digest(tmp_path / "rows.jsonl")
    assert folder.curve.is_file()
    assert folder.verify() == made
    assert Runs(tmp_path / "models").find("ft:a:b").state == "done"


def test_who_asks_to_stop_is_heard(tmp_path: Path) -> None:
    service = Service(begun=[HostedJob("ftjob-1", "queued", "m", 1.0)])
    job = Waiting(service, "ftjob-1", Watcher(stop=True)).run()
    assert (job.status, job.over) == ("queued", False)


@given(
    st.dictionaries(st.sampled_from(["step", "total_steps", "train_loss", "valid_loss", "full_valid_loss", "x"]), JSON),
    st.text(),
)
def test_figures_of_any_event(data: dict[str, Any], message: str) -> None:
    found = figures_of(HostedEvent("e", 0.0, "info", message, data))
    assert set(found) <= {"step", "total_steps", "loss", "eval_loss"}
    assert all(math.isfinite(value) and value >= 0 for value in found.values())


def test_figures_that_only_a_message_has() -> None:
    found = figures_of(HostedEvent("e", 0.0, "info", "Step 3/90: training loss=0.52, validation loss=0.61"))
    assert found == {"step": 3, "total_steps": 90, "loss": 0.52, "eval_loss": 0.61}


@pytest.mark.parametrize(
    ("status", "finished", "tuned", "over", "succeeded"),
    [
        ("running", None, "", False, False),
        ("paused", 5.0, "", False, False),
        ("odd", None, "", False, False),
        ("odd", 5.0, "", True, False),
        ("odd", 5.0, "ft:x", True, True),
        ("succeeded", None, "ft:x", True, True),
        ("failed", 5.0, "ft:x", True, False),
        ("cancelled", None, "", True, False),
    ],
)
def test_when_a_job_is_over(status: str, finished: float | None, tuned: str, over: bool, succeeded: bool) -> None:
    job = HostedJob("j", status, "m", 1.0, finished, tuned)
    assert (job.over, job.succeeded) == (over, succeeded)


@pytest.mark.parametrize(
    ("code", "error", "hint"),
    [
        ("invalid_training_file", "The job failed due to an invalid training file.", "dataset validate"),
        ("exceeded_quota", "Creating this fine-tuning job would exceed your hard limit", "billing"),
        ("", "The data does not meet the moderation policy", "objects to"),
        ("server_error", "Internal", "later"),
        ("", "", "ask the service"),
    ],
)
def test_what_to_do_about_a_failure(code: str, error: str, hint: str) -> None:
    fault = failure(HostedJob("j", "failed", "m", 1.0, 2.0, code=code, error=error))
    assert hint in fault.hint
    assert error.removesuffix(".") in fault.message


def test_a_success_without_a_model_is_none() -> None:
    assert "names no model" in failure(HostedJob("j", "succeeded", "m", 1.0, 2.0)).message


def test_the_closing_is_told_of_openai_only() -> None:
    before, after = (
        closing("https://api.openai.com/v1", date(2026, 11, 22)),
        closing("https://api.openai.com/v1", date(2027, 2, 1)),
    )
    assert "closes to everyone on 2027-01-06" in before
    assert "closed to everyone on 2027-01-06" in after
    assert closing(URL, date(2026, 11, 22)) == ""
