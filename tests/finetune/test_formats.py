"""Training files as users have them: every format, what is odd about a file, and what is wrong with one."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace import write

from finetune.formats import array
from finetune.formats.lines import MOST
from finetune.formats.problems import Problem
from finetune.formats.read import BadRows, read, read_rows
from finetune.formats.repair import repaired
from finetune.formats.row import Row
from finetune.formats.splits import find_dataset, held_out, split_of
from retrieval.errors import BadInput, NotFound
from retrieval.types import Message

ASKED = {"role": "user", "content": "Qui héberge GIDAF ?"}
TOLD = {"role": "assistant", "content": "SI-RAPP [chunk_3]."}
RULES = {"role": "system", "content": "Cite."}


def rows(path: Path) -> list[Row]:
    found = list(read(path))
    assert all(isinstance(one, Row) for one in found), found
    return [one for one in found if isinstance(one, Row)]


def problems(path: Path) -> list[tuple[int, str, str]]:
    return [(one.line, one.fault.kind, one.fault.detail) for one in read(path) if isinstance(one, Problem)]


def one(path: Path, value: Any) -> Row:
    (row,) = rows(write(path / "rows.jsonl", json.dumps(value)))
    return row


# the formats ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "form", "system"),
    [
        ({"messages": [RULES, ASKED, TOLD]}, "messages", "Cite."),
        ({"prompt": ASKED["content"], "completion": TOLD["content"]}, "prompt-completion", ""),
        ({"prompt": [RULES, ASKED], "completion": [TOLD]}, "prompt-completion", "Cite."),
        ({"instruction": ASKED["content"], "output": TOLD["content"]}, "alpaca", ""),
        ({"instruction": ASKED["content"], "input": "", "output": TOLD["content"], "system": "Cite."}, "alpaca", "Cite."),
        ({"question": ASKED["content"], "answer": TOLD["content"]}, "question-answer", ""),
        (
            {"conversations": [{"from": "human", "value": ASKED["content"]}, {"from": "gpt", "value": TOLD["content"]}]},
            "sharegpt",
            "",
        ),
    ],
)  # fmt: skip
def test_a_question_with_its_answer(tmp_path: Path, value: Any, form: str, system: str) -> None:
    row = one(tmp_path, value)
    assert (row.format, row.kind, row.system) == (form, "sft", system)
    assert (row.question, row.answer) == (ASKED["content"], TOLD["content"])


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ({"prompt": "q ?", "chosen": "a", "rejected": "b"}, "dpo"),
        ({"prompt": [{"role": "user", "content": "q ?"}], "chosen": [{"role": "assistant", "content": "a"}],
          "rejected": [{"role": "assistant", "content": "b"}]}, "dpo"),
        ({"chosen": [{"role": "user", "content": "q ?"}, {"role": "assistant", "content": "a"}],
          "rejected": [{"role": "user", "content": "q ?"}, {"role": "assistant", "content": "b"}]}, "dpo"),
        ({"input": {"messages": [{"role": "user", "content": "q ?"}]},
          "preferred_output": [{"role": "assistant", "content": "a"}],
          "non_preferred_output": [{"role": "assistant", "content": "b"}]}, "openai-dpo"),
    ],
)  # fmt: skip
def test_a_better_answer_and_a_worse_one(tmp_path: Path, value: Any, form: str) -> None:
    row = one(tmp_path, value)
    assert (row.format, row.kind, row.question, row.chosen, row.rejected) == (form, "dpo", "q ?", "a", "b")


def test_a_rated_answer(tmp_path: Path) -> None:
    row = one(tmp_path, {"prompt": "q ?", "completion": "a", "label": False})
    assert (row.kind, row.question, row.completion, row.label) == ("kto", "q ?", "a", False)


def test_a_text(tmp_path: Path) -> None:
    row = one(tmp_path, {"text": "Frigo très froid"})
    assert (row.kind, row.prompt, row.answer) == ("text", (), "Frigo très froid")


def test_several_turns_and_what_was_said_before(tmp_path: Path) -> None:
    more = [
        RULES,
        ASKED,
        TOLD,
        {"role": "user", "content": "Et sa licence ?"},
        {"role": "assistant", "content": "MIT."},
    ]
    row = one(tmp_path, {"messages": more})
    assert ([m.role for m in row.prompt], row.question, row.answer) == (
        ["system", "user", "assistant", "user"],
        "Et sa licence ?",
        "MIT.",
    )
    alpaca = {"instruction": "Et sa licence ?", "output": "MIT.", "system": "Cite."}
    assert one(tmp_path, {**alpaca, "history": [[ASKED["content"], TOLD["content"]]]}).prompt == row.prompt


def test_an_instruction_with_its_input(tmp_path: Path) -> None:
    row = one(tmp_path, {"instruction": "Traduis.", "input": "Bonjour", "output": "Hello"})
    assert row.prompt == (Message("user", "Traduis.\n\nBonjour"),)


@pytest.mark.parametrize("output", [[{"scenario": "Connexion réussie"}], {"a": [1, None]}, '[{"scenario": "é"}]'])
def test_an_output_may_be_json_or_a_text_that_holds_it(tmp_path: Path, output: Any) -> None:
    told = one(tmp_path, {"instruction": "Extrais.", "output": output}).answer
    assert json.loads(told) == (json.loads(output) if isinstance(output, str) else output)


def test_what_else_a_row_says_is_kept(tmp_path: Path) -> None:
    said = {"prompt": "q ?", "completion": "a", "id": 7, "documents": ["a.md"], "metadata": {"group": 3, "lang": "en"}}
    row = one(tmp_path, said)
    assert row.metadata == {"id": 7, "documents": ["a.md"], "group": 3, "lang": "en"}
    assert (row.language, row.documents, row.origins, row.answerable) == ("en", ("a.md",), ("a.md", "group 3"), True)


def test_the_documents_of_a_prompt_are_no_part_of_the_question(tmp_path: Path) -> None:
    documents = '<document id="chunk_7" title="Q" path="q.md">\nPort : 1\n</document>\n' * 2
    told = f"{documents}\n\nQuestion : Quel port ?"
    assert one(tmp_path, {"prompt": told, "completion": "1"}).question == "Quel port ?"
    assert one(tmp_path, {"prompt": "Question : laquelle ?", "completion": "1"}).question == "Question : laquelle ?"


# the files of the guides ---------------------------------------------------------------------------------------------


def test_json_pasted_into_a_string_is_read_as_it_was_meant(tmp_path: Path) -> None:
    """Altiora's line as it is printed, whose inner quotes are not escaped."""
    line = '{"instruction": "Extrait les cas : ...", "output": "[{"scenario": "Connexion réussie", ...}]"}'
    warning, row = read(write(tmp_path / "sfd.jsonl", line))
    assert isinstance(warning, Problem)
    assert isinstance(row, Row)
    assert (warning.line, warning.fault.kind, warning.fault.severity) == (1, "quotes not escaped", "warning")
    assert (row.question, row.answer) == ("Extrait les cas : ...", '[{"scenario": "Connexion réussie", ...}]')


