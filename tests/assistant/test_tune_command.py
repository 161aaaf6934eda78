"""`dyag tune` as it is typed: what it writes, when it does not, and that it can be taken back byte for byte."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from commands import Ran, cheap_sheets, run

from assistant import tuning, tuning_history
from assistant.tuning_gold import placed
from eval.types import Case
from retrieval.library import Library

TOML = b"# ours\r\n[search]  # how\r\ndense_weight = 1.0   # trust the vectors\r\n\r\n[model]\r\nseed = 7\r\n"
Tune = Callable[..., Ran]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    cheap_sheets(home / "docs")
    assert run("index", home / "docs", home=home, cheap=True).code == 0
    return home


@pytest.fixture
def home(indexed: Path, tmp_path: Path) -> Path:
    """A workspace with sixty sheets, where the weight is all on vectors of hashed words."""
    shutil.copytree(indexed, tmp_path / "home")
    (tmp_path / "home" / "dyag.toml").write_bytes(TOML)
    return tmp_path / "home"


@pytest.fixture
def tune(home: Path) -> Tune:
    return lambda *argv: run("tune", *argv, home=home, cheap=True)


def write_cases(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def rows(count: int = 30, documents: int = 30) -> list[dict[str, Any]]:
    """Questions whose one telling word is the name of a tool."""
    asked = [f"How long does the backup of Tool{n % documents} take every night?" for n in range(count)]
    return [
        {"id": f"q{n}", "question": text, "lang": "en", "gold": [f"en{n % documents:02}.md"]}
        for n, text in enumerate(asked)
    ]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    return write_cases(tmp_path / "cases.jsonl", rows(60))


@pytest.fixture
def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cases of either kind, which the confidence tells apart."""
    rng = random.Random(0)
    chance = lambda app, answerer, question: rng.gauss(0.6 if "Nobody" in question else 0.9, 0.02)  # noqa: E731
    monkeypatch.setattr(tuning, "_chance", chance)
    nobody = [{"id": f"n{n}", "question": f"Who wrote Nobody{n}?", "answerable": False} for n in range(20)]
    return write_cases(tmp_path / "both.jsonl", [*rows(), *nobody])


def kept(home: Path) -> list[Path]:
    return sorted((home / "data").glob("tuning/*/*"))


# a gain ---------------------------------------------------------------------------------------------------------------------


def test_a_gain_is_written_and_undone_byte_for_byte(home: Path, tune: Tune, cases: Path) -> None:
    toml = home / "dyag.toml"
    toml.chmod(0o640)
    done = tune(cases, "--only", "weight", "--json")
    assert done.code == 0, done.err
    (weight,) = done.json["settings"]
    assert (done.json["wins"], done.json["written"], weight["changes"], weight["before"]) == (True, True, True, 1.0)
    assert weight["value"] < 0.9
    assert weight["score_before"]["mean"] < weight["score_after"]["mean"]
    assert 0 < weight["gain"]["low"] < weight["gain"]["mean"] < weight["gain"]["high"]
    assert [fold["documents"] for fold in weight["folds"]] == [6] * 5
    assert toml.read_bytes() == TOML.replace(b"1.0", str(weight["value"]).encode())
    assert toml.stat().st_mode & 0o777 == 0o640
    assert run("config", "search.dense_weight", "--json", home=home).json["settings"][0]["value"] == weight["value"]

    undone = tune("--undo", "--json")
    assert (undone.code, undone.json["exact"]) == (0, True)
    assert undone.json["settings"] == {"search.dense_weight": [weight["value"], 1.0]}
    assert toml.read_bytes() == TOML
    assert toml.stat().st_mode & 0o777 == 0o640
    again = tune("--undo")
    assert (again.code, toml.read_bytes()) == (1, TOML)
    assert "There is no tuning to undo." in again.err


def test_tunings_are_undone_one_by_one(home: Path, tune: Tune, cases: Path, both: Path) -> None:
    assert tune(cases, "--only", "weight").code == 0
    between = (home / "dyag.toml").read_bytes()
    assert tune(both, "--only", "threshold", "--json").json["written"]
    assert (home / "dyag.toml").read_bytes() != between
    assert tune("--undo").code == 0
    assert (home / "dyag.toml").read_bytes() == between
    assert tune("--undo").code == 0
    assert (home / "dyag.toml").read_bytes() == TOML


def test_a_file_that_was_not_there_is_gone_again(home: Path, tune: Tune, both: Path) -> None:
    (home / "dyag.toml").unlink()
    (threshold,) = tune(both, "--only", "threshold", "--json").json["settings"]
    assert (home / "dyag.toml").read_text() == f"[answer]\nrefuse_below = {threshold['value']}\n"
    undone = tune("--undo")
    assert "taken out" in undone.out
    assert not (home / "dyag.toml").exists()


