"""`dyag gen-dataset` as it is typed: the files it writes, what it says, what it refuses."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commands import CHEAP, Ran, cheap_sheets

from retrieval.citations import SUPPORTED

Run = Callable[..., Ran]


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty sheets in French and as many in English."""
    return cheap_sheets(tmp_path_factory.mktemp("sheets"))


@pytest.fixture
def gen(dyag: Run, tmp_path: Path) -> Run:
    def run(*argv: str | Path) -> Ran:
        return dyag(*CHEAP, "gen-dataset", *argv, home=tmp_path)

    return run


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def made(gen: Run, sheets: Path, folder: Path, *argv: str) -> dict[str, list[dict[str, Any]]]:
    assert gen(sheets, "-o", folder / "x.jsonl", *argv).code == 0
    return {split: rows(folder / f"x_{split}.jsonl") for split in ("train", "val", "test", "test_seen")}


def test_files_have_the_guides_names_and_counts(gen: Run, sheets: Path, tmp_path: Path) -> None:
    found = made(gen, sheets, tmp_path / "out", "--count", "100", "--split", "--method", "rule-based")
    assert {split: len(found[split]) for split in found} == {"train": 80, "val": 10, "test": 10, "test_seen": 10}
    for split, examples in found.items():
        for row in examples:
            assert [m["role"] for m in row["messages"]] == ["system", "user", "assistant"]
            assert row["metadata"]["split"] == split
            assert set(row) == {"messages", "metadata"}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}