@pytest.mark.parametrize("suffix", [".csv", ".txt"])
def test_a_table_with_a_column_of_texts(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"frigo{suffix}", 'text\n"Frigo froid, bruit"\n\n"Fuite d\'eau"\n...\n')
    assert [(row.line, row.answer) for row in rows(path)] == [(2, "Frigo froid, bruit"), (4, "Fuite d'eau"), (5, "...")]


# tables --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "columns", [("prompt", "completion"), ("Question", "Réponse"), ("instruction", "output"), (" QUESTION ", "answer")]
)
def test_tables_of_questions_and_answers(tmp_path: Path, delimiter: str, columns: tuple[str, str]) -> None:
    lines = [
        delimiter.join(["source", *columns]),
        delimiter.join(["a.md", '"Qui ?"', '"Il dit ""oui"",\nnon; si|ou\t."']),
    ]
    path = write(tmp_path / "rows.csv", codecs.BOM_UTF8 + ("\r\n".join(lines) + "\r\n").encode())
    (row,) = rows(path)
    assert (row.line, row.question, row.answer) == (2, "Qui ?", 'Il dit "oui",\nnon; si|ou\t.')
    assert row.metadata == {"source": "a.md"}


def test_labels_of_a_table(tmp_path: Path) -> None:
    path = write(tmp_path / "kto.csv", "prompt,completion,label\nq,a,true\nq,b,0\nq,c,maybe\n")
    found = list(read(path))
    assert [one.label for one in found if isinstance(one, Row)] == [True, False]
    assert problems(path) == [(4, "label not true or false", "`maybe`")]


