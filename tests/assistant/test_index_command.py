"""`dyag index` and `dyag status` on real folders: what they print, where, and how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import CHEAP_ENVIRON, SHEETS, SUPPORT, Ran, run
from words import HashEmbeddings
from workspace import write

from assistant import screen

COUNTS = ["added", "changed", "removed", "renamed", "unchanged", "failed"]


def dyag(*argv: str | Path, home: Path) -> Ran:
    return run(*argv, home=home, cheap=True)


def counts(ran: Ran) -> list[int]:
    return [ran.json[name] for name in COUNTS]


def table(ran: Ran) -> dict[str, str]:
    """The first table of a result, as label to value."""
    rows = [line.partition(" ") for line in ran.out.split("\n\n")[0].splitlines()]
    return {label: value.strip() for label, _, value in rows}


def test_the_first_index_prints_a_table_of_counts(docs: Path, home: Path) -> None:
    ran = dyag("index", docs, home=home)
    assert ran.code == 0
    assert table(ran) == {"files": "", "added": "5", "changed": "0", "removed": "0", "unchanged": "0", "failed": "0"}
    assert ran.out.splitlines()[-1].startswith("6 documents, 6 chunks (6 embedded) in ")


def test_json_is_one_object_with_the_counts(docs: Path, home: Path) -> None:
    ran = dyag("index", docs, "--json", home=home)
    assert list(ran.json) == [
        *COUNTS, "failures", "documents", "chunks", "embedded", "generation", "seconds", "forgotten",
    ]  # fmt: skip
    assert counts(ran) == [5, 0, 0, 0, 0, 0]
    assert (ran.json["failures"], ran.json["documents"], ran.json["forgotten"]) == ([], 6, 0)
    assert ran.json["generation"] == (home / "data" / "index" / "CURRENT").read_text()


def test_progress_is_on_standard_error_only(docs: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_WORTH_A_LINE", 0)
    ran = dyag("index", docs, home=home)
    assert [line.partition(", ")[0] for line in ran.err.splitlines()] == [
        "reading: 5/5 (100%)", "embedding: 6/6 (100%)", "writing the index", "checking the index",
    ]  # fmt: skip
    assert not any(stage in ran.out for stage in ("reading", "embedding:", "writing", "checking"))
    assert "\x1b" not in ran.err + ran.out


def test_without_a_path_everything_known_is_synced_again(docs: Path, home: Path) -> None:
    dyag("index", docs, home=home)
    assert counts(dyag("index", "--json", home=home)) == [0, 0, 0, 0, 5, 0]
    write(docs / "new.md", "# New\n\nA sheet that came later.\n")
    write(docs / "en-squid.md", SHEETS["en-squid.md"] + "\nOne more line.\n")
    (docs / "fr-redis.md").unlink()
    (docs / "fr-gitea.md").rename(docs / "fr-forge.md")
    assert counts(dyag("index", "--json", home=home)) == [1, 1, 1, 1, 2, 0]


def test_an_unchanged_folder_embeds_nothing_and_keeps_its_generation(docs: Path, home: Path) -> None:
    first = dyag("index", docs, "--json", home=home).json
    again = dyag("index", docs, "--json", home=home).json
    assert (again["embedded"], again["generation"]) == (0, first["generation"])


def test_what_is_quick_is_not_said_where_standard_error_is_no_terminal(docs: Path, home: Path) -> None:
    assert dyag("index", docs, home=home).err == ""


def test_rebuild_reads_every_file_again_and_writes_a_new_generation(
    docs: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "_WORTH_A_LINE", 0)
    first = dyag("index", docs, "--json", home=home).json
    rebuilt = dyag("index", "--rebuild", "--json", home=home)
    assert counts(rebuilt) == [0, 0, 0, 0, 5, 0]
    assert rebuilt.json["generation"] != first["generation"]
    assert (rebuilt.json["chunks"], rebuilt.json["embedded"]) == (first["chunks"], 0)
    assert "reading: " in rebuilt.err


def test_a_missing_path_is_one_error_and_nothing_is_made(docs: Path, home: Path) -> None:
    missing = docs / "nowhere"
    expected = (1, "", f"dyag: There is no file or folder {missing}.\nCheck the path; nothing was changed.\n")
    assert dyag("index", docs, missing, home=home) == expected
    assert not home.exists()


def test_index_without_a_path_in_a_new_workspace_names_the_command(home: Path) -> None:
    ran = dyag("index", home=home)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"dyag: Nothing has been indexed in {home} yet.\nName files or folders: dyag index PATH…\n"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder_is_reported_and_the_rest_indexed(docs: Path, home: Path) -> None:
    closed = docs / "closed"
    closed.mkdir(mode=0o000)
    try:
        ran = dyag("index", docs, "--json", home=home)
    finally:
        closed.chmod(0o700)
    assert (ran.code, counts(ran)) == (0, [5, 0, 0, 0, 0, 1])
    assert ran.json["failures"] == [
        {"path": str(closed), "reason": "cannot be read: Permission denied", "whole_file": True}
    ]


def test_an_empty_folder_is_one_error_that_names_the_fix(tmp_path: Path, home: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = dyag("index", tmp_path / "empty", home=home)
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 2
    assert ran.err.startswith(
        f"dyag: No file that can be read was found under {tmp_path}/empty.\nPut documents there ("
    )
    assert f"dyag index {tmp_path}/empty" in ran.err
    assert not home.exists()


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_empty_folder_beside_other_documents_is_said(
    docs: Path, home: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    write(tmp_path / "empty" / ".hidden.md", "# Hidden\n")
    ran = dyag("index", docs, tmp_path / "empty", *options, home=home)
    assert ran.code == 0
    assert ran.err.startswith(f"dyag: No file that can be read was found under {tmp_path}/empty.\n")
    assert len(ran.err.splitlines()) == 2


def test_a_known_folder_that_was_emptied_leaves_nothing_and_exit_code_1(docs: Path, home: Path) -> None:
    dyag("index", docs, home=home)
    for path in docs.iterdir():
        path.unlink()
    ran = dyag("index", docs, "--json", home=home)
    assert (ran.code, ran.json["removed"], ran.json["documents"]) == (1, 5, 0)
    assert "No file that can be read" in ran.err


def test_a_data_folder_that_is_a_file_is_one_error(docs: Path, home: Path) -> None:
    write(home / "data", "")
    ran = dyag("index", docs, home=home)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (1, "", 2)
    assert str(home / "data") in ran.err
    assert "a bug" not in ran.err


def test_there_is_nothing_to_forget_in_a_new_workspace(docs: Path, home: Path) -> None:
    ran = dyag("index", "--forget", docs, home=home)
    assert (ran.code, ran.out, home.exists()) == (1, "", False)
    assert ran.err.startswith(f"dyag: Nothing has been indexed in {home} yet.")


def test_forget_without_a_path_is_a_usage_error(home: Path) -> None:
    assert dyag("index", "--forget", home=home) == (
        2, "", "dyag: --forget needs the paths to drop.\ndyag index --forget PATH…\n",
    )  # fmt: skip


def test_files_that_fail_are_reported_with_reasons_and_the_others_indexed(docs: Path, home: Path) -> None:
    write(docs / "photo.png", b"\x89PNG")
    write(docs / "void.md", "")
    write(docs / "rows.jsonl", SHEETS["rows.jsonl"] + "not json\n")
    ran = dyag("index", docs, home=home)
    assert (ran.code, table(ran)["added"], table(ran)["failed"]) == (0, "5", "2")
    assert set(ran.out.split("\n\n")[-1].splitlines()) == {
        f"  {docs}/photo.png: an image: OCR is not included",
        f"  {docs}/void.md: an empty file",
        f"  {docs}/rows.jsonl: line 3: not valid JSON (Expecting value, column 1)",
    }
    again = dyag("index", "--json", home=home)
    assert (again.code, counts(again)) == (0, [0, 0, 0, 0, 5, 2])
    assert {Path(f["path"]).name: f["whole_file"] for f in again.json["failures"]} == {
        "photo.png": True, "void.md": True, "rows.jsonl": False,
    }  # fmt: skip


def test_a_reason_that_many_files_share_is_counted(docs: Path, home: Path) -> None:
    for number in range(8):
        write(docs / f"{number}.png", b"\x89PNG")
    lines = [line for line in dyag("index", docs, home=home).out.splitlines() if "an image" in line]
    assert (len(lines), lines[-1]) == (6, "  … and 3 more: an image: OCR is not included")


def test_nothing_that_can_be_read_is_exit_code_1(tmp_path: Path, home: Path) -> None:
    write(tmp_path / "photo.png", b"\x89PNG")
    ran = dyag("index", tmp_path / "photo.png", home=home)
    assert ran.code == 1
    assert ran.out.endswith("photo.png: an image: OCR is not included\n")


def test_a_forgotten_folder_leaves_the_library(docs: Path, home: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other" / "sheet.md", "# Other\n\nAnother folder.\n").parent
    dyag("index", docs, other, home=home)
    ran = dyag("index", "--forget", docs, "--json", home=home)
    assert (ran.code, ran.json["forgotten"], ran.json["documents"]) == (0, 5, 1)
    assert dyag("status", "--json", home=home).json["roots"] == [str(other)]


def test_a_forgotten_file_of_a_known_folder_leaves_the_library(docs: Path, home: Path) -> None:
    dyag("index", docs, home=home)
    ran = dyag("index", "--forget", docs / "fr-redis.md", "--json", home=home)
    assert (ran.json["forgotten"], ran.json["documents"]) == (1, 5)


def test_an_interrupted_index_keeps_what_is_done_and_the_next_one_goes_on(
    docs: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up(self: HashEmbeddings, texts: list[str]) -> list[list[float]]:
        if texts != ["dimension"]:
            raise KeyboardInterrupt
        return [[1.0] * 64]

    with monkeypatch.context() as patch:
        patch.setattr(HashEmbeddings, "embed_documents", give_up)
        ran = dyag("index", docs, home=home)
    assert (ran.code, ran.out, ran.err.splitlines()[-1]) == (130, "", "dyag: interrupted")
    assert dyag("status", "--json", home=home).json["current"] is False
    again = dyag("index", "--json", home=home)
    assert (counts(again), again.json["embedded"]) == ([0, 0, 0, 0, 5, 0], 6)
    assert dyag("status", "--json", home=home).json["current"] is True


def test_of_two_at_once_one_says_that_the_other_is_busy(docs: Path, home: Path, tmp_path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": SUPPORT, "WAITING_IN": str(tmp_path)}
    environ["DYAG_INDEX__EMBEDDER"] = "langchain:waiting:WaitingEmbeddings"
    command = [sys.executable, "-P", "-m", "assistant.cli", "--home", str(home), "index", str(docs)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as first:
        deadline = time.monotonic() + 60
        while not (tmp_path / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        second = dyag("index", docs, home=home)
        (tmp_path / "go").touch()
        out, _ = first.communicate(timeout=60)
    assert (second.code, second.out) == (1, "")
    assert second.err == (
        "dyag: Another dyag is indexing this workspace.\nWait for it to finish; searching works meanwhile.\n"
    )
    assert (first.returncode, b"added      5" in out) == (0, True)


def test_a_library_that_was_moved_away_takes_its_index_with_it(docs: Path, home: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other" / "boat.md", "# Boat\n\nThe wooden boat is green.\n").parent
    write(other / "bread.md", "# Bread\n\nWarm bread is sold at noon.\n")
    dyag("index", other, home=home)
    (home / "data" / "library.sqlite3").unlink()
    dyag("index", docs, home=home)
    passages = dyag("search", "forge logicielle légère", "--top-k", 1, "--json", home=home).json["passages"]
    assert [Path(p["document"]).name for p in passages] == ["fr-gitea.md"]


def test_it_does_the_same_in_a_process_of_its_own(docs: Path, home: Path, process) -> None:
    ran = process("index", docs, "--json", home=home, **CHEAP_ENVIRON)
    assert (ran.code, json.loads(ran.out)["added"]) == (0, 5)
    assert process("status", "--json", home=home, **CHEAP_ENVIRON).code == 0
