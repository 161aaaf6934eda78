"""Rows written in other formats: nothing is lost on the way, and what cannot be is said."""

from __future__ import annotations

import csv
import errno
import json
import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace import write

from finetune.formats import write as written
from finetune.formats.convert import CannotConvert, Conversion
from finetune.formats.read import BadRows, read_rows
from finetune.formats.row import Row
from finetune.formats.targets import POSSIBLE, Target
from retrieval.errors import BadInput, NoSpace

SFT = [{"messages": [{"role": "system", "content": "Cite."}, {"role": "user", "content": f"Q{i} ?"},
                     {"role": "assistant", "content": f"R{i} [chunk_1]."}], "metadata": {"lang": "fr", "n": i}}
       for i in range(3)]  # fmt: skip
DPO = [{"prompt": f"Q{i} ?", "chosen": f"oui {i}", "rejected": f"non {i}"} for i in range(3)]
KTO = [{"prompt": "Q ?", "completion": "oui", "label": True}, {"prompt": "Q ?", "completion": "non", "label": False}]
TEXT = [{"text": "Frigo froid"}]
DOCUMENT = '<document id="chunk_{0}" title="T" path="p.md">\n{1}\n</document>'


def convert(tmp_path: Path, rows: list[Any], to: Target, name: str = "out.jsonl") -> list[Any]:
    path = write(tmp_path / "in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    Conversion(path, to).save(tmp_path / name)
    text = (tmp_path / name).read_text(encoding="utf-8")
    return list(json.loads(text)) if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]


def seen(rows: list[Row]) -> list[Any]:
    return [(row.prompt, row.completion, row.chosen, row.rejected, row.label, dict(row.metadata)) for row in rows]


