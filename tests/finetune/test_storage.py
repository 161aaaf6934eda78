"""Runs in storages: there and back, whole or not at all, and nothing twice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from runs import files, finished, manifest

from finetune.export import place as places
from finetune.export import storage
from finetune.export.adapter_card import adapter_card
from finetune.export.place import NotStored, Place
from finetune.export.storage import Stored, check_file, pull, push
from finetune.runs.digests import TornRun
from finetune.runs.manifest import MANIFEST, RunBase
from finetune.runs.store import Run, Runs
from retrieval.errors import BadInput, Busy, ModelMissing, NoSpace, NotFound

CHILD = Path(__file__).resolve().parent.parent / "support" / "storage_child.py"
ID = "20261104-153012-a1f3"
BLOCK = 1000


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose weights are many blocks."""
    monkeypatch.setattr(places, "BLOCK", BLOCK)
    monkeypatch.setattr(storage, "BLOCK", BLOCK)
    final = tmp_path / "weights"
    final.mkdir()
    (final / "adapter_model.safetensors").write_bytes(random.Random(0).randbytes(12 * BLOCK + 7))
    (final / "adapter_config.json").write_text("{}")
    (final / "tokenizer.json").write_bytes(b"t" * 2 * BLOCK)
    return finished(tmp_path / "home" / "models", ID, final=final)


