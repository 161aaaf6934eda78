"""What a chat line can go on with, and short names of commands."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import pytest
import typer
from commands import STEERING
from hypothesis import given
from hypothesis import strategies as st

from assistant.command import GROUPS, BadUsage, Command, Completes, chat_commands, split_words
from assistant.journal.values import Session
from assistant.settings import ModelSettings, Settings
from assistant.terminal import candidates, model_names
from assistant.terminal.candidates import CANDIDATES, Candidate
from assistant.terminal.complete import LineCompleter, complete, expand
from assistant.terminal.model_names import offered
from assistant.workspace import Home
from retrieval.errors import Busy
from retrieval.types import Answer, Citation, Passage


def passage(chunk_id: int, title: str, *headings: str) -> Passage:
    return Passage(chunk_id, f"docs/{chunk_id}.md", "", title, headings, "text", 1.0, 1.0, 1.0)


def answer(question: str, passages: tuple[Passage, ...] = (), *cited: int) -> Answer:
    citations = tuple(Citation(chunk_id, "docs", "", True, 1.0) for chunk_id in cited)
    return Answer(question, "text", False, citations, passages, "rag", "extractive", 0.1)


SESSIONS = [Session(7, "Ports \x1b[31mof\x9b1m mail\u202e", 0, 0, 2, "q"), Session(3, "", 0, 0, 1, "Who created NATS?")]


@pytest.fixture
def app(tmp_path: Path) -> Any:
    """What completion needs of an app."""
    settings = Settings(model=ModelSettings(api_key="sk-verysecret", base_url=""))  # type: ignore[call-arg]
    exchanges = [
        SimpleNamespace(number=11, answer=answer("Who created NATS?", (passage(1, "NATS"),), 1)),
        SimpleNamespace(number=None, answer=answer("not recorded")),
        SimpleNamespace(
            number=12,
            answer=answer(
                "Quel port ?", (passage(9, "Squid"), passage(271, "PostgreSQL", "PostgreSQL", "Ports")), 271, 5
            ),
        ),
    ]
    return SimpleNamespace(
        home=Home(tmp_path, "test"),
        settings=settings,
        conversation=SimpleNamespace(exchanges=exchanges),
        journal=SimpleNamespace(sessions=lambda limit: SESSIONS),
    )


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_names, "offered", lambda model: ("ollama:qwen2.5:1.5b", "openai:gpt-4o-mini"))


def texts(app: Any, line: str) -> list[str]:
    return [candidate.text for candidate in LineCompleter(app)(line).candidates]


def helps(app: Any, line: str) -> dict[str, str]:
    return {candidate.text: candidate.help for candidate in LineCompleter(app)(line).candidates}


def first_line(app: Any, line: str) -> str:
    """The line with its first completion taken."""
    replaced, found = LineCompleter(app)(line)
    return line[: len(line) - replaced] + found[0].text


def sample(
    app: Any,
    path: Annotated[list[Path], typer.Argument(help="Where.")],
    depth: Annotated[int, typer.Option("--depth", "-d", help="How deep.")] = 1,
    tone: Annotated[Literal["calm", "loud"] | None, typer.Option(help="How it speaks.")] = None,
    quick: Annotated[bool, typer.Option(help="Do it quickly.")] = False,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; repeatable.")] = None,
) -> None:
    """Do a sample thing."""


def choose(
    app: Any, kind: Literal["sft", "dpo"], session: Annotated[int, typer.Argument(), Completes("session")] = 0
) -> None:
    """Choose something."""


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Command]:
    """Commands of the tests' own."""
    own = {
        name: Command(name, function)
        for name, function in {
            "sample": sample, "retry": sample, "resume": sample, "rates list": choose, "rates list-all": choose,
            "rates show": sample,
        }.items()
    }  # fmt: skip
    own["go"] = own["again"] = Command("go", sample, aliases=("again",))
    monkeypatch.setattr("assistant.terminal.complete.chat_commands", lambda: own)
    monkeypatch.setattr(candidates, "chat_commands", lambda: own)
    monkeypatch.setitem(GROUPS, "rates", "Read ratings.")
    return own


# names ---------------------------------------------------------------------------------------------------------------


def test_a_password_in_an_address_is_not_offered(app: Any) -> None:
    app.settings = Settings(model=ModelSettings(base_url="http://me:hunter2@host/v1"))  # type: ignore[call-arg]
    assert "hunter2" not in str(complete(app, "/set model.base_url "))
    assert "http://***@host/v1" in str(complete(app, "/set model.base"))


def test_a_slash_lists_the_commands_with_their_help(app: Any) -> None:
    shown = helps(app, "/")
    known = chat_commands()
    assert set(shown) == {name.partition(" ")[0] for name in known}
    assert shown["source"].startswith("Show a cited chunk")
    assert LineCompleter(app)("/").candidates[0].shown.startswith("/")