def test_rows_of_a_table_that_are_wrong(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", 'question,answer\nqui ?,lui, elle\n"a"b,c\nqui ?,\nquoi ?,ça\n')
    assert [(line, kind) for line, kind, _ in problems(path)] == [
        (2, "too many cells"),
        (3, "not valid CSV"),
        (4, "missing key"),
    ]
    assert [row.line for row in read(path) if isinstance(row, Row)] == [5]


def test_a_quote_that_is_never_closed_is_one_problem_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.csv", 'text\n"un"\n"deux\ntrois\nquatre\n')
    assert [(line, kind) for line, kind, _ in problems(path)] == [(3, "not valid CSV")]


# files ---------------------------------------------------------------------------------------------------------------


def test_byte_order_mark_windows_lines_and_blank_lines(tmp_path: Path) -> None:
    data = codecs.BOM_UTF8 + b'{"text": "a"}\r\n\r\n  \n{"text": "\xc3\xa9"}'
    assert [(row.line, row.answer) for row in rows(write(tmp_path / "rows.jsonl", data))] == [(1, "a"), (4, "é")]


@pytest.mark.parametrize("text", ["", "\n\n", " \t\r\n", "\ufeff"])
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "rows.jsonl", text)
    assert problems(path) == [(0, "the file is empty", "")]
    with pytest.raises(BadRows, match="the file is empty"):
        list(read_rows(path))


def test_a_file_without_rows(tmp_path: Path) -> None:
    with pytest.raises(BadRows, match="holds no rows"):
        list(read_rows(write(tmp_path / "rows.csv", "text\n")))
    with pytest.raises(BadRows, match="holds no rows"):
        list(read_rows(write(tmp_path / "rows.json", "[ ]")))


def test_a_folder_a_missing_file_and_one_that_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"):
        list(read(tmp_path))
    with pytest.raises(NotFound, match="There is no file"):
        list(read(tmp_path / "none.jsonl"))


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (b'{"text": "caf\xe9"}', "not UTF-8"),
        (b'{"text": "a\x00b"}', "NUL byte"),
        (b'{"text": "a"', "not valid JSON"),
        (b'{"text": "a"},', "not valid JSON"),
        (b"{'text': 'a'}", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"text": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"texte": "a"}', "no known format"),
        (b'{"text": "\\ud83d"}', "half a character"),
    ],
)
def test_a_bad_line_in_the_middle_is_named_and_the_others_are_read(tmp_path: Path, bad: bytes, kind: str) -> None:
    path = write(tmp_path / "rows.jsonl", b'{"text": "a"}\n' + bad + b'\n{"text": "b"}\n')
    found = list(read(path))
    assert [(line, what) for line, what, _ in problems(path)] == [(2, kind)]
    assert [row.answer for row in found if isinstance(row, Row)] == ["a", "b"]
    assert all(one.fault.fix for one in found if isinstance(one, Problem))
    with pytest.raises(BadRows, match="line 2"):
        list(read_rows(path))


def test_a_line_of_50_mb_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with path.open("wb") as file:
        file.write(b'{"text": "')
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n{"text": "b"}\n')
    found = list(read(path))
    assert problems(path) == [(1, "row too long", "50 MB, the limit is 10 MB")]
    assert [row.answer for row in found if isinstance(row, Row)] == ["b"]


def test_a_line_just_within_the_limit_is_read(tmp_path: Path) -> None:
    text = "x" * (MOST - len('{"text": ""}'))
    assert rows(write(tmp_path / "rows.jsonl", f'{{"text": "{text}"}}\n{{"text": "b"}}'))[0].answer == text


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("notes.md", "# Titre\n\nDu texte.\n", "no training rows"),
        ("wide.jsonl", '{"text": "a"}'.encode("utf-16"), "not UTF-8"),
        ("pretty.jsonl", '{\n  "text": "a"\n}\n', "an object over several lines"),
        ("other.csv", "nom;port\nGitea;3000\n", "no training rows"),
        ("image.png", b"\x89PNG\r\n\x1a\n\x00\x00", "not UTF-8"),
    ],
)
def test_a_file_that_is_something_else(tmp_path: Path, name: str, data: str | bytes, kind: str) -> None:
    found = problems(write(tmp_path / name, data))
    assert found[0][:2] == (1, kind)