def test_too_few_test_documents_to_promote_by_are_told(gen: Run, sheets: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(sheets.glob("*.md"))[:14]:
        (few / path.name).write_bytes(path.read_bytes())
    ran = gen(few, "-o", tmp_path / "few.jsonl", "--count", "60")
    told = " ".join(ran.out.split())
    documents = {row["metadata"]["documents"][0] for row in rows(tmp_path / "few_test.jsonl")}
    assert 0 < len(documents) < 6
    assert f"The test file is about {len(documents)} document" in told
    assert "`dyag promote` cannot decide" in told
    assert "--cases FILE" in told
    assert "cannot decide" not in gen(few, "-o", tmp_path / "one.jsonl", "--no-split").out
    assert "cannot decide" not in gen(few, "-o", tmp_path / "none.jsonl", "--val-ratio", "0.2").out
    assert (
        "cannot decide"
        not in gen(sheets, "-o", tmp_path / "many.jsonl", "--train-ratio", "0.6", "--val-ratio", "0.1").out
    )


def test_no_document_and_no_question_crosses_splits(gen: Run, sheets: Path, tmp_path: Path) -> None:
    found = made(gen, sheets, tmp_path, "--count", "200")
    documents = {s: {d for row in found[s] for d in row["metadata"]["documents"]} for s in found}
    assert not documents["train"] & (documents["val"] | documents["test"])
    assert documents["test_seen"] <= documents["train"] | documents["test_seen"]
    questions = [row["messages"][1]["content"] for split in found.values() for row in split]
    assert len(set(questions)) == len(questions)
    seen = found["test_seen"]
    assert sum(row["metadata"]["fact_in_train"] for row in seen) >= len(seen) // 2
    manifest = json.loads((tmp_path / "x.manifest.json").read_text())
    assert set(manifest["leaks"].values()) == {0}
    assert manifest["counts"]["train"]["refusals"] == pytest.approx(24, abs=8)


def test_answers_are_proved_by_their_chunk(gen: Run, sheets: Path, tmp_path: Path) -> None:
    found = made(gen, sheets, tmp_path, "--count", "150", "--context", "gold")
    kinds = Counter(row["metadata"]["type"] for split in found.values() for row in split)
    assert len(kinds) >= 9
    for row in (row for split in found.values() for row in split if row["metadata"]["answerable"]):
        context, answer = row["messages"][1]["content"].replace("’", "'"), row["messages"][2]["content"]
        assert "[chunk_" in answer
        assert all(value.replace("’", "'") in context for value in row["metadata"]["answers"])
        assert sorted(row["metadata"]["shown"].values()) == sorted(row["metadata"]["gold"])
        for shown in row["metadata"]["shown"]:
            assert f"[{shown}]" in answer
            assert f'id="{shown}"' in context
    assert SUPPORTED == 0.5


def test_the_same_seed_gives_the_same_bytes(gen: Run, sheets: Path, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        made(gen, sheets, tmp_path / folder, "--count", "60", "--method", "augmented", "--context", "raft")
    made(gen, sheets, tmp_path / "c", "--count", "60", "--method", "augmented", "--context", "raft", "--seed", "7")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert files(tmp_path / "a") != files(tmp_path / "c")
    assert str(tmp_path) not in str(files(tmp_path / "a"))


def test_chunks_in_the_dyag_format_are_cited_by_their_own_ids(gen: Run, tmp_path: Path) -> None:
    chunks = tmp_path / "applications_rag_optimal.jsonl"
    text = "# APP{0}X\n\nHébergeur : SITE-{0}\nPort : 80{0}\nLangage : L{0}"
    lines = [
        {"id": f"chunk_{380 + n}", "content": text.format(n), "metadata": {"title": f"APP{n}X"}} for n in range(40)
    ]
    chunks.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for given in ((chunks,), ("--chunks", chunks)):
        assert gen(*given, "--count", "60", "--output", tmp_path / "y.jsonl").code == 0
        found = rows(tmp_path / "y_train.jsonl")
        assert len(found) == 48
        for row in found:
            for name in row["metadata"]["gold"]:
                app = f"APP{int(name.removeprefix('chunk_')) - 380}X"
                assert app in row["messages"][1]["content"] + row["messages"][2]["content"]


def test_the_index_is_read_when_nothing_is_named(dyag: Run, sheets: Path, tmp_path: Path) -> None:
    assert dyag(*CHEAP, "index", sheets, home=tmp_path).code == 0
    ran = dyag(*CHEAP, "generate-training", "--count", "40", "--no-split", home=tmp_path)
    assert ran.code == 0
    found = rows(tmp_path / "data" / "finetuning" / "dataset.jsonl")
    assert len(found) == 40
    assert str(sheets) not in (tmp_path / "data" / "finetuning" / "dataset.jsonl").read_text()
    row = next(row["metadata"] for row in found if len(row["metadata"]["gold"]) == 1 and "quote" in row["metadata"])
    shown = dyag(*CHEAP, "source", row["gold"][0].removeprefix("chunk_"), home=tmp_path)
    assert row["quote"] in shown.out


def test_types_language_and_system_prompt(gen: Run, sheets: Path, tmp_path: Path) -> None:
    options = ("--types", "who,definition", "--language", "en", "--system-prompt", "Tu es l'assistant MYGUSI.")
    found = made(gen, sheets, tmp_path, "--count", "30", *options)
    for row in (row for split in found.values() for row in split):
        assert row["metadata"]["type"] in ("who", "definition")
        assert row["metadata"]["lang"] == "en"
        assert row["messages"][0]["content"] == "Tu es l'assistant MYGUSI."


def test_a_count_that_is_too_large_is_told_and_explained(gen: Run, sheets: Path, tmp_path: Path) -> None:
    ran = gen(sheets, "-o", tmp_path / "x.jsonl", "--count", "100000")
    assert ran.code == 0
    assert "of 100000 examples could be made: the documents give" in ran.out
    total = sum(len(rows(tmp_path / f"x_{split}.jsonl")) for split in ("train", "val", "test"))
    assert f"{total} of 100000" in ran.out


def test_dropped_examples_are_counted_and_shown(gen: Run, sheets: Path, tmp_path: Path) -> None:
    ran = gen(sheets, "-o", tmp_path / "x.jsonl", "--count", "300", "-v", "--json")
    manifest = json.loads((tmp_path / "x.manifest.json").read_text())
    assert json.loads(ran.out)["drops"] == manifest["drops"]
    for reason, count in manifest["drops"].items():
        assert 1 <= len(manifest["drop_examples"][reason]) <= min(3, count)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--train-ratio", "0.9", "--val-ratio", "0.3"), "do not add up"),
        (("--types", "whom"), "Did you mean who?"),
        (("--count", "0"), "--count"),
        (("--method", "magic"), "magic"),
        (("--base-model", "no/such-model"), "The tokenizer of no/such-model cannot be loaded"),
        (("--method", "llm-based"), "no teacher"),
        (("--method", "llm-based", "--teacher", "extractive"), "cannot be a teacher"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    gen: Run, sheets: Path, tmp_path: Path, argv: tuple[str, ...], said: str
) -> None:
    ran = gen(sheets, "-o", tmp_path / "out" / "x.jsonl", *argv)
    assert ran.code in (1, 2)
    assert said in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "chunks.jsonl: an empty file"),
        ("{broken\n", "line 1: not valid JSON"),
        ('{"messages": []}\n', "a training row"),
        ('{"id": "chunk_1", "content": "Bonjour.", "metadata": {}}\n', "1 document in 1 group cannot be split 3 ways"),
        ('{"id": "chunk_1", "content": "Oui.", "metadata": {"title": "Redis"}}\n', "cannot be split 3 ways"),
    ],
)
def test_bad_input(gen: Run, tmp_path: Path, content: str, said: str) -> None:
    chunks = tmp_path / "chunks.jsonl"
    chunks.write_text(content)
    ran = gen(chunks, "-o", tmp_path / "x.jsonl")
    assert ran.code == 1
    assert said in ran.err
    assert len(ran.err.strip().splitlines()) <= 3
    assert not list(tmp_path.glob("x*"))