def test_what_was_edited_since_stays(home: Path, tune: Tune, cases: Path) -> None:
    assert tune(cases, "--only", "weight").code == 0
    toml = home / "dyag.toml"
    toml.write_bytes(toml.read_bytes() + b"temperature = 0.5\r\n")
    undone = tune("--undo")
    assert "had been edited since: only this was changed in it" in undone.out
    assert toml.read_bytes() == TOML + b"temperature = 0.5\r\n"


def test_a_person_sees_before_after_and_the_folds(home: Path, tune: Tune, cases: Path) -> None:
    done = tune(cases, "--only", "weight")
    assert done.out.startswith("search.dense_weight  1.0 → 0.")
    assert "changed: the gain on documents left out is more than chance" in done.out
    assert "60 questions about 30 documents, nDCG@10" in done.out
    for word in ("before", "after", "gain", "documents left out", "dyag tune --undo"):
        assert word in done.out
    assert done.out.count("\n                 6") == 5


# no gain --------------------------------------------------------------------------------------------------------------------


def test_nothing_is_written_without_a_gain(home: Path, tune: Tune, cases: Path) -> None:
    toml = home / "dyag.toml"
    toml.write_bytes(TOML.replace(b"1.0", b"0.1"))
    before = toml.stat().st_mtime_ns
    done = tune(cases, "--only", "weight")
    assert done.code == 0
    assert "Nothing is gained beyond chance" in done.out
    assert (toml.stat().st_mtime_ns, kept(home)) == (before, [])


def test_a_dry_run_writes_nothing(home: Path, tune: Tune, cases: Path) -> None:
    done = tune(cases, "--only", "weight", "--dry-run")
    assert done.code == 0
    assert "1.0 → " in done.out
    assert "Nothing was written (--dry-run)" in done.out
    assert ((home / "dyag.toml").read_bytes(), kept(home)) == (TOML, [])


