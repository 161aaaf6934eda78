"""Training files joined: each row once, one answer to a question, test rows kept apart; and what statistics tell."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace import write

from finetune.formats.merge import Keep, Merge, TestRows
from finetune.formats.plot import plot
from finetune.formats.read import read_rows
from finetune.formats.stats import Spread, spread, statistics
from finetune.formats.validate import validate
from retrieval.errors import BadInput


def chat(question: str, answer: str, **metadata: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": said, **({"metadata": metadata} if metadata else {})}


def file(path: Path, *rows: Any) -> Path:
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def told(path: Path) -> list[tuple[str, str, str]]:
    return [(row.question, row.answer, row.metadata.get("source", "")) for row in read_rows(path)]


@pytest.fixture
def train(tmp_path: Path) -> Path:
    return file(tmp_path / "d_train.jsonl", chat("Qui ?", "Lui.", n=1), chat("Où ?", "Ici."), chat("qui", "lui"))


@pytest.fixture
def corrections(tmp_path: Path) -> Path:
    return file(tmp_path / "corrections.jsonl", chat("OU ?", "Là-bas."), chat("Quand ?", "Hier."))


@pytest.mark.parametrize(
    ("keep", "where", "conflict"),
    [
        ("last", ("OU ?", "Là-bas.", "corrections.jsonl:1"), ("corrections.jsonl:1", "d_train.jsonl:2")),
        ("first", ("Où ?", "Ici.", "d_train.jsonl:2"), ("d_train.jsonl:2", "corrections.jsonl:1")),
    ],
)
def test_one_row_of_each_and_one_answer_to_a_question(
    tmp_path: Path, train: Path, corrections: Path, keep: Keep, where: Any, conflict: Any
) -> None:
    done, output = Merge([train, corrections], keep), tmp_path / "v2_train.jsonl"
    assert done.save(output) == 3
    assert sorted(told(output)) == sorted(
        [("Qui ?", "Lui.", "d_train.jsonl:1"), where, ("Quand ?", "Hier.", "corrections.jsonl:2")]
    )
    assert (done.rows, done.duplicates, done.conflicts, sum(done.written.values())) == (5, 1, 1, 3)
    assert [(c.kept, c.dropped) for c in done.shown] == [conflict]
    assert lines(output)[0]["metadata"] == {"source": "d_train.jsonl:1", "n": 1}


def test_where_a_row_is_from_outlives_a_second_merge(tmp_path: Path, train: Path, corrections: Path) -> None:
    Merge([train, corrections]).save(tmp_path / "v2_train.jsonl")
    Merge([tmp_path / "v2_train.jsonl"]).save(tmp_path / "v3_train.jsonl")
    assert told(tmp_path / "v2_train.jsonl") == told(tmp_path / "v3_train.jsonl")


def test_files_joined_by_hand_are_as_good(tmp_path: Path, train: Path, corrections: Path) -> None:
    """`cat d_train corrections > v2_train`, as the guide has it."""
    joined = write(tmp_path / "v2_train.jsonl", train.read_bytes() + corrections.read_bytes())
    (report,) = validate([joined], len)
    assert (report.rows, report.count("error")) == (5, 0)


def test_formats_are_kept_when_all_files_have_the_same(tmp_path: Path) -> None:
    alpaca = file(tmp_path / "a.jsonl", {"instruction": "Qui ?", "output": "Lui."})
    other = file(tmp_path / "b.jsonl", {"instruction": "Où ?", "output": "Ici."})
    Merge([alpaca, other]).save(tmp_path / "c.jsonl")
    assert [row["instruction"] for row in lines(tmp_path / "c.jsonl")] == ["Qui ?", "Où ?"]
    messages = file(tmp_path / "d.jsonl", chat("Quand ?", "Hier."))
    Merge([alpaca, messages]).save(tmp_path / "e.jsonl")
    assert all("messages" in row for row in lines(tmp_path / "e.jsonl"))


def test_pairs_of_one_question_all_stay(tmp_path: Path) -> None:
    pairs = [{"prompt": "Q ?", "chosen": "a", "rejected": r} for r in ("b", "c", "b")]
    done = Merge([file(tmp_path / "dpo.jsonl", *pairs)])
    assert (done.save(tmp_path / "out.jsonl"), done.duplicates, done.conflicts) == (2, 1, 0)


def test_rows_of_different_kinds_are_refused(tmp_path: Path, train: Path) -> None:
    pairs = file(tmp_path / "dpo.jsonl", {"prompt": "Q ?", "chosen": "a", "rejected": "b"})
    with pytest.raises(BadInput, match=r"cannot be in one file: messages \(sft\), dpo \(dpo\)"):
        Merge([train, pairs]).save(tmp_path / "out.jsonl")


def test_a_merge_into_one_of_its_files(tmp_path: Path, train: Path, corrections: Path) -> None:
    assert Merge([train, corrections]).save(train) == 3
    assert len(told(train)) == 3


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=6),
        min_size=1,
        max_size=3,
    )
)
def test_every_question_keeps_exactly_one_answer_the_last(files: list[list[tuple[str, str]]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        paths = [file(Path(folder) / f"{i}.jsonl", *(chat(*row) for row in rows)) for i, rows in enumerate(files)]
        Merge(paths).save(Path(folder) / "out.jsonl")
        found = [(question, answer) for question, answer, _ in told(Path(folder) / "out.jsonl")]
    rows = [row for rows in files for row in rows]
    assert sorted(found) == sorted(dict(rows).items())


# test rows -----------------------------------------------------------------------------------------------------------


def by_name(folder: Path) -> Path:
    return file(folder / "d_test.jsonl", chat("Quoi ?", "Ça."))


def by_seen(folder: Path) -> Path:
    return file(folder / "d_test_seen.jsonl", chat("Quoi ?", "Ça."))


def by_row(folder: Path) -> Path:
    return file(folder / "more.jsonl", chat("Quoi ?", "Ça.", split="test"))


def by_manifest(folder: Path) -> Path:
    path = file(folder / "renamed.jsonl", chat("Quoi ?", "Ça."))
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    write(
        folder / "x.manifest.json",
        json.dumps({"outputs": {"x_train.jsonl": {"sha256": "0"}, "x_test.jsonl": {"sha256": sha}}}),
    )
    return path


@pytest.mark.parametrize("make", [by_name, by_seen, by_row, by_manifest])
def test_test_rows_do_not_go_where_a_model_learns(tmp_path: Path, train: Path, make: Any) -> None:
    test, output = make(tmp_path), tmp_path / "v2_train.jsonl"
    with pytest.raises(TestRows, match=test.name) as raised:
        Merge([train, test]).save(output)
    assert "--allow-test" in raised.value.hint
    assert not output.exists()
    assert Merge([train, test]).save(output, allow_test=True) == 3


def test_test_sets_may_be_joined(tmp_path: Path) -> None:
    assert (
        Merge([by_name(tmp_path), file(tmp_path / "e_test.jsonl", chat("Qui ?", "Lui."))]).save(
            tmp_path / "f_test.jsonl"
        )
        == 2
    )


def test_a_manifest_about_training_says_nothing(tmp_path: Path, train: Path) -> None:
    sha = hashlib.sha256(train.read_bytes()).hexdigest()
    write(tmp_path / "d.manifest.json", json.dumps({"files": [{"split": "train", "sha256": sha}]}))
    write(tmp_path / "broken.manifest.json", "{")
    assert Merge([train]).save(tmp_path / "out_train.jsonl") == 2
    write(tmp_path / "d.manifest.json", json.dumps({"files": [{"split": "test", "sha256": sha}]}))
    with pytest.raises(TestRows):
        Merge([train]).save(tmp_path / "out_train.jsonl")


# statistics ----------------------------------------------------------------------------------------------------------


def test_what_rows_have_in_common_is_counted(tmp_path: Path) -> None:
    rows = [
        chat("Qui héberge A ?", "SI-RAPP héberge A.", type="who", lang="fr", form="f.1", documents=["a.md", "b.md"]),
        chat("qui heberge B ?", "Je ne sais pas.", type="refusal", lang="fr", answerable=False, documents=["a.md"]),
        chat("Who hosts it?", "They do.", lang="en", form="f.1"),
    ]
    found = statistics(read_rows(file(tmp_path / "rows.jsonl", *rows)), lambda text: len(text.split()))
    assert (found.rows, found.answerable, found.forms, found.documents) == (3, 2, 1, 2)
    assert found.types == {"refusal": 1, "sft": 1, "who": 1}
    assert found.languages == {"fr": 2, "en": 1}
    assert (found.openings, found.distinct_openings) == ({"qui heberge": 2, "who hosts": 1}, 2)
    assert found.answer_words == Spread(2, 2, 3, 3, 4)
    assert (found.tokens, found.token_histogram) == (20, {5: 1, 7: 1, 8: 1})


@given(st.lists(st.integers(0, 50), min_size=1))
def test_quartiles_are_numbers_that_occur(values: list[int]) -> None:
    found = spread({value: values.count(value) for value in values})
    ordered = sorted(values)
    assert (found.least, found.most) == (ordered[0], ordered[-1])
    assert found.median == ordered[(len(ordered) - 1) // 2]
    assert found.least <= found.low <= found.median <= found.high <= found.most


def test_nothing_has_no_quartiles() -> None:
    assert spread({}) == Spread()


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture(tmp_path: Path, train: Path, suffix: str) -> None:
    found = statistics(read_rows(train), len)
    for name in ("one", "two"):
        plot(found, "d_train $x", tmp_path / "new" / f"{name}{suffix}")
    one, two = ((tmp_path / "new" / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
    assert one.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert suffix != ".png" or one == two


def test_a_picture_of_an_unknown_kind(tmp_path: Path, train: Path) -> None:
    with pytest.raises(BadInput, match="names no kind of picture"):
        plot(statistics(read_rows(train), len), "x", tmp_path / "x.doc")