# round trips ---------------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda text: text.strip() != ""
)
METADATA = st.dictionaries(st.sampled_from(["lang", "type", "n"]), st.text(max_size=5), max_size=2)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows with a system message or without, of one turn or several; alike in this within a file."""
    has_system, turns = draw(st.booleans()), draw(st.integers(1, 3))

    def row() -> dict[str, Any]:
        said = [{"role": ("user", "assistant")[i % 2], "content": draw(WORDS)} for i in range(2 * turns)]
        system = [{"role": "system", "content": draw(WORDS)}] if has_system else []
        metadata = draw(METADATA)
        return {"messages": [*system, *said], **({"metadata": metadata} if metadata else {})}

    return [row() for _ in range(draw(st.integers(1, 3)))]


@given(
    conversations(),
    st.sampled_from(["messages", "prompt-completion", "alpaca", "sharegpt", "trl", "openai"]),
    st.sampled_from(["jsonl", "json"]),
)
def test_there_and_back_again(rows: list[dict[str, Any]], to: Target, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        start, there, back = (Path(folder) / name for name in ("start.jsonl", f"there.{suffix}", "back.jsonl"))
        start.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        assert Conversion(start, to).save(there) == len(rows)
        Conversion(there, "messages").save(back)
        before, after = list(read_rows(start)), list(read_rows(back))
    assert [(r.system, r.question, r.answer, r.prompt) for r in after] == [
        (r.system, r.question, r.answer, r.prompt) for r in before
    ]
    assert [r.metadata for r in after] == [{} if to == "openai" else r.metadata for r in before]


@given(st.lists(st.tuples(WORDS, WORDS, WORDS).filter(lambda t: t[1].strip() != t[2].strip()), min_size=1, max_size=3))
def test_pairs_there_and_back_again(pairs: list[tuple[str, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        start, there, back = (Path(folder) / f"{name}.jsonl" for name in ("start", "there", "back"))
        start.write_text(
            "".join(
                json.dumps(dict(zip(("prompt", "chosen", "rejected"), pair, strict=True))) + "\n" for pair in pairs
            ),
            encoding="utf-8",
        )
        Conversion(start, "openai-dpo").save(there)
        Conversion(there, "dpo").save(back)
        assert seen(list(read_rows(start))) == seen(list(read_rows(back)))


# the formats ---------------------------------------------------------------------------------------------------------


def test_a_hosted_service_gets_messages_and_nothing_else(tmp_path: Path) -> None:
    assert convert(tmp_path, SFT, "openai") == [{"messages": row["messages"]} for row in SFT]
    assert set(convert(tmp_path, DPO, "openai-dpo")[0]) == {"input", "preferred_output", "non_preferred_output"}


def test_each_kind_as_its_trainer_reads_it(tmp_path: Path) -> None:
    assert (
        convert(tmp_path, SFT, "trl")[0]
        == {
            "prompt": SFT[0]["messages"][:2],  # type: ignore[index]
            "completion": SFT[0]["messages"][2:],  # type: ignore[index]
            "metadata": {"lang": "fr", "n": 0},
        }
    )
    assert convert(tmp_path, DPO, "trl") == convert(tmp_path, DPO, "dpo")
    assert [row["label"] for row in convert(tmp_path, KTO, "trl")] == [True, False]
    assert convert(tmp_path, TEXT, "trl") == TEXT


def test_a_pair_becomes_a_good_answer_and_a_bad_one(tmp_path: Path) -> None:
    made = convert(tmp_path, DPO, "kto")
    assert [(row["completion"][0]["content"], row["label"]) for row in made[:2]] == [("oui 0", True), ("non 0", False)]
    assert len(made) == 6


def test_bad_answers_are_left_out_where_only_good_ones_are_known(tmp_path: Path) -> None:
    path = write(tmp_path / "kto.jsonl", "".join(json.dumps(row) + "\n" for row in KTO))
    done = Conversion(path, "messages")
    assert (done.save(tmp_path / "out.jsonl"), done.rows, done.bad_answers) == (1, 2, 1)
    with pytest.raises(BadRows, match="holds only bad answers"):
        convert(tmp_path, KTO[1:], "alpaca")


def test_questions_with_their_references_for_evaluation(tmp_path: Path) -> None:
    """The field names of ragas' SingleTurnSample and of deepeval's Golden."""
    prompt = f"{DOCUMENT.format(7, 'Port : 3000')}\n{DOCUMENT.format(8, 'Autre')}\n\nQuestion : Quel port ?"
    rows = [
        {"prompt": prompt, "completion": "3000 [chunk_7].", "metadata": {"gold": ["chunk_7"], "documents": ["p.md"]}}
    ]
    (sample,) = convert(tmp_path, rows, "ragas")
    assert sample == {
        "user_input": "Quel port ?",
        "reference": "3000 [chunk_7].",
        "retrieved_contexts": ["Port : 3000", "Autre"],
        "reference_contexts": ["Port : 3000"],
        "metadata": rows[0]["metadata"],
    }
    (golden,) = convert(tmp_path, rows, "deepeval", "goldens.json")
    assert golden == {
        "input": "Quel port ?",
        "expected_output": "3000 [chunk_7].",
        "context": ["Port : 3000"],
        "retrieval_context": ["Port : 3000", "Autre"],
        "additional_metadata": rows[0]["metadata"],
        "source_file": "p.md",
    }
    assert convert(tmp_path, DPO[:1], "deepeval") == [{"input": "Q0 ?", "expected_output": "oui 0"}]


def test_a_table(tmp_path: Path) -> None:
    rows = [{"question": 'Qui, "toi" ?', "answer": "Moi;\nlui"}, {"question": "Quoi ?", "answer": "ça"}]
    path = write(tmp_path / "in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    Conversion(path, "prompt-completion").save(tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [["prompt", "completion"], *([row["question"], row["answer"]] for row in rows)]
    assert [row.question for row in read_rows(tmp_path / "out.csv")] == ['Qui, "toi" ?', "Quoi ?"]
    with pytest.raises(BadInput, match="CSV holds texts only"):
        convert(tmp_path, SFT, "messages", "rows.csv")


def test_a_text_is_all_that_is_said(tmp_path: Path) -> None:
    assert convert(tmp_path, SFT[:1], "text")[0]["text"] == "Cite.\n\nQ0 ?\n\nR0 [chunk_1]."


# what cannot be ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "to", "why"),
    [
        (TEXT, "dpo", "no question and no answer"),
        (TEXT, "messages", "no question and no answer"),
        (SFT, "dpo", "one answer each"),
        (SFT, "openai-dpo", "one answer each"),
        (SFT, "kto", "Nobody has said"),
        (KTO, "dpo", "no other to compare it with"),
        (DPO, "text", "another kind of row"),
    ],
)
def test_what_lacks_something_says_what_is_possible(tmp_path: Path, rows: list[Any], to: Target, why: str) -> None:
    with pytest.raises(CannotConvert, match=why) as raised:
        convert(tmp_path, rows, to)
    assert raised.value.message.startswith(f"{tmp_path / 'in.jsonl'}, line 1: ")
    assert raised.value.hint.startswith("Possible: --to ")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("rows", [SFT, DPO, KTO, TEXT], ids=["sft", "dpo", "kto", "text"])
def test_what_is_said_to_be_possible_is(tmp_path: Path, rows: list[Any]) -> None:
    path = write(tmp_path / "in.jsonl", json.dumps(rows[0]))
    for target in POSSIBLE[next(read_rows(path)).kind]:
        assert convert(tmp_path, rows, target)


def test_prompts_of_two_shapes_in_one_file_are_refused(tmp_path: Path) -> None:
    """A loader takes each column to be of one type."""
    plain = {"prompt": "Q ?", "completion": "R."}
    with pytest.raises(CannotConvert, match="line 2: some prompts are one question") as raised:
        convert(tmp_path, [plain, SFT[0]], "prompt-completion")
    assert "--to trl" in raised.value.hint
    assert len(convert(tmp_path, [plain, SFT[0]], "trl")) == 2


# files ---------------------------------------------------------------------------------------------------------------


def test_a_file_with_an_error_is_not_converted_and_what_was_there_stays(tmp_path: Path) -> None:
    path = write(tmp_path / "in.jsonl", json.dumps(SFT[0]) + "\nbroken\n")
    kept = write(tmp_path / "out.jsonl", "kept")
    with pytest.raises(BadRows, match="line 2: not valid JSON") as raised:
        Conversion(path, "trl").save(kept)
    assert f"dyag dataset validate {path}" in raised.value.hint
    assert kept.read_text() == "kept"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_a_full_disk_is_one_message_and_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    kept = write(tmp_path / "out.jsonl", "kept")
    monkeypatch.setattr(written.os, "fsync", full)
    with pytest.raises(NoSpace):
        convert(tmp_path, SFT, "trl")
    assert kept.read_text() == "kept"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        convert(tmp_path, SFT, "trl", "folder")


def test_a_file_may_be_converted_in_place_and_is_private(tmp_path: Path) -> None:
    path = write(tmp_path / "new" / "in.jsonl", json.dumps(SFT[0]))
    assert Conversion(path, "alpaca").save(path) == 1
    assert next(read_rows(path)).format == "alpaca"
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_pasted_json_is_written_right(tmp_path: Path) -> None:
    path = write(tmp_path / "sfd.jsonl", '{"instruction": "Extrais.", "output": "[{"scenario": "Connexion"}]"}')
    done = Conversion(path, "alpaca")
    done.save(tmp_path / "out.jsonl")
    assert done.repaired == [1]
    assert json.loads((tmp_path / "out.jsonl").read_text())["output"] == '[{"scenario": "Connexion"}]'


def test_a_row_is_one_line_to_every_reader_and_half_characters_stay_escaped(tmp_path: Path) -> None:
    row = {"prompt": "a\u2028b\x85c ?", "completion": "é", "metadata": {"note": "\ud83d"}}
    path = write(tmp_path / "in.jsonl", json.dumps(row))
    Conversion(path, "prompt-completion").save(path)
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == row
    assert "é" in line