def test_documents_that_state_nothing(gen: Run, tmp_path: Path) -> None:
    for n in range(5):
        (tmp_path / f"doc{n}.md").write_text(f"# Titre{n}\n\n…")
    ran = gen(*tmp_path.glob("doc*.md"), "-o", tmp_path / "x.jsonl", "--types", "procedure")
    assert ran.code == 1
    assert "No question could be made" in ran.err


def test_a_broken_line_is_told_and_the_others_are_read(gen: Run, sheets: Path, tmp_path: Path) -> None:
    chunks = tmp_path / "chunks.jsonl"
    lines = [
        json.dumps(
            {"id": f"chunk_{n}", "content": f"Port : {8000 + n}\nLangage : L{n}", "metadata": {"title": f"App{n}"}}
        )
        for n in range(30)
    ]
    chunks.write_text("\n".join([*lines[:10], '{"id": "chunk_99", "content": ', *lines[10:]]))
    ran = gen(chunks, "-o", tmp_path / "x.jsonl", "--count", "20")
    assert ran.code == 0
    assert "line 11: not valid JSON" in ran.out


def test_a_missing_input(gen: Run, tmp_path: Path) -> None:
    ran = gen(tmp_path / "nowhere", "-o", tmp_path / "x.jsonl")
    assert (ran.code, "There is no file or folder" in ran.err) == (1, True)


def test_edited_files_are_not_replaced_unasked(gen: Run, sheets: Path, tmp_path: Path) -> None:
    made(gen, sheets, tmp_path, "--count", "30")
    made(gen, sheets, tmp_path, "--count", "40")  # as dyag wrote them: replaced
    train = tmp_path / "x_train.jsonl"
    train.write_text(train.read_text().replace("Redis", "REDIS") + "\n")
    before = files(tmp_path)
    ran = gen(sheets, "-o", tmp_path / "x.jsonl", "--count", "30")
    assert ran.code == 1
    assert "it may hold edits" in ran.err
    assert files(tmp_path) == before
    assert gen(sheets, "-o", tmp_path / "x.jsonl", "--count", "30", "--force").code == 0