def test_names_that_begin_as_typed_come_before_those_that_hold_it(app: Any, declared: object) -> None:
    assert texts(app, "/re") == ["retry", "resume"]
    assert texts(app, "/a") == ["again", "sample", "rates"]
    assert texts(app, "/RES") == ["resume"]
    assert texts(app, "/zzz") == []


def test_names_of_two_words_are_completed_word_by_word(app: Any, declared: object) -> None:
    assert helps(app, "/ra") == {"rates": "Read ratings."}
    assert helps(app, "/rates ") == {
        "list": "Choose something.", "list-all": "Choose something.", "show": "Do a sample thing.",
    }  # fmt: skip
    assert texts(app, "/rates li") == ["list", "list-all"]
    assert texts(app, "/rates list ") == ["sft", "dpo"]


def test_a_question_is_not_completed(app: Any) -> None:
    assert texts(app, "") == texts(app, "what is /mo") == texts(app, "mo") == []


# arguments -----------------------------------------------------------------------------------------------------------


def test_choices_and_what_follows_them(app: Any, declared: object) -> None:
    assert texts(app, "/rates list d") == ["dpo"]
    assert texts(app, "/rates list dpo ") == ["7", "3"]
    assert texts(app, "/rates list dpo 7 ") == []
    assert texts(app, '/rates list "d p o" ') == ["7", "3"]
    assert texts(app, '/"" ') == []


def test_flags_have_their_help_and_are_offered_once(app: Any, declared: object) -> None:
    assert helps(app, "/sample -") == {
        "--depth": "How deep.", "--tone": "How it speaks.", "--quick": "Do it quickly.", "--no-quick": "Do it quickly.",
        "--tag": "A tag; repeatable.", "--json": "Print the result as JSON.", "--help": "Show what the command does.",
    }  # fmt: skip
    assert texts(app, "/sample --d") == ["--depth"]
    assert "--depth" not in texts(app, "/sample -d 3 --")
    assert "--tag" in texts(app, "/sample --tag a --")


def test_a_flag_is_followed_by_its_value(app: Any, declared: object) -> None:
    assert texts(app, "/sample --tone ") == texts(app, "/sample x --quick --tone ") == ["calm", "loud"]
    assert texts(app, "/sample --depth ") == []
    assert first_line(app, "/sample --tone=lo") == "/sample --tone=loud"


def test_a_short_name_is_completed_like_its_whole(app: Any, declared: object) -> None:
    assert texts(app, "/sam --tone ") == ["calm", "loud"]
    assert texts(app, "/rat lis") == ["list", "list-all"]
    assert texts(app, "/re --tone ") == []


def test_modes_have_their_meaning(app: Any) -> None:
    assert list(helps(app, "/mode ")) == ["rag", "finetuned", "hybrid"]
    assert "fine-tuned" in helps(app, "/mode h")["hybrid"]


def test_chunks_are_those_of_the_last_answer_the_cited_first(app: Any) -> None:
    assert list(helps(app, "/source ").items()) == [
        ("271", "PostgreSQL › Ports (cited)"),
        ("5", "(cited)"),
        ("9", "Squid"),
    ]
    assert texts(app, "/source postg") == ["271"]
    app.conversation.exchanges.clear()
    assert texts(app, "/source ") == []


def test_answers_are_those_of_the_conversation(app: Any) -> None:
    assert helps(app, "/good ") == {"12": "Quel port ?", "11": "Who created NATS?"}


def test_sessions_have_their_titles_and_steer_nothing(app: Any) -> None:
    assert helps(app, "/resume ") == {"7": "Ports of mail", "3": "Who created NATS?"}
    assert texts(app, "/resume nats") == ["3"]


def test_models_are_providers_and_what_servers_offer(app: Any) -> None:
    assert set(texts(app, "/model ")) >= {"auto", "extractive", "openai:", "ollama:", "hf:", "fake:"}
    assert texts(app, "/model qwen") == ["ollama:qwen2.5:1.5b"]
    assert texts(app, "/model openai:") == ["openai:", "openai:gpt-4o-mini"]


