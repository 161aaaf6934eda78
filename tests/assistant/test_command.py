from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pytest
import typer
from commands import run_slash

import assistant.commands  # the real commands declare themselves before a test adds its own
from assistant import command as command_module
from assistant.app import App
from assistant.command import BadUsage, Call, command, commands, parse_slash, split_words
from assistant.render import plain, render, show
from assistant.screen import Screen
from assistant.workspace import Home

if TYPE_CHECKING:
    from nowhere import NoSuchResult


@dataclass(frozen=True)
class Found:
    words: tuple[str, ...]
    where: Path = Path("a/b")
    exit_code = 3


@render.register
def _(result: Found, screen: Screen) -> None:
    screen.out("found ", *result.words)


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    monkeypatch.setattr(command_module, "COMMANDS", [*command_module.COMMANDS])

    @command(aliases=("find",), examples=('dyag look "who owns it"',))
    def look(
        app: App,
        question: Annotated[str, typer.Argument(help="What to look for.")],
        top_k: Annotated[int, typer.Option("--top-k", "-k", help="How many.", min=1, max=200)] = 10,
        mode: Annotated[Literal["rag", "hybrid"], typer.Option(help="How.")] = "rag",
        deep: bool = False,
        folder: Annotated[Path | None, typer.Option(help="Where.")] = None,
    ) -> NoSuchResult:
        """Look for a thing.

        In more words.
        """
        return Found((question, str(top_k), mode, str(deep), str(folder)))

    @command("count-all", background=True)
    def count(
        app: App,
        kind: Annotated[str | None, typer.Argument(help="Of this kind.")] = None,
        what: Annotated[str, typer.Argument(help="What to count.")] = "every thing",
    ) -> Iterator[Found]:
        """Count things."""
        yield from (Found(("1",)), Found(("2",)))

    @command()
    def pick(app: App, number: Annotated[int, typer.Argument(help="Which.")]) -> None:
        """Pick a thing."""


@pytest.fixture
def app(tmp_path):
    return App(Home(tmp_path, "--home"), {}, Screen(io.StringIO(), io.StringIO(), {}))


def test_a_declaration_is_read_from_the_function():
    look = commands()["look"]
    assert commands()["find"] is look
    assert look.summary == "Look for a thing."
    assert [p.name for p in look.parameters] == ["question", "top_k", "mode", "deep", "folder"]
    assert [p.flags for p in look.parameters] == [
        (),
        ("--top-k", "-k"),
        ("--mode",),
        ("--deep", "--no-deep"),
        ("--folder",),
    ]
    assert [(p.flags, p.help, p.choices) for p in look.options][:2] == [
        (("--top-k", "-k"), "How many.", ()),
        (("--mode",), "How.", ("rag", "hybrid")),
    ]
    assert look.options[-1].flags == ("--json",)
    assert (commands()["count-all"].background, look.background) == (True, False)


def test_a_name_is_declared_once():
    with pytest.raises(ValueError, match="declared twice: find"):
        command("find")(lambda app: None)


def test_a_slash_line_is_parsed_with_its_types():
    call = parse_slash('/look "who owns it" -k 3 --mode hybrid --deep --folder a/b --json')
    assert (call.command.name, call.as_json) == ("look", True)
    assert call.arguments == {
        "question": "who owns it",
        "top_k": 3,
        "mode": "hybrid",
        "deep": True,
        "folder": Path("a/b"),
    }


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("/look who owns it", "who owns it"),
        ("/look c'est l'état d'âme", "c'est l'état d'âme"),
        ("/find l'état", "l'état"),
        ("/look 'deux  mots'", "deux  mots"),
        ("/look dit \"l'état  d'Orion\" -k 10", "dit l'état  d'Orion"),
        ("/look -- --top-k", "--top-k"),
        (r"/look C:\new\table", r"C:\new\table"),
    ],
)
def test_a_question_needs_no_quotes_in_the_chat(line, question):
    assert parse_slash(line).arguments["question"] == question


def test_an_optional_text_stays_optional_in_the_chat():
    assert parse_slash("/config").arguments == {"key": ""}
    assert parse_slash("/config search.top_k").arguments == {"key": "search.top_k"}
    assert parse_slash("/count-all").arguments == {"kind": None, "what": "every thing"}
    assert parse_slash("/count-all apple red ones").arguments == {"kind": "apple", "what": "red ones"}