def test_a_full_disk_leaves_the_files_as_they_were(
    gen: Run, sheets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    made(gen, sheets, folder, "--count", "30")
    before = files(folder)
    real = os.fsync
    calls = iter(range(100))

    def full(handle: int) -> None:
        if str(folder) in os.readlink(f"/proc/self/fd/{handle}") and next(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    ran = gen(sheets, "-o", folder / "x.jsonl", "--count", "40")
    assert ran.code == 1
    assert "No space left" in ran.err
    assert files(folder) == before


@pytest.mark.parametrize("output", ["out", "out/file/x.jsonl"])
def test_an_output_that_cannot_be_written(gen: Run, sheets: Path, tmp_path: Path, output: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").touch()
    ran = gen(sheets, "-o", tmp_path / output, "--no-split", "--count", "5")
    assert ran.code == 1
    assert "Name" in ran.err


def test_rows_longer_than_the_base_model_reads_are_dropped_or_shortened(gen: Run, sheets: Path, tmp_path: Path) -> None:
    found = made(gen, sheets, tmp_path, "--count", "40", "--context", "raft", "--max-length", "500")
    manifest = json.loads((tmp_path / "x.manifest.json").read_text())
    assert max(spread["max"] for spread in manifest["tokens"].values()) <= 500
    assert found["train"]


def test_a_full_disk_while_it_works_is_one_clear_error(
    gen: Run, sheets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest temporary file may have a few pages only, as on a disk that is nearly full."""
    real = sqlite3.connect

    def small(path: Any, *args: Any, **options: Any) -> sqlite3.Connection:
        opened = real(path, *args, **options)
        if "catalogue.sqlite3" in str(path):
            opened.execute("PRAGMA max_page_count = 3")
        return opened

    monkeypatch.setattr(sqlite3, "connect", small)
    ran = gen(sheets, "-o", tmp_path / "x.jsonl", "--count", "40")
    assert ran.code == 1
    assert "No space left" in ran.err
    assert not list(tmp_path.glob("x*"))


def test_what_killed_runs_left_is_swept(
    gen: Run, sheets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    old, young = tmp_path / "tmp" / "dyag-dataset-old", tmp_path / "tmp" / "dyag-dataset-young"
    for folder in (old, young):
        (folder / "data").mkdir(parents=True)
    os.utime(old, (1, 1))
    assert gen(sheets, "-o", tmp_path / "x.jsonl", "--count", "10").code == 0
    assert [path.name for path in (tmp_path / "tmp").iterdir()] == ["dyag-dataset-young"]


def test_one_file_after_several_and_back_says_what_it_removes(gen: Run, sheets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    made(gen, sheets, folder, "--count", "30")
    ran = gen(sheets, "-o", folder / "x.jsonl", "--count", "30", "--no-split")
    assert ran.code == 0
    assert "Removed, as an earlier run wrote them" in ran.out
    assert sorted(files(folder)) == ["x.jsonl", "x.manifest.json"]
    ran = gen(sheets, "-o", folder / "x.jsonl", "--count", "30")
    assert ran.code == 0
    assert "does not: x.jsonl" in ran.out
    assert not (folder / "x.jsonl").exists()


def test_a_file_that_somebody_edited_is_never_removed(gen: Run, sheets: Path, tmp_path: Path) -> None:
    made(gen, sheets, tmp_path, "--count", "30")
    (tmp_path / "x_val.jsonl").write_text("mine\n")
    assert gen(sheets, "-o", tmp_path / "x.jsonl", "--no-split", "--force").code == 0
    assert (tmp_path / "x_val.jsonl").read_text() == "mine\n"
    assert not (tmp_path / "x_train.jsonl").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--as", "dpo"), "Add --from feedback"),
        (("--teacher", "openai:m"), "Rules need no teacher"),
        (("--from", "feedback"), "no other input"),
    ],
)
def test_options_that_would_be_ignored_are_refused(gen: Run, sheets: Path, argv: tuple[str, ...], said: str) -> None:
    ran = gen(sheets, *argv)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize("name", ["-", "x.csv", "x.xlsx"])
def test_a_name_that_is_none_of_a_dataset(gen: Run, sheets: Path, tmp_path: Path, name: str) -> None:
    ran = gen(sheets, "-o", name if name == "-" else tmp_path / name)
    assert ran.code == 1
    assert "cannot name a dataset" in ran.err


def test_dyags_own_files_are_no_documents(dyag: Run, sheets: Path, tmp_path: Path) -> None:
    for path in sheets.glob("fr0*.md"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for _ in range(2):
        ran = dyag(*CHEAP, "gen-dataset", tmp_path, "--count", "20", "--json", home=tmp_path)
        assert ran.code == 0
    assert "Not read" not in ran.out
    manifest = json.loads((tmp_path / "data" / "finetuning" / "dataset.manifest.json").read_text())
    assert manifest["input"]["records"] == 10


@pytest.mark.parametrize("context", ["none", "gold", "raft"])
def test_a_catalogue_in_one_file_is_split_by_the_things_in_it(gen: Run, tmp_path: Path, context: str) -> None:
    sheets = [
        f"## APP{n}X\n\nHébergeur : SITE-{n % 4}\nPort : 80{n}\nResponsable : Service {n}\n\nAPP{n}X gère les dossiers de la salle {n}.\n"
        for n in range(13)
    ]
    catalogue = tmp_path / "applicationsIA_mini_opt_1-13.md"
    catalogue.write_text("# Applications\n\n" + "\n".join(sheets))
    found = made(gen, catalogue, tmp_path, "--count", "100", "--split", "--context", context)
    documents = {s: {d for row in found[s] for d in row["metadata"]["documents"]} for s in found}
    assert documents["train"]
    assert documents["test"]
    assert not documents["train"] & (documents["val"] | documents["test"])
    for split in ("val", "test"):
        for row in found[split]:
            shown = row["messages"][1]["content"]
            assert not any(f"{d.partition('#')[2]}\n\nHébergeur" in shown for d in documents["train"])


def test_a_base_models_own_tokenizer_counts(gen: Run, sheets: Path, tmp_path: Path) -> None:
    from retrieval.minilm import packaged_model

    made(gen, sheets, tmp_path, "--count", "20", "--base-model", str(packaged_model()))
    request = json.loads((tmp_path / "x.manifest.json").read_text())["request"]
    assert request["tokenizer"] == packaged_model().name, "and no path of this machine"