@pytest.fixture(params=["file", "memory", "path"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Storages of three kinds."""
    yield {"file": f"file://{tmp_path}/shelf", "memory": "memory://shelf", "path": str(tmp_path / "shelf")}[
        request.param
    ]
    fsspec.filesystem("memory").store.clear()


def to(folder: Path) -> Any:
    return lambda run_id: folder / "models" / "runs" / run_id


# there and back ------------------------------------------------------------------------------------------------------


def test_a_run_comes_back_as_it_was_and_is_found(run: Run, url: str, tmp_path: Path) -> None:
    sent = push(run.path, url)
    assert (sent.run, sent.place, sent.copied) == (ID, f"{url}/{ID}", sent.files)
    back = pull(sent.place, to(tmp_path / "other"))
    found = Runs(tmp_path / "other" / "models").find("latest")
    assert (found.path, found.state) == (Path(back.place), "done")
    whole = found.whole()
    assert {name: data for name, data in files(found.path).items() if name != ".lock"} == {
        name: data for name, data in files(run.path).items() if name in {*whole.artifacts, MANIFEST}
    }
    assert not list((tmp_path / "other").rglob(".pulling-*"))


def test_nothing_is_copied_twice(run: Run, url: str, tmp_path: Path) -> None:
    sent = push(run.path, url)
    assert push(run.path, url) == Stored(ID, sent.place, sent.files, 0, 0)
    pull(sent.place, to(tmp_path / "other"))
    assert pull(sent.place, to(tmp_path / "other")).copied == 0


def test_a_verdict_that_came_later_is_all_that_is_sent(run: Run, url: str) -> None:
    push(run.path, url)
    run.folder.keep_verdict({"promote": True})
    assert push(run.path, url).copied == 1


def test_a_file_that_was_damaged_there_is_sent_again(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "shelf" / ID
    push(run.path, str(place.parent))
    (place / "final" / "tokenizer.json").write_bytes(b"u" * 2 * BLOCK)
    assert push(run.path, str(place.parent)).copied == 1
    assert pull(str(place), to(tmp_path)).run == ID


def test_what_a_push_is_told_breaks_it_off(run: Run, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def tick(what: str, done: int, size: int) -> None:
        if what == "sending final/adapter_model.safetensors" and done >= 5 * BLOCK:
            raise Enough

    with pytest.raises(Enough):
        push(run.path, str(tmp_path / "shelf"), tick)
    assert not (tmp_path / "shelf" / ID / MANIFEST).exists()


# refused -------------------------------------------------------------------------------------------------------------


def test_a_place_without_a_manifest_holds_no_run(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "shelf" / ID
    push(run.path, str(place.parent))
    (place / MANIFEST).unlink()
    with pytest.raises(NotFound, match=r"there is no manifest\.json"):
        pull(str(place), to(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"id": 1}', b"\xff" * 99])
def test_a_torn_manifest_is_no_run(run: Run, tmp_path: Path, data: bytes) -> None:
    place = tmp_path / "shelf" / ID
    push(run.path, str(place.parent))
    (place / MANIFEST).write_bytes(data)
    with pytest.raises(NotStored, match="cannot be read"):
        pull(str(place), to(tmp_path / "other"))


@pytest.mark.parametrize("data", [None, b"", b"u" * 2 * BLOCK, b"u" * 9 * BLOCK])
def test_a_file_that_is_not_as_the_manifest_says_is_never_used(run: Run, tmp_path: Path, data: bytes | None) -> None:
    place = tmp_path / "shelf" / ID
    push(run.path, str(place.parent))
    bad = place / "final" / "tokenizer.json"
    bad.unlink() if data is None else bad.write_bytes(data)
    with pytest.raises(NotStored, match="not what the manifest says"):
        pull(str(place), to(tmp_path / "other"))
    assert Runs(tmp_path / "other" / "models").all() == []
    written = max(path.stat().st_size for path in (tmp_path / "other").rglob("tokenizer.json")) if data else 0
    assert written <= 2 * BLOCK


NAMES = ["../out.json", "/etc/out.json", "final/../../out.json", "final\\..\\out.json", "C:out.json", "a//b.json", "./a.json",
         "final/\x00.json", "", "manifest.json", "README.md", "a/" * 200 + "b.json"]  # fmt: skip
CODE = ["final/pytorch_model.bin", "rng_state.pth", "model.pt", "x.pkl", "modeling.py", "final/adapter_model", "X.BIN"]


@pytest.mark.parametrize("name", [*NAMES, *CODE])
def test_a_name_that_leads_out_and_a_kind_that_runs_code_are_refused(run: Run, tmp_path: Path, name: str) -> None:
    place = tmp_path / "shelf" / ID
    push(run.path, str(place.parent))
    told = json.loads((place / MANIFEST).read_bytes())
    told["artifacts"][name], told["sizes"][name] = "0" * 64, 1
    (place / MANIFEST).write_text(json.dumps(told))
    with pytest.raises(BadInput, match=r"cannot be one of its own|may run code"):
        pull(str(place), to(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


@given(st.text(st.sampled_from("./\\:a~\x00")))
def test_whatever_name_passes_stays_inside(name: str) -> None:
    try:
        check_file(f"{name}.json")
    except BadInput:
        return
    folder = Path("/somewhere/run")
    assert Path(os.path.normpath(folder / f"{name}.json")).is_relative_to(folder)


@pytest.mark.parametrize("run_id", ["../../x", "/tmp/x", ".hidden", "a/b", ""])
def test_an_id_that_is_no_folder_is_refused(run: Run, tmp_path: Path, run_id: str) -> None:
    place = tmp_path / "shelf" / ID
    push(run.path, str(place.parent))
    told = json.loads((place / MANIFEST).read_bytes())
    (place / MANIFEST).write_text(json.dumps({**told, "id": run_id}))
    with pytest.raises(BadInput, match="no name of a run"):
        pull(str(place), to(tmp_path / "other"))


def test_a_run_that_holds_a_pickle_is_not_sent(tmp_path: Path) -> None:
    final = tmp_path / "weights"
    final.mkdir()
    (final / "pytorch_model.bin").write_bytes(b"weights")
    made = finished(tmp_path / "models", ID, final=final)
    with pytest.raises(BadInput, match="may run code"):
        push(made.path, str(tmp_path / "shelf"))
    assert not (tmp_path / "shelf").exists()


def test_a_torn_run_and_another_run_at_that_place_are_refused(run: Run, url: str, tmp_path: Path) -> None:
    push(run.path, url)
    other = finished(tmp_path / "else" / "models", ID, seeds={"seed": 1})
    with pytest.raises(NotStored, match="holds another run"):
        push(other.path, url)
    (run.folder.final / "tokenizer.json").write_bytes(b"")
    with pytest.raises(TornRun):
        push(run.path, url)


def test_a_folder_that_is_in_use_is_left_alone(run: Run, tmp_path: Path) -> None:
    sent = push(run.path, str(tmp_path / "shelf"))
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="is there already, and is not this run"):
        pull(sent.place, lambda _: taken)
    assert files(taken) == {"mine.txt": b"mine"}


def test_one_fetches_at_a_time(run: Run, tmp_path: Path) -> None:
    sent = push(run.path, str(tmp_path / "shelf"))

    def again(*_: object) -> None:
        with pytest.raises(Busy):
            pull(sent.place, to(tmp_path / "other"))

    assert pull(sent.place, to(tmp_path / "other"), again).run == ID


def test_too_little_disk_is_said_before_anything_is_fetched(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = push(run.path, str(tmp_path / "shelf"))
    usage = storage.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(NoSpace, match="are free"):
        pull(sent.place, to(tmp_path / "other"))


def test_a_full_disk_there_is_one_message(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "makedirs", full)
    with pytest.raises(NotStored, match="No space left on device"):
        push(run.path, "memory://full")


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("s9://bucket", BadInput, "No storage is known as s9://"),
        ("s3:/bucket", BadInput, "no address of a storage"),
        ("  ", BadInput, "no address of a storage"),
        ("dropbox://x", ModelMissing, "dropboxdrivefs"),
        ("oss://user:secret@bucket/x", ModelMissing, "ossfs"),
    ],
)
def test_an_address_that_cannot_be_reached_is_one_message(run: Run, url: str, error: type, said: str) -> None:
    with pytest.raises(error, match=said) as raised:
        push(run.path, url)
    assert "secret" not in str(raised.value)
    if error is ModelMissing:
        assert raised.value.hint.startswith(f"pip install {said}")


def test_no_password_is_shown() -> None:
    assert Place.at("memory://user:secret@shelf/").shown == "memory://shelf"


# killed --------------------------------------------------------------------------------------------------------------


def killed(*argv: str | Path | int) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, str(CHILD), *map(str, argv)], capture_output=True, env=environ, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


def test_a_push_that_is_killed_anywhere_is_no_run_and_goes_on(run: Run, tmp_path: Path) -> None:
    """Blocks are ticked when they are sent, and when they are hashed there: about 38 of a whole push."""
    shelf = tmp_path / "shelf"
    steps = sorted(random.Random(7).sample(range(1, 20), 5))
    for step in steps:  # each goes on from what the one before left
        killed("push", run.path, f"file://{shelf}", BLOCK, step)
        with pytest.raises(NotFound):
            pull(f"file://{shelf}/{ID}", to(tmp_path / "other"))
    told: list[str] = []
    push(run.path, f"file://{shelf}", lambda what, done, size: told.append(what))
    assert pull(f"file://{shelf}/{ID}", to(tmp_path / "other")).run == ID
    again: list[str] = []
    push(run.path, f"file://{shelf}", lambda what, done, size: again.append(what))
    assert not [what for what in again if what.startswith("sending")]


def test_a_pull_that_is_killed_anywhere_is_no_run_and_goes_on(run: Run, tmp_path: Path) -> None:
    place = push(run.path, str(tmp_path / "shelf")).place
    other = tmp_path / "other" / "models" / "runs"
    for step in random.Random(8).sample(range(1, 15), 5):
        killed("pull", place, other, BLOCK, step)
        assert Runs(other.parent).all() == []
    left = {path.name for path in other.rglob("*") if path.is_file()}
    fetched: set[str] = set()
    pull(place, to(tmp_path / "other"), lambda what, done, size: fetched.add(what))
    assert Runs(other.parent).find(ID).whole().id == ID
    assert "request.json" in left
    assert "fetching request.json" not in fetched  # it was whole
    assert [path.name for path in other.iterdir()] == [ID]


# the card ------------------------------------------------------------------------------------------------------------


def test_the_card_has_what_a_hub_reads_and_nothing_of_the_machine() -> None:
    base = RunBase("qwen2.5:1.5b", "Qwen/Qwen2.5-1.5B-Instruct", "989aa79", "f" * 64, "Qwen2ForCausalLM")
    told = manifest(ID, base, artifacts={"final/adapter_config.json": "0"}, config={"name": "port-bot: 1"})
    _, head, body = adapter_card(told).split("---\n", 2)
    assert yaml.safe_load(head) == {
        "library_name": "peft", "pipeline_tag": "text-generation", "base_model": "Qwen/Qwen2.5-1.5B-Instruct",
        "base_model_relation": "adapter", "tags": ["dyag", "sft", "lora"], "license": "apache-2.0",
    }  # fmt: skip
    for part in ("# port-bot: 1", "989aa79", "f" * 64, "80 rows", "1" * 64, "train_loss | 0.4321", "subfolder='final'"):
        assert part in body
    private = manifest(ID, RunBase("/home/me/base", "/home/me/base", "", "0" * 64, "LlamaForCausalLM"))
    assert "/home" not in adapter_card(private)


def test_the_card_lies_with_the_run(run: Run, tmp_path: Path) -> None:
    push(run.path, str(tmp_path / "shelf"))
    assert (tmp_path / "shelf" / ID / "README.md").read_text() == adapter_card(run.whole())