def test_what_is_set_elsewhere_is_left_alone(
    home: Path, tune: Tune, cases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DYAG_SEARCH__DENSE_WEIGHT", "0.9")
    (weight,) = tune(cases, "--only", "weight", "--json").json["settings"]
    assert (weight["changes"], weight["value"]) == (False, 0.9)
    assert weight["why"] == "left alone: environment DYAG_SEARCH__DENSE_WEIGHT sets it, before dyag.toml"
    assert (home / "dyag.toml").read_bytes() == TOML


def test_other_settings_are_not_touched_by_only(home: Path, tune: Tune, cases: Path) -> None:
    done = tune(cases, "--only", "top-k", "--json").json
    assert [t["setting"] for t in done["settings"]] == ["search.top_k"]
    assert b"dense_weight = 1.0   # trust the vectors" in (home / "dyag.toml").read_bytes()


# the threshold --------------------------------------------------------------------------------------------------------------


def test_the_threshold_is_set_between_the_kinds(home: Path, tune: Tune, both: Path) -> None:
    done = tune(both, "--only", "threshold", "--json")
    (threshold,) = done.json["settings"]
    assert (threshold["before"], threshold["changes"]) == (None, True)
    assert 0.6 <= threshold["value"] <= 0.9
    assert threshold["parts"]["unanswerable refused"][0] == 0
    assert b"[answer]\r\nrefuse_below = 0." in (home / "dyag.toml").read_bytes()


def test_the_threshold_is_judged_by_what_the_assistant_computes(tune: Tune, tmp_path: Path) -> None:
    nobody = [
        {"id": f"n{n}", "question": f"Who painted the bridge number {n}?", "answerable": False} for n in range(10)
    ]
    path = write_cases(tmp_path / "both.jsonl", [*rows(12), *nobody])
    (threshold,) = tune(path, "--only", "threshold", "--json").json["settings"]
    assert (threshold["questions"], threshold["measure"]) == (22, "balanced accuracy of refusing")
    assert threshold["parts"]["unanswerable refused"][0] > threshold["parts"]["answerable refused"][0]


# too little, or bad ---------------------------------------------------------------------------------------------------------


def test_five_documents_decide_nothing(home: Path, tune: Tune, tmp_path: Path) -> None:
    path = write_cases(tmp_path / "few.jsonl", rows(40, documents=5))
    done = tune(path)
    assert done.code == 0
    assert "cannot be decided: the questions are about 5 documents, and 6 are needed" in done.out
    assert "Nothing is gained" not in done.out
    assert "dyag.toml stays as it is." in done.out
    assert ((home / "dyag.toml").read_bytes(), kept(home)) == (TOML, [])


@pytest.mark.parametrize(
    ("only", "changed", "said"),
    [
        ("weight", {"gold": []}, "none of the 30 cases names a document of this index"),
        ("top-k", {"gold": ["gone.md"]}, "none of the 30 cases names a document of this index"),
        ("threshold", {}, "none of the 30 cases is unanswerable"),
        ("threshold", {"answerable": False}, "none of the 30 cases is answerable"),
    ],
)
def test_cases_that_lack_what_is_needed(
    home: Path, tune: Tune, tmp_path: Path, only: str, changed: dict[str, Any], said: str
) -> None:
    done = tune(write_cases(tmp_path / "cases.jsonl", [row | changed for row in rows()]), "--only", only)
    assert done.code == 1
    assert said in done.err
    assert (home / "dyag.toml").read_bytes() == TOML


def test_without_gold_and_all_answerable_nothing_can_be_tuned(tune: Tune, tmp_path: Path) -> None:
    done = tune(write_cases(tmp_path / "cases.jsonl", [row | {"gold": []} for row in rows()]))
    assert (done.code, done.out) == (1, "")


def test_one_setting_without_material_does_not_stop_the_others(tune: Tune, cases: Path) -> None:
    settings = {t["setting"]: t for t in tune(cases, "--json").json["settings"]}
    assert settings["search.dense_weight"]["changes"]
    assert settings["answer.refuse_below"]["why"].startswith("cannot be decided: none of the 60 cases is unanswerable")


def test_bad_files_and_options(tune: Tune, tmp_path: Path, home: Path) -> None:
    assert tune(tmp_path / "missing.jsonl").code == 1
    (tmp_path / "empty.jsonl").write_text("")
    assert tune(tmp_path / "empty.jsonl").code == 1
    assert tune("--undo", "--dry-run").code == 2
    assert tune(tmp_path / "x", "--only", "everything").code == 2
    assert (home / "dyag.toml").read_bytes() == TOML


def test_a_file_that_cannot_be_changed_safely_is_left(home: Path, tune: Tune, cases: Path) -> None:
    text = b"search = { dense_weight = 1.0 }\n"
    (home / "dyag.toml").write_bytes(text)
    done = tune(cases, "--only", "weight")
    assert done.code == 1
    assert "Set it by hand: search.dense_weight = 0." in done.err
    assert ((home / "dyag.toml").read_bytes(), kept(home)) == (text, [])


# killed ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_kill_between_steps_leaves_the_file_whole(
    home: Path, tune: Tune, cases: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Nothing, the old file, or the record too has been written; dyag.toml is whole, and undo brings no harm."""
    written: list[Path] = []
    real = tuning_history.write_private

    def write_private(path: Path, data: bytes) -> None:
        if len(written) == after:
            raise KeyboardInterrupt
        written.append(path)
        real(path, data)

    monkeypatch.setattr(tuning_history, "write_private", write_private)
    assert tune(cases, "--only", "weight").code == 130
    assert (home / "dyag.toml").read_bytes() == TOML
    assert not list(home.glob("*.part"))
    monkeypatch.setattr(tuning_history, "write_private", real)
    assert tune("--undo").code == (0 if after == 2 else 1)
    assert (home / "dyag.toml").read_bytes() == TOML
    assert tune(cases, "--only", "weight", "--json").json["written"]
    assert tune("--undo").code == 0
    assert (home / "dyag.toml").read_bytes() == TOML


# where the questions come from ----------------------------------------------------------------------------------------------


def test_without_cases_questions_are_made(home: Path, tune: Tune) -> None:
    done = tune("--only", "weight", "--limit", "60", "--json")
    assert done.code == 0, done.err
    assert (done.json["cases"], 20 <= done.json["questions"] <= 60) == ("", True)
    assert done.json["settings"][0]["documents"] > 5
    assert "The questions were made from the index by rules." in done.json["notes"]


def test_a_document_is_found_by_each_of_its_names(home: Path) -> None:
    library = Library(home / "data" / "library.sqlite3")
    (chunk, document, path), *_ = library.query(
        "SELECT c.id, d.id, f.path FROM chunks c JOIN documents d ON d.id=c.document_id JOIN files f ON f.id=d.file_id "
        "WHERE f.path LIKE '%en07.md' ORDER BY c.id"
    )
    names = [f"chunk_{chunk}", f"[chunk_{chunk}]", "en07.md", path]
    found = placed([Case(name, "?", gold=(name,)) for name in names], library)
    made = placed([Case("made", "?", gold=(f"chunk_{chunk}",))], library, made=True)
    lost = placed([Case("x", "?", gold=("chunk_99999", "en99.md"))], library)
    library.close()
    assert [p.documents for p in found] == [frozenset((document,))] * 4
    assert [p.chunks for p in found] == [frozenset((chunk,))] * 2 + [frozenset()] * 2
    assert len({p.group for p in found}) == 1
    assert (made[0].chunks, made[0].documents) == (frozenset(), frozenset((document,)))
    assert lost[0].documents == frozenset()


def test_questions_that_share_a_document_are_not_parted(home: Path) -> None:
    golds = [("en01.md", "en02.md"), ("en02.md",), ("en03.md",), (), ()]
    groups = ["", "", "", "fr", "fr"]
    library = Library(home / "data" / "library.sqlite3")
    cases = [Case(str(i), "?", gold=g, group=o) for i, (g, o) in enumerate(zip(golds, groups, strict=True))]
    a, b, c, d, e = (p.group for p in placed(cases, library))
    library.close()
    assert (a == b, d == e, len({a, c, d})) == (True, True, 3)