def test_a_model_folder_is_found(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny-llama").mkdir()
    (tmp_path / "tiny.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert texts(app, "/model hf:tiny-") == [f"hf:tiny-llama{os.sep}"]


def test_settings_have_their_values_and_no_key_is_shown(app: Any) -> None:
    shown = helps(app, "/set ")
    assert shown["search.top_k"] == "10"
    assert shown["model.api_key"] == "***"
    assert texts(app, "/set top_k") == ["search.top_k"]
    assert "sk-verysecret" not in repr(
        [LineCompleter(app)(line) for line in ("/set ", "/set model.api_key ", "/set m")]
    )


def test_a_settings_values_are_its_choices_and_the_one_it_has(app: Any) -> None:
    assert helps(app, "/set answer.mode ") == {"rag": "now", "finetuned": "", "hybrid": ""}
    assert helps(app, "/set search.top_k ") == {"10": "now"}
    assert helps(app, "/set answer.refuse_below ") == {"none": "now"}
    assert "ollama:qwen2.5:1.5b" in texts(app, "/set answer.generator ")
    assert texts(app, "/set model.api_key ") == texts(app, "/set no.such ") == []


def test_help_is_completed_with_the_commands(app: Any, declared: Mapping[str, Command]) -> None:
    found = [candidate.text for candidate in CANDIDATES["command"](app, "", [])]
    assert {"sample", "rates"} <= set(found)
    assert [c.text for c in CANDIDATES["command"](app, "", ["rates"])] == ["list", "list-all", "show"]


# paths ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "files"
    (folder / "my notes").mkdir(parents=True)
    for name in ("my notes/one two.md", "notes.md", ".hidden", "'quoted"):
        (folder / name).touch()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    return folder


def test_files_and_folders(app: Any, files: Path) -> None:
    assert texts(app, "/index ") == ['"\'quoted"', f'"my notes{os.sep}', "notes.md"]
    assert texts(app, "/index .") == [".hidden"]
    assert texts(app, "/index notes.md NOTES") == ["notes.md"]
    assert texts(app, f"/index {files}{os.sep}no") == [f"{files}{os.sep}notes.md"]
    assert texts(app, "/index no/such/") == texts(app, "/index notes.md/") == []


def test_spaces_are_quoted_and_the_quotes_can_be_gone_on_with(app: Any, files: Path) -> None:
    line = first_line(app, "/index my")
    assert line == f'/index "my notes{os.sep}'
    line = first_line(app, line + "on")
    assert split_words(line) == ["/index", os.path.join("my notes", "one two.md")]


def test_the_home_folder_is_written_out(app: Any, files: Path) -> None:
    assert first_line(app, "/index ~/no") == f"/index {files}/notes.md"


def test_a_name_that_cannot_be_typed_is_not_offered(app: Any, files: Path) -> None:
    for name in (b"x\x1b[31m", b"x\xff", b'x"y"', "x\u202e".encode()):
        try:
            open(os.path.join(os.fsencode(files), name), "w").close()
        except OSError:
            pytest.skip("this file system takes no such names")
    assert texts(app, "/index x") == []


# trouble -------------------------------------------------------------------------------------------------------------


def test_a_bug_costs_the_candidates_and_is_logged_once(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[Candidate]:
        raise ZeroDivisionError("candidates")

    monkeypatch.setattr("assistant.terminal.complete.CANDIDATES", {**CANDIDATES, "mode": broken})
    completer = LineCompleter(app)
    assert (completer("/mode "), completer("/mode r")) == ((0, ()), (0, ()))
    assert app.home.log.read_text().count("ZeroDivisionError: candidates") == 1
    assert [c.text for c in completer("/sou").candidates] != []


def test_what_is_not_there_is_no_bug(app: Any) -> None:
    def busy(limit: int) -> list[Session]:
        raise Busy("The journal is being written.")

    app.journal.sessions = busy
    assert texts(app, "/resume ") == []
    assert not app.home.log.exists()


WORDS = st.sampled_from(
    ["/", "/mode", "/set", "/source", "/index", "/search", "/help", "answer.mode", "model.api_key", "--top-k", "--json",
     "--", "-", "--top-k=", '"', "'", '"a b', "~", "/tmp/", "hf:", "12", " ", "  ", "\t", "\n", "\x1b[31m", "é"]
)  # fmt: skip


@given(
    line=st.text() | st.lists(WORDS | st.text(max_size=4)).map("".join) | st.lists(WORDS).map(" ".join).map("/".__add__)
)
def test_no_line_breaks_it_and_no_candidate_steers_a_terminal(line: str) -> None:
    settings = Settings()
    exchange = SimpleNamespace(number=1, answer=answer("\x1b[2J\x9b31m?\n\u202e", (passage(4, "\x07title\r"),), 4))
    app: Any = SimpleNamespace(
        home=None,
        settings=settings,
        conversation=SimpleNamespace(exchanges=[exchange]),
        journal=SimpleNamespace(sessions=lambda limit: SESSIONS),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_names, "offered", lambda model: ("ollama:\x1b]52;c;aGk=\x07", "ollama:\u202ex"))
        complete(app, line)  # unlike the completer, it raises
        replaced, found = LineCompleter(app)(line)
    assert 0 <= replaced <= len(line)
    assert STEERING.search("".join(part for candidate in found for part in candidate)) is None
    assert "\n" not in "".join(part for candidate in found for part in candidate)


# short names ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("/sample a b", "/sample a b"),
        ("/sam  a b", "/sample  a b"),
        ("/SAM a", "/sample a"),
        ("/ret", "/retry"),
        ("/rat sh 3", "/rates show 3"),
        ("/rates list x", "/rates list x"),
        ("/rat", "/rates"),
        ("/ag", "/again"),
        ("/again", "/again"),
        ("/nope a", "/nope a"),
        ("/rates nope", "/rates nope"),
        ("/", "/"),
        ("/ sample", "/ sample"),
    ],
)
def test_a_short_name_is_made_whole(declared: Mapping[str, Command], line: str, whole: str) -> None:
    assert expand(line, declared) == whole


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/re x", "/re is short for /resume and /retry."),
        ("/rates l", "/rates l is short for /rates list and /rates list-all."),
    ],
)
def test_a_short_name_that_fits_several_lists_them(declared: Mapping[str, Command], line: str, message: str) -> None:
    with pytest.raises(BadUsage) as raised:
        expand(line, declared)
    assert raised.value.message == message