# JSON lists ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_rows(tmp_path: Path, indent: int | None) -> None:
    text = json.dumps([{"text": 'a, "b" [c] {d} \\'}, {"messages": [ASKED, TOLD]}], indent=indent)
    first, second = rows(write(tmp_path / "rows.json", f"\n {text}\n"))
    assert (first.answer, second.question) == ('a, "b" [c] {d} \\', ASKED["content"])
    assert (first.line, second.line) == (1, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"text": "a"}, {"text": "b"}', [(2, "list not closed")]),
        ('[{"text": "a"}, {"text": "b', [(2, "list not closed")]),
        ('[{"text": "a"},\n{"text": b},\n{"text": "c"}]', [(2, "not valid JSON")]),
        ('[{"text": "a"}]\n{"text": "b"}', [(2, "text after the list")]),
        ('[{"text": "a"}, , {"text": "b"}]', [(2, "not valid JSON")]),
        ('[{"text": "a"}, 3]', [(2, "not a JSON object")]),
    ],
)
def test_a_list_that_is_wrong(tmp_path: Path, text: str, expected: list[tuple[int, str]]) -> None:
    path = write(tmp_path / "rows.json", text)
    assert [(line, kind) for line, kind, _ in problems(path)] == expected
    assert next(row for row in read(path) if isinstance(row, Row)).answer == "a"


def test_bad_bytes_and_a_long_item_in_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems(write(tmp_path / "rows.json", b'[{"text": "a"}, {"text": "\xe9"}]'))[0][:2] == (2, "not UTF-8")
    monkeypatch.setattr(array, "MOST", 1000)
    monkeypatch.setattr(array, "_BLOCK", 100)
    path = write(tmp_path / "long.json", '[{"text": "a"}, {"text": "' + "x" * 5000 + '"}]')
    assert problems(path)[0][:2] == (2, "row too long")


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(ANY_JSON, max_size=6), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_a_list_is_cut_where_its_items_end(values: list[Any], block: int, indent: int | None, ascii_only: bool) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(array, "_BLOCK", block)
        text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
        path = Path(folder) / "rows.json"
        path.write_bytes(text.encode())
        found = list(array.items(path))
    assert [json.loads(item.text) for item in found if isinstance(item, array.Item)] == values
    assert [item.number for item in found if isinstance(item, array.Item)] == list(range(1, len(values) + 1))


@given(st.binary(max_size=300) | st.text(alphabet='{}[]",:\\textmsgprolb \n;\x00é', max_size=200).map(str.encode))
def test_whatever_is_in_a_file_is_a_row_or_a_problem(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(data)
        for found in read(path):
            assert isinstance(found, Row) or (found.fault.kind and found.line >= 0)


# quotes that are not escaped -----------------------------------------------------------------------------------------

KEYS = st.sampled_from(["scenario", "input", "output", "instruction", "a", "b c"])
INNER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
OUTER = st.lists(st.dictionaries(KEYS, INNER, min_size=1, max_size=3), min_size=1, max_size=3)


@given(st.text(max_size=30), OUTER, st.booleans())
def test_a_repaired_row_is_the_one_that_was_meant_or_none(asked: str, output: Any, ascii_only: bool) -> None:
    inner = json.dumps(output, ensure_ascii=ascii_only)
    line = f'{{"instruction": {json.dumps(asked)}, "output": "{inner}"}}'
    if (found := repaired(line)) is not None:
        assert found["instruction"] == asked
        assert json.loads(found["output"]) == output
        assert set(found) == {"instruction", "output"}


@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.text("xyzé ,:'", max_size=8), min_size=1), min_size=1))
def test_plain_json_is_always_repaired(output: Any) -> None:
    line = f'{{"instruction": "Extrais.", "output": "{json.dumps(output, ensure_ascii=False)}"}}'
    assert repaired(line) == {"instruction": "Extrais.", "output": json.dumps(output, ensure_ascii=False)}


@pytest.mark.parametrize(
    "line",
    [
        '{"question": "Que veut dire "RAG" ?", "answer": "x"}',  # any text may follow a quote
        '{"instruction": "a", "output": "[{"b": "c"}"}',  # not closed
        '{"instruction": "a", "output": "x", "output": "y" z"}',
        '{"output": "[{"b": "c"}]"}',
        '{"messages": "[{"b": "c"}]"}',
        "{}",
    ],
)
def test_what_could_mean_several_things_is_not_repaired(line: str) -> None:
    assert repaired(line) is None


# wrong rows ----------------------------------------------------------------------------------------------------------

SAY = {"role": "assistant", "content": "a"}