def test_words():
    assert split_words("") == []
    assert split_words('a "b c" --d="e f" \'g h\' "" 5" x') == ["a", "b c", "--d=e f", "g h", "", '5"', "x"]
    assert split_words("'qu'est-ce que l'état' ?") == ["qu'est-ce que l'état", "?"]


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("/loook it", "There is no command /loook.", "/look"),
        ("/", "There is no command /.", "/look"),
        ("/look", "Missing argument", "`/look --help`"),
        ("/look it --top-k 0", "'--top-k'", "`/look --help`"),
        ("/look it --mode other", "other", "`/look --help`"),
        ("/look it --topk 3", "--topk", "`/look --help`"),
        ("/pick 1 config", "unexpected extra argument", "`/pick --help`"),
    ],
)
def test_a_bad_line_is_a_usage_error_with_a_hint(line, message, hint):
    with pytest.raises(BadUsage) as caught:
        parse_slash(line)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_help_in_the_chat_prints_and_runs_nothing(app, capsys):
    assert run_slash(app, "/look --help") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Usage: /look")
    assert '  Examples:\n    dyag look "who owns it"\n' in printed
    assert printed.rstrip().endswith("Manual: docs/commands.md")


def test_run_slash_shows_the_result_and_returns_its_exit_code(app):
    assert run_slash(app, "/look it") == 3
    assert app.screen.stdout.getvalue() == "found it10ragFalseNone\n"


def test_json_in_the_chat_is_one_object_per_line(app):
    run_slash(app, "/count-all --json")
    lines = app.screen.stdout.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [{"words": ["1"], "where": "a/b"}, {"words": ["2"], "where": "a/b"}]


def test_the_exit_code_is_the_result_s_and_for_many_the_lowest(app):
    @dataclass(frozen=True)
    class Fine(Found):
        exit_code = 0

    assert show(None, app.screen) == 0
    assert show(Found(()), app.screen) == 3
    assert show(iter([Found(()), Found(())]), app.screen) == 3
    assert show(iter([Found(()), Fine(())]), app.screen) == 0


def test_one_failure_is_that_of_the_whole(app):
    @dataclass(frozen=True)
    class Failed(Found):
        exit_code = 1

    assert show(iter([Found(()), Failed(()), Found(())]), app.screen) == 1


def test_a_command_may_show_what_it_does_itself(app):
    @command(in_chat=False)
    def talk(app: App, times: int = 1, as_json: bool = False) -> int:
        """Talk."""
        app.screen.json(times) if as_json else app.screen.out("talk")
        return 3

    talk_ = commands()["talk"]
    assert [p.name for p in talk_.parameters] == ["times"]
    assert [p.flags for p in talk_.options] == [("--times",), ("--json",)]
    assert show(Call(talk_, {"times": 2}, as_json=True).run(app), app.screen, as_json=True) == 3
    assert show(Call(talk_, {"times": 2}).run(app), app.screen) == 3
    assert app.screen.stdout.getvalue() == "2\ntalk\n"
    with pytest.raises(BadUsage, match=r"There is no command /talk\."):
        parse_slash("/talk")


def test_an_iterator_is_shown_as_it_comes_even_through_a_pipe():
    pipe = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n")

    def results():
        yield Found(("1",))
        assert pipe.buffer.getvalue() == b"found 1\n"
        yield Found(("2",))

    show(results(), Screen(pipe, io.StringIO(), {}))
    assert pipe.buffer.getvalue() == b"found 1\nfound 2\n"


def test_a_result_without_renderer_is_a_bug(app):
    with pytest.raises(TypeError, match="no renderer for object"):
        show(object(), app.screen)


def test_plain_gives_json_types():
    value = {1: (Path("a"), float("nan"), float("inf"), 0.5, None, True), "x": Found(("é",))}
    assert plain(value) == {"1": ["a", None, None, 0.5, None, True], "x": {"words": ["é"], "where": "a/b"}}


def test_every_real_command_is_documented():
    assert "config" in assistant.commands.__all__
    for found in set(commands().values()):
        assert found.summary.endswith("."), f"{found.name}: a docstring whose first line is a sentence"
        assert all(p.help for p in found.parameters) or found.name in ("look",), (
            f"{found.name}: help for each parameter"
        )
