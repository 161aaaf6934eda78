"""`dyag dataset validate|convert|merge|stats`, as they are typed and as they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import Ran, run
from workspace import write

import assistant.commands.dataset
import assistant.render_datasets  # noqa: F401  (registers the renderers)


def dyag(folder: Path, *argv: str | Path) -> Ran:
    return run("dataset", *argv, home=folder)


def chat(question: str, answer: str, **metadata: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": said, "metadata": {"lang": "fr", **metadata}}


def file(path: Path, *rows: Any) -> Path:
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


@pytest.fixture
def train(tmp_path: Path) -> Path:
    rows = (
        chat(f"Qui héberge A{i} ?", f"{'mot ' * 60}{i} [chunk_1].", type="who", documents=[f"{i}.md"])
        for i in range(60)
    )
    return file(tmp_path / "d_train.jsonl", *rows)


# validate ------------------------------------------------------------------------------------------------------------


def test_a_good_file_is_exit_code_0_with_its_tokens_and_cost(tmp_path: Path, train: Path) -> None:
    ran = dyag(tmp_path, "validate", train)
    assert (ran.code, ran.err) == (0, "")
    assert f"{train}  messages, 60 rows\n  nothing to mend\n" in ran.out
    assert "tokens (estimated)" in ran.out
    assert "training, 3 epochs" in ran.out
    assert ran.out.endswith("0 errors, 0 warnings in 1 file.\n")


def test_errors_are_shown_with_line_and_fix_and_are_exit_code_1(tmp_path: Path, train: Path) -> None:
    bad = write(tmp_path / "bad.jsonl", train.read_bytes() + b'{"messages": 3}\nbroken\n')
    ran = dyag(tmp_path, "validate", bad)
    assert ran.code == 1
    for part in ("  error  not valid JSON\n    line 62  Expecting value, column 1\n    → Correct it there",
                 "  error  not a list of messages\n    line 61  `messages` is a number\n",
                 "2 errors, 0 warnings in 1 file.\n"):  # fmt: skip
        assert part in ran.out


def test_one_problem_of_many_rows_is_counted(tmp_path: Path) -> None:
    ran = dyag(tmp_path, "validate", write(tmp_path / "bad.jsonl", '{"text": ""}\n' * 332))
    assert ran.out.count("    line ") == 20
    assert "    and 312 more\n" in ran.out


def test_warnings_are_exit_code_0_unless_strict(tmp_path: Path, train: Path) -> None:
    file(tmp_path / "d_test.jsonl", chat("qui heberge a7", "Là.", documents=["7.md"]))
    ran = dyag(tmp_path, "validate", train)
    assert ran.code == 0
    assert "  warning  row of d_test.jsonl\n    line 8  asked by its row 1\n" in ran.out
    assert "  warning  document of d_test.jsonl\n" in ran.out
    assert dyag(tmp_path, "validate", train, "--strict").code == 1


def test_a_report_as_json(tmp_path: Path, train: Path) -> None:
    told = dyag(tmp_path, "validate", train, "--epochs", "2", "--json").json
    (report,) = told["files"]
    assert (report["rows"], report["format"], report["findings"]) == (60, "messages", [])
    assert (told["epochs"], told["counted_by"]) == (2, "estimate")
    cheapest = told["costs"][0]
    assert cheapest["tokens"] == 2 * report["tokens"]
    assert cheapest["dollars"] == pytest.approx(cheapest["tokens"] / 1e6 * cheapest["price"])


def test_prices_of_the_workspace_replace_the_built_in_ones(tmp_path: Path, train: Path) -> None:
    write(
        tmp_path / "data" / "prices.toml",
        'as_of = "2031-01-02"\n[models]\nours = { input = 1, output = 1, training = 0.5 }\n',
    )
    costs = dyag(tmp_path, "validate", train, "--json").json["costs"]
    assert (costs[0]["model"], costs[0]["price"], costs[0]["as_of"]) == ("ours", 0.5, "2031-01-02")
    assert "2031-01-02" in dyag(tmp_path, "validate", train).out


def test_the_other_name_of_a_validation_file_is_read_and_said(tmp_path: Path, train: Path) -> None:
    val = write(tmp_path / "d_val.jsonl", train.read_bytes())
    ran = dyag(tmp_path, "validate", tmp_path / "d_validation.jsonl")
    assert (ran.code, ran.err) == (0, f"There is no {tmp_path / 'd_validation.jsonl'}; reading {val}.\n")


def test_what_is_in_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    row = {"messages": [{"role": "\x1b]52;c;eA==\x07bot", "content": "a"}]}
    assert "\x1b" not in dyag(tmp_path, "validate", file(tmp_path / "bad.jsonl", row)).out


@pytest.mark.parametrize(
    ("name", "message"), [("none.jsonl", "There is no file"), (".", "is a folder"), ("model", "cannot be loaded here")]
)
def test_what_cannot_be_read_is_one_message(tmp_path: Path, train: Path, name: str, message: str) -> None:
    argv = [train, "--base-model", tmp_path / name] if name == "model" else [tmp_path / name]
    ran = dyag(tmp_path, "validate", *argv)
    assert (ran.code, ran.out) == (1, "")
    assert message in ran.err
    assert "Traceback" not in ran.err


# convert -------------------------------------------------------------------------------------------------------------


def test_a_file_is_converted(tmp_path: Path, train: Path) -> None:
    output = tmp_path / "up.jsonl"
    ran = dyag(tmp_path, "convert", train, "--to", "openai", "-o", output)
    assert (ran.code, ran.out, ran.err) == (0, f"60 rows in {output} (openai), from 60 in {train}.\n", "")
    assert set(json.loads(output.read_text(encoding="utf-8").splitlines()[0])) == {"messages"}


def test_what_a_conversion_left_out_or_mended_is_said(tmp_path: Path) -> None:
    rated = file(
        tmp_path / "kto.jsonl", *({"prompt": "Q ?", "completion": "R", "label": good} for good in (True, False))
    )
    ran = dyag(tmp_path, "convert", rated, "--to", "openai", "-o", tmp_path / "o.jsonl")
    assert "left out: 1, rated as bad answers\n" in ran.err
    assert "Hosted services want 10 rows or more; these are 1.\n" in ran.err
    pasted = write(tmp_path / "sfd.jsonl", '{"instruction": "Extrait : ...", "output": "[{"scenario": "a", ...}]"}\n')
    ran = dyag(tmp_path, "convert", pasted, "--to", "alpaca", "-o", tmp_path / "o.jsonl")
    assert "1 row had quotes that were not escaped; now they are valid JSON.\n" in ran.err
    assert dyag(tmp_path, "validate", tmp_path / "o.jsonl").code == 0


def test_what_cannot_be_converted_says_what_can(tmp_path: Path) -> None:
    ran = dyag(
        tmp_path, "convert", write(tmp_path / "f.csv", 'text\n"Frigo froid"\n'), "--to", "dpo", "-o", tmp_path / "o"
    )
    assert ran.code == 1
    assert "line 2: text rows cannot become dpo rows." in ran.err
    assert "Possible: --to text, trl." in ran.err
    assert dyag(tmp_path, "convert", tmp_path / "f.csv", "--to", "nothing", "-o", tmp_path / "o").code == 2


# merge ---------------------------------------------------------------------------------------------------------------


def test_files_are_merged_and_what_was_dropped_is_said(tmp_path: Path, train: Path) -> None:
    corrections = file(
        tmp_path / "corrections.jsonl", chat("Qui héberge A3 ?", "Le siège [chunk_9]."), chat("Où ?", "Là.")
    )
    output = tmp_path / "d_v2_train.jsonl"
    ran = dyag(tmp_path, "merge", train, corrections, train, "--output", output)
    assert ran.code == 0
    assert ran.out.startswith(f"61 rows in {output}, from 122.\n")
    assert "Qui héberge A3 ?  d_train.jsonl:4 stays, not corrections.jsonl:1" in ran.err
    told = dyag(tmp_path, "merge", train, corrections, "-o", output, "--json").json
    assert (told["written"], told["conflicts"], told["by_file"]) == (
        61,
        1,
        {"d_train.jsonl": 59, "corrections.jsonl": 2},
    )
    assert dyag(tmp_path, "validate", output).code == 0


def test_test_rows_are_not_merged_into_a_training_file(tmp_path: Path, train: Path) -> None:
    test = file(tmp_path / "d_test.jsonl", chat("Où ?", "Là."))
    argv = ["merge", train, test, "-o", tmp_path / "d_v2_train.jsonl"]
    ran = dyag(tmp_path, *argv)
    assert (ran.code, "--allow-test" in ran.err, (tmp_path / "d_v2_train.jsonl").exists()) == (1, True, False)
    assert dyag(tmp_path, *argv, "--allow-test").code == 0


# stats ---------------------------------------------------------------------------------------------------------------


def test_statistics_in_the_terminal_and_drawn(tmp_path: Path, train: Path) -> None:
    ran = dyag(tmp_path, "stats", train, "--plot", tmp_path / "d.png")
    lines = [" ".join(line.split()) for line in ran.out.splitlines()]
    for line in ("rows 60", "answerable 60 (100%)", "documents 60", "words of a question 4 4 4 4 4",
                 f"who {'█' * 24} 60", f"fr {'█' * 24} 60", "opening (1 distinct) rows", f"Drawn in {tmp_path / 'd.png'}."):  # fmt: skip
        assert line in lines
    assert (tmp_path / "d.png").read_bytes().startswith(b"\x89PNG")
    assert dyag(tmp_path, "stats", train, "--json").json["stats"]["types"] == {"who": 60}


def test_a_picture_does_not_replace_a_training_file(tmp_path: Path, train: Path) -> None:
    ran = dyag(tmp_path, "stats", train, "--plot", train)
    assert (ran.code, "is a training file" in ran.err) == (2, True)


def test_statistics_leave_out_what_is_broken_and_say_so(tmp_path: Path, train: Path) -> None:
    ran = dyag(tmp_path, "stats", write(tmp_path / "bad.jsonl", train.read_bytes() + b"{}\nbroken\n"))
    assert (ran.code, "rows        60" in ran.out) == (0, True)
    assert ran.err == "2 errors left out: `dyag dataset validate` names them.\n"
    assert dyag(tmp_path, "stats", write(tmp_path / "bad.jsonl", "{}\n")).code == 1


def test_a_file_is_not_replaced_by_what_is_made_of_it(tmp_path: Path) -> None:
    one, two = (rows_file(tmp_path / name) for name in ("a.jsonl", "b.jsonl"))
    before = one.read_bytes()
    for argv in (("convert", one, "--to", "alpaca", "-o", one), ("merge", one, two, "-o", one)):
        ran = dyag(tmp_path, *argv)
        assert ran.code == 1
        assert "is what is read" in ran.err
    assert one.read_bytes() == before


def rows_file(path: Path) -> Path:
    rows = [
        {"messages": [{"role": "user", "content": f"Q{n} {path.name} ?"}, {"role": "assistant", "content": "A."}]}
        for n in range(3)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