@pytest.mark.parametrize(
    ("value", "kind", "detail"),
    [
        ({"messages": [ASKED]}, "no assistant turn", "`messages`"),
        ({"messages": []}, "no assistant turn", "`messages`"),
        ({"messages": [SAY]}, "no user turn", "before the answer"),
        ({"messages": [RULES, SAY]}, "no user turn", "before the answer"),
        ({"messages": [ASKED, SAY, ASKED]}, "the assistant is not the last", "`messages`"),
        ({"messages": [ASKED, ASKED, SAY]}, "wrong order of roles", "user where assistant is due, turn 2"),
        ({"messages": [ASKED, RULES, SAY]}, "wrong order of roles", "system where assistant is due, turn 2"),
        ({"messages": [{"role": "bot", "content": "a"}]}, "unknown role", "`messages`[0].role is `bot`"),
        ({"messages": [{"content": "a"}]}, "unknown role", "`messages`[0].role is missing"),
        ({"messages": [{"role": "user", "content": 3}, SAY]}, "not a string", "`messages`[0].content is a number"),
        ({"messages": [{"role": "user", "content": " "}, SAY]}, "empty content", "`messages`[0].content"),
        ({"messages": ["a"]}, "not a message", "`messages`[0] is a string"),
        ({"messages": "a"}, "not a list of messages", "`messages` is a string"),
        ({"messages": None}, "missing key", "`messages`"),
        ({"prompt": "a"}, "missing key", "`completion`"),
        ({"completion": "a"}, "missing key", "`prompt`"),
        ({"prompt": "a", "completion": [ASKED, SAY]}, "not one answer", "`completion`"),
        ({"instruction": "a", "output": 3}, "not a string", "`output` is a number"),
        ({"prompt": "a", "completion": "b", "label": 1}, "label not true or false", "a number"),
        ({"prompt": "a", "completion": "b", "label": None}, "missing key", "`label`"),
        ({"prompt": "a", "chosen": "b", "rejected": "b "}, "chosen equals rejected", ""),
        ({"prompt": "a", "chosen": "b"}, "missing key", "`rejected`"),
        ({"chosen": [ASKED, SAY], "rejected": [RULES, SAY]}, "chosen and rejected answer different prompts", ""),
        ({"input": {}, "preferred_output": [SAY], "non_preferred_output": [TOLD]}, "missing key", "`input.messages`"),
        ({"conversations": [{"from": "alien", "value": "a"}]}, "unknown role", "`conversations`[0].from is `alien`"),
        ({"text": ""}, "empty content", "`text`"),
        ({"instruction": "a", "output": "b", "history": ["c"]}, "history is no list of pairs", "a list"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_row_is_said_with_its_place_and_a_fix(
    tmp_path: Path, value: Any, kind: str, detail: str
) -> None:
    path = write(tmp_path / "rows.jsonl", '{"text": "a"}\n' + json.dumps(value))
    assert problems(path)[0] == (2, kind, detail)
    assert all(one.fault.fix for one in read(path) if isinstance(one, Problem))


# names of files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "split"),
    [("d_train", "train"), ("d_v2_train", "train"), ("train", "train"), ("d_validation", "val"), ("d-val", "val"),
     ("d_test", "test"), ("d_test_seen", "test_seen"), ("latest", None), ("d_TEST", "test"), ("d", None),
     ("test_dataset_train", "train"), ("contest", None)],
)  # fmt: skip
def test_a_name_tells_the_split(name: str, split: str | None) -> None:
    assert split_of(Path(f"{name}.jsonl")) == split


@pytest.mark.parametrize(
    ("there", "named"), [("d_val", "d_validation"), ("d_validation", "d_val"), ("val", "validation")]
)
def test_the_other_name_of_a_validation_file(tmp_path: Path, there: str, named: str) -> None:
    real = write(tmp_path / f"{there}.jsonl", "")
    found = find_dataset(tmp_path / f"{named}.jsonl")
    assert (found.path, found.note) == (real, f"There is no {tmp_path / named}.jsonl; reading {real}.")
    assert find_dataset(real) == (real, "")
    assert find_dataset(tmp_path / "d_train.jsonl") == (tmp_path / "d_train.jsonl", "")


def test_what_is_held_out_beside_a_training_file(tmp_path: Path) -> None:
    train, val, test, _ = (
        write(tmp_path / f"{name}.jsonl", "") for name in ("d_train", "d_validation", "d_test", "e_test")
    )
    assert held_out(train) == [val, test]
    assert held_out(train, [test]) == [val]
    assert held_out(test) == []