@given(st.text().map("/".__add__))
def test_no_line_breaks_the_short_names(line: str) -> None:
    known = chat_commands()
    try:
        whole = expand(line, known)
    except BadUsage:
        return
    assert expand(whole, known) == whole


# servers -------------------------------------------------------------------------------------------------------------


class Server(BaseHTTPRequestHandler):
    """A server that lists models, and notes what it was asked."""

    asked: list[tuple[str, str]]
    bodies: Mapping[str, bytes]
    gate: threading.Event

    def do_GET(self) -> None:
        self.gate.wait(20)
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        body = self.bodies.get(self.path)
        self.send_response(200 if body else 302)
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(model_names, "_LISTINGS", {})
    handler = type("Handler", (Server,), {"asked": [], "bodies": {}, "gate": threading.Event()})
    with HTTPServer(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield SimpleNamespace(url=f"http://127.0.0.1:{made.server_port}", handler=handler)
        made.shutdown()
        thread.join()


def listed(server: Any, model: ModelSettings, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What is offered once the servers have answered; they do so after the first call has returned."""
    assert offered(model, environ) == ()
    server.handler.gate.set()
    for thread in threading.enumerate():
        if thread.name == "model-names":
            thread.join()
    return offered(model, environ)


def test_servers_are_asked_behind_the_prompt_and_once(server: Any) -> None:
    server.handler.bodies = {
        "/v1/models": json.dumps({"data": [{"id": "b"}, {"id": "a"}]}).encode(),
        "/api/tags": json.dumps({"models": [{"name": "qwen2.5:1.5b"}]}).encode(),
    }
    model = ModelSettings(base_url=f"{server.url}/v1/", api_key="sk-1")
    environ = {"OLLAMA_HOST": server.url.removeprefix("http://")}
    assert listed(server, model, environ) == ("ollama:qwen2.5:1.5b", "openai:a", "openai:b")
    assert offered(model, environ) == ("ollama:qwen2.5:1.5b", "openai:a", "openai:b")
    assert sorted(server.handler.asked) == [("/api/tags", ""), ("/v1/models", "Bearer sk-1")]


def test_the_key_does_not_follow_a_redirect(server: Any) -> None:
    environ = {"OPENAI_API_KEY": "sk-2", "OLLAMA_HOST": server.url}
    assert listed(server, ModelSettings(base_url=server.url), environ) == ()
    assert {path for path, _ in server.handler.asked} == {"/models", "/api/tags"}


@pytest.mark.parametrize("body", [b"[]", b"{}", b"no json", b"\xff", b'{"data": 3}', b'{"data": [3, {"id": 4}]}'])
def test_a_server_that_answers_something_else_offers_nothing(server: Any, body: bytes) -> None:
    server.handler.bodies = {"/models": body, "/api/tags": body}
    assert listed(server, ModelSettings(base_url=server.url), {"OLLAMA_HOST": server.url}) == ()


def test_no_server_offers_nothing_and_without_a_key_the_hosted_one_is_not_asked(server: Any) -> None:
    environ = {"OLLAMA_HOST": "127.0.0.1:9"}
    assert listed(server, ModelSettings(), environ) == ()
    assert [url for url, _ in model_names._LISTINGS] == ["http://127.0.0.1:9/api/tags"]
    assert listed(server, ModelSettings(base_url="file:///etc"), environ) == ()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("https://box.example", "https://box.example"),
        ("http://box:1/", "http://box:1"),
    ],
)
def test_where_ollama_is(host: str, url: str) -> None:
    assert model_names._ollama({"OLLAMA_HOST": host}) == url
