"""`dyag dataset review`: whole sittings, broken off, resumed, applied."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from commands import Ran, run

import assistant.commands.dataset_review
import assistant.render_review  # noqa: F401
from assistant.cli import main


def row(number: int, kind: str = "which", answer: str = "", documents: bool = False) -> dict[str, Any]:
    passage = (
        f'<document id="chunk_{number}" title="S">\nPort : {number}\n</document>\n\nQuestion : ' if documents else ""
    )
    said = [
        {"role": "system", "content": "Réponds."},
        {"role": "user", "content": f"{passage}Quel port a App{number} ?"},
        {"role": "assistant", "content": answer or f"App{number} a le port {number} [chunk_{number}]."},
    ]
    known = {"id": f"id{number}", "type": kind, "lang": "fr", "answers": [str(number)], "gold": [f"chunk_{number}"]}
    return {"messages": said, "metadata": known}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(
        tmp_path / "X_train.jsonl", [row(n, "who" if n == 3 else "which", documents=n == 2) for n in range(1, 5)]
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def typed(home: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """A sitting at a terminal at which these lines are typed."""

    def review(lines: str, *argv: str | Path) -> Ran:
        with mock.patch.object(sys, "stdin", Terminal(lines)):
            code = main(["--home", str(home), "dataset", "review", *map(str, argv)])
        return Ran(code, *capsys.readouterr())

    return review


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """An editor that runs a line of Python on `text`, what it was given."""

    def set_to(code: str) -> None:
        script = tmp_path / "editor.py"
        lines = ("import pathlib, sys", "file = pathlib.Path(sys.argv[1])", "text = file.read_text(encoding='utf-8')",
                 code, "file.write_text(text, encoding='utf-8')")  # fmt: skip
        script.write_text("\n".join(lines), encoding="utf-8")
        monkeypatch.setenv("VISUAL", f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}")

    return set_to


def decided(file: Path) -> list[tuple[str, str, str]]:
    found = read(file.with_name("X_train.review.jsonl"))
    return [(made["row"], made["decision"], made.get("reason", "")) for made in found]


# a sitting -----------------------------------------------------------------------------------------------------------


def test_each_row_is_shown_and_asked_about(typed: Callable[..., Ran], file: Path) -> None:
    ran = typed("a\nmaybe\nr trop vague\nr\nfaux\ns\n", file)
    assert ran.code == 0
    for part in (
        "1/4",
        "4/4",
        "Quel port a App1 ?",
        "App4 a le port 4 [chunk_4].",
        "which, fr, line 1",
        "[chunk_2]: Port : 2",
    ):
        assert part in ran.err
    assert ran.err.count("[a]ccept") == 5
    assert ran.out.splitlines() == [
        "1 accepted, 0 edited, 2 rejected, 1 not decided.", "2 of 3 rejected: between 21% and 94% of the file.",
        "  1  faux", "  1  trop vague",
    ]  # fmt: skip
    assert [made[1:] for made in decided(file)] == [("accepted", ""), ("rejected", "trop vague"), ("rejected", "faux")]
    assert os.name != "posix" or file.with_name("X_train.review.jsonl").stat().st_mode & 0o777 == 0o600


def test_what_was_decided_is_not_asked_again(typed: Callable[..., Ran], file: Path) -> None:
    typed("a\nq\n", file)
    ran = typed("a\na\na\n", file)
    assert "1 of 4 are decided already; the others follow." in ran.err
    assert ran.err.count("[a]ccept") == 3
    assert "0 of 4 rejected: all of the file was looked at." in ran.out
    assert typed("", file, "--json").json["accepted"] == 4


def test_one_goes_back_also_to_what_an_earlier_sitting_decided(typed: Callable[..., Ran], file: Path) -> None:
    typed("a\nq\n", file)
    ran = typed("b\nb\nr doch nicht\ns\na\nb\nr x\nq\n", file)
    assert "accepted before" in ran.err
    assert "This is the first row." in ran.err
    rows = [made[0] for made in decided(file)]
    assert rows[0] == rows[1]
    assert rows[2] == rows[3]
    assert typed("q\n", file, "--json").json["rejected"] == 2


def test_the_whole_row_is_shown_on_request(typed: Callable[..., Ran], tmp_path: Path) -> None:
    long = "très " * 400 + "long."
    file = write(tmp_path / "X_train.jsonl", [row(1, answer=long)])
    assert long not in typed("q\n", file).err
    assert long in typed("f\nq\n", file).err


def test_control_sequences_in_rows_do_not_reach_the_terminal(typed: Callable[..., Ran], tmp_path: Path) -> None:
    ran = typed("q\n", write(tmp_path / "X_train.jsonl", [row(1, answer="rouge \x1b[31m\u202e fin")]))
    assert "rouge" in ran.err
    assert "\x1b[31m" not in ran.err
    assert "\u202e" not in ran.err


def test_the_sample_is_spread_over_types_and_the_same_each_time(typed: Callable[..., Ran], tmp_path: Path) -> None:
    rows = [row(n, "refusal" if n > 38 else "which") for n in range(40)]
    file = write(tmp_path / "X_train.jsonl", rows)
    one, other, third = (typed("s\n" * 9, file, "--sample", "5", "--seed", seed).err for seed in ("1", "1", "2"))
    assert one == other != third
    assert one.count("refusal, fr") == 1
    assert one.count("[a]ccept") == 5


def test_where_nobody_can_be_asked_the_alternative_is_named(home: Path, file: Path) -> None:
    ran = run("dataset", "review", file, home=home)
    assert (ran.code, ran.out) == (1, "") or ran.code == 2
    assert "Nobody can be asked here." in ran.err
    assert "--apply" in ran.err
    assert not file.with_name("X_train.review.jsonl").exists()


# edits ---------------------------------------------------------------------------------------------------------------


def test_a_row_is_edited_in_the_editor(typed: Callable[..., Ran], editor: Callable[[str], None], file: Path) -> None:
    editor("text = text.replace('Quel port a', 'Quel est le port de').replace('a le port', 'écoute le port')")
    ran = typed("e\ne\ne\ne\n", file)
    assert "Quel est le port de App" in ran.err
    assert "4 of 4 rejected or edited" in ran.out
    assert typed("", file, "--apply").code == 0
    for number, made in enumerate(read(file), 1):
        assert made["messages"][1]["content"].endswith(f"Quel est le port de App{number} ?")
        assert made["messages"][2]["content"] == f"App{number} écoute le port {number} [chunk_{number}]."
        assert made["metadata"]["edited"] is True
        assert made["metadata"]["answers"] == [str(number)]
    assert "Port : 2" in read(file)[1]["messages"][1]["content"]  # the passage stays


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("text = text.replace('===', '')", "nothing is changed"),
        ("text = text[: text.rindex('===') + 4]", "nothing is changed"),
        ("pass", "Nothing is changed."),
        ("sys.exit(3)", "ended with code 3"),
    ],
)
def test_an_edit_that_cannot_be_used_is_asked_again(
    typed: Callable[..., Ran], editor: Callable[[str], None], file: Path, code: str, said: str
) -> None:
    editor(code)
    ran = typed("e\nq\n", file)
    assert said in ran.err
    assert ran.err.count("[a]ccept") == 2
    assert not file.with_name("X_train.review.jsonl").exists()


def test_an_edit_goes_on_from_the_one_before(
    typed: Callable[..., Ran], editor: Callable[[str], None], file: Path
) -> None:
    editor("text = text.replace('a le port', 'a bien le port')")
    typed("e\nb\ne\nq\n", file, "--sample", "1")
    (made,) = {made["edits"]["answer"] for made in read(file.with_name("X_train.review.jsonl"))}
    assert made.count("bien") == 1


def test_a_citation_that_the_row_does_not_know_is_pointed_out(
    typed: Callable[..., Ran], editor: Callable[[str], None], file: Path
) -> None:
    editor("text = text.replace('[chunk_', '[chunk_9')")
    assert "which the row does not know" in typed("e\nq\n", file).err


# kept whatever happens -----------------------------------------------------------------------------------------------


def test_a_line_that_was_broken_off_loses_that_row_only(typed: Callable[..., Ran], file: Path) -> None:
    typed("a\na\nq\n", file)
    journal = file.with_name("X_train.review.jsonl")
    journal.write_bytes(journal.read_bytes()[:-20])
    ran = typed("r faux\nq\n", file)
    assert f"1 line of {journal} cannot be read" in ran.err
    assert ran.out.startswith("1 accepted, 0 edited, 1 rejected")
    assert typed("q\n", file).out.startswith("1 accepted, 0 edited, 1 rejected")


@pytest.mark.parametrize(
    "line", ["{}", "[1]", "null", '{"decision": "maybe", "hash": "x"}', '{"decision": "edited", "hash": 3}', "\xff"]
)
def test_strange_lines_among_the_decisions_are_passed_over(typed: Callable[..., Ran], file: Path, line: str) -> None:
    file.with_name("X_train.review.jsonl").write_text(f"{line}\n", encoding="latin-1")
    assert typed("a\nq\n", file).out.startswith("1 accepted")


def test_a_row_that_has_changed_is_asked_about_again(typed: Callable[..., Ran], file: Path) -> None:
    typed("a\na\na\na\n", file)
    rows = read(file)
    rows[2]["messages"][2]["content"] = "Autre réponse."
    write(file, [*reversed(rows)])
    ran = typed("a\n", file)
    assert ran.err.count("[a]ccept") == 1
    assert "Autre réponse." in ran.err


def test_a_file_that_changes_during_the_sitting_is_told(
    typed: Callable[..., Ran], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Busy(Terminal):
        def readline(self, *limit: int) -> str:  # type: ignore[override]
            write(file, [row(1)])
            return super().readline(*limit)

    monkeypatch.setattr(sys.modules[__name__], "Terminal", Busy)
    assert "has changed meanwhile" in typed("a\nq\n", file).err


CHILD = """
import sys
import assistant.commands.dataset_review, assistant.render, assistant.render_review
from assistant.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def killed_after(home: Path, file: Path) -> Iterator[Callable[[int], None]]:
    """A sitting at a terminal of its own, killed as soon as so many decisions are on disk."""
    import pty

    child: list[subprocess.Popen[bytes]] = []

    def sit(count: int) -> None:
        ours, theirs = pty.openpty()
        argv = [sys.executable, "-P", "-c", CHILD, "--home", str(home), "dataset", "review", str(file)]
        child.append(subprocess.Popen(argv, stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        journal = file.with_name("X_train.review.jsonl")
        os.write(ours, b"a\n" * count)
        end = time.monotonic() + 60
        while time.monotonic() < end and not (journal.exists() and journal.read_bytes().count(b"\n") >= count):
            time.sleep(0.05)
        child[0].send_signal(signal.SIGKILL)
        child[0].wait(60)
        os.close(ours)
        os.close(theirs)

    yield sit
    for one in child:
        one.kill()


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are of POSIX")
def test_a_killed_sitting_loses_nothing_that_was_decided(
    killed_after: Callable[[int], None], typed: Callable[..., Ran], file: Path
) -> None:
    killed_after(2)
    ran = typed("r faux\na\n", file)
    assert "2 of 4 are decided already" in ran.err
    assert ran.out.startswith("3 accepted, 0 edited, 1 rejected.")


# apply ---------------------------------------------------------------------------------------------------------------


def test_rejected_rows_are_left_out_and_the_file_as_it_was_stays(
    typed: Callable[..., Ran], file: Path, home: Path
) -> None:
    before = file.read_bytes()
    typed("r faux\na\nq\n", file)
    gone = decided(file)[0][0]
    ran = run("dataset", "review", file, "--apply", home=home)  # needs no terminal
    kept = file.with_name("X_train.before-review.jsonl")
    assert ran.code == 0
    assert f"3 rows in {file}: 1 left out, 0 edited." in ran.out
    assert kept.read_bytes() == before
    assert file.read_text(encoding="utf-8") == "".join(
        line for line in before.decode().splitlines(keepends=True) if f'"{gone}"' not in line
    )
    # Again: nothing is left to do, and the copy is not written over.
    again = run("dataset", "review", file, "--apply", home=home)
    assert f"3 rows in {file}: 0 left out, 0 edited." in again.out
    assert kept.read_bytes() == before
    assert len(list(file.parent.glob("*before-review*"))) == 1


def test_an_output_leaves_the_file_alone(typed: Callable[..., Ran], file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    typed("r faux\nq\n", file)
    ran = typed("", file, "--apply", "--output", tmp_path / "new" / "Y.jsonl", "--json")
    assert ran.json["applied"]["rows"] == 3
    assert ran.json["applied"]["original"] is None
    assert len(read(tmp_path / "new" / "Y.jsonl")) == 3
    assert file.read_bytes() == before


def test_edited_rows_count_as_decided_once_they_are_in_the_file(
    typed: Callable[..., Ran], editor: Callable[[str], None], file: Path
) -> None:
    editor("text = text.replace('a le port', 'écoute le port')")
    typed("e\ne\na\na\n", file)
    typed("", file, "--apply")
    said = typed("", file, "--json").json
    assert (said["edited"], said["accepted"], said["waiting"]) == (2, 2, 0)


FORMATS: dict[str, tuple[str, Callable[[list[dict[str, Any]]], str]]] = {
    "alpaca": (".jsonl", lambda made: "".join(json.dumps({"instruction": m["q"], "output": m["a"]}) + "\n" for m in made)),
    "list": (".json", lambda made: json.dumps([{"question": m["q"], "answer": m["a"], "note": "x"} for m in made])),
    "trl": (".jsonl", lambda made: "".join(json.dumps({
        "prompt": [{"role": "user", "content": m["q"]}], "completion": [{"role": "assistant", "content": m["a"]}]}) + "\n" for m in made)),
    "sharegpt": (".jsonl", lambda made: "".join(json.dumps({"conversations": [
        {"from": "human", "value": m["q"]}, {"from": "gpt", "value": m["a"]}]}) + "\n" for m in made)),
    "dpo": (".jsonl", lambda made: "".join(json.dumps({"prompt": m["q"], "chosen": m["a"], "rejected": "Non."}) + "\n" for m in made)),
    "kto": (".jsonl", lambda made: "".join(json.dumps({"prompt": m["q"], "completion": m["a"], "label": True}) + "\n" for m in made)),
    "csv": (".csv", lambda made: "question,answer,theme\n" + "".join(f'"{m["q"]}","{m["a"]}",\n' for m in made)),
    "text": (".jsonl", lambda made: "".join(json.dumps({"text": f"{m['q']} {m['a']}"}) + "\n" for m in made)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_rows_of_every_format_keep_their_keys(
    typed: Callable[..., Ran], editor: Callable[[str], None], tmp_path: Path, name: str
) -> None:
    suffix, form = FORMATS[name]
    rows = [{"q": f"Quel port a App{n} ?", "a": f"Le port {n}."} for n in range(3)]
    file = tmp_path / f"X_train{suffix}"
    file.write_text(form(rows), encoding="utf-8")
    editor("text = text.replace('Le port', 'Le bon port')")
    typed("e\nr\n\na\n", file)
    found = read(tmp_path / "X_train.review.jsonl")
    assert [made["decision"] for made in found] == ["edited", "rejected", "accepted"]
    assert typed("", file, "--apply").code == 0
    kept = file.read_text(encoding="utf-8")
    assert kept.count("Le bon port") == 1
    assert kept.count("Quel port a App") == 2
    if name == "csv":
        assert [list(r) for r in csv.DictReader(io.StringIO(kept))] == [["question", "answer", "theme"]] * 2
    else:
        rest = [r for r in rows if form([r]).strip("[]\n") in kept]
        assert len(rest) == 1  # the row that was accepted is as it was
    assert typed("", file, "--json").json["waiting"] == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "holds no rows" ), ('{"messages": []}\n', "line 1"), ("{broken\n", "line 1")],
)  # fmt: skip
def test_a_file_without_a_row_is_an_error(typed: Callable[..., Ran], tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "X_train.jsonl"
    file.write_text(text, encoding="utf-8")
    ran = typed("a\n", file)
    assert ran.code == 1
    assert str(file) in ran.err
    assert message in ran.err or "empty" in ran.err


def test_a_broken_line_is_left_out_of_a_sitting_and_stops_apply(typed: Callable[..., Ran], file: Path) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write('{"messages": \n')
    before = file.read_bytes()
    ran = typed("r faux\nq\n", file)
    assert "1 row cannot be read" in ran.err
    ran = typed("", file, "--apply")
    assert (ran.code, "line 5" in ran.err) == (1, True)
    assert file.read_bytes() == before
    assert sorted(path.name for path in file.parent.glob("X_train*")) == ["X_train.jsonl", "X_train.review.jsonl"]


@pytest.mark.parametrize(
    ("lines", "argv", "message"),
    [
        ("", ["--apply"], "Nothing is decided"),
        ("", ["--output", "y.jsonl"], "--output goes with --apply."),
        ("r\n\n" * 4, [], ""),
    ],
)
def test_what_cannot_be_applied_is_said(
    typed: Callable[..., Ran], file: Path, lines: str, argv: list[str], message: str
) -> None:
    before = file.read_bytes()
    ran = typed(lines, file, *argv)
    if not message:
        ran = typed("", file, "--apply")
        message = "Every row of"
    assert ran.code in (1, 2)
    assert message in ran.err
    assert file.read_bytes() == before
    assert not list(file.parent.glob("*before-review*"))


def test_the_other_name_of_a_validation_file_is_found(typed: Callable[..., Ran], tmp_path: Path) -> None:
    write(tmp_path / "X_val.jsonl", [row(1)])
    ran = typed("a\n", tmp_path / "X_validation.jsonl")
    assert ran.code == 0
    assert (tmp_path / "X_val.review.jsonl").exists()
