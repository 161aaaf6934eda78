"""The scripted model: what it says by itself, what a script makes it say, what is wrong with a script."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.base import Options
from assistant.generators.models.fake_model import FAULTS, FakeModel, Reply, load_script
from assistant.prompts import Prompt, is_refusal, load_prompts
from assistant.prompts.fence import fenced
from assistant.settings import PromptSettings
from retrieval.errors import BadSetting, GeneratorFailed
from retrieval.types import Language, Message, Passage

PASSAGES = (
    Passage(383, "g.md", "", "Gitea", (), "# Gitea\n\nGitea est une forge. Port : 3000. Licence : MIT.", 1, 0, 0),
    Passage(9, "r.md", "", "Redis", (), "Redis garde tout en mémoire.", 0.5, 0, 0),
)


def ask(model: FakeModel, text: str) -> str:
    return "".join(model.stream((Message("user", text),), Options()))


def prompt(kind: str, language: Language) -> Prompt:
    made: Prompt = getattr(load_prompts(PromptSettings(), Path()), kind)[language]
    return made


def test_by_itself_it_quotes_the_first_document_and_cites_it() -> None:
    sent = prompt("answer", "fr").messages(documents=fenced(PASSAGES), question="Quel port écoute Gitea ?")
    assert "".join(FakeModel().stream(sent, Options())) == "Gitea est une forge. [chunk_383] Port : 3000. [chunk_383]"


@pytest.mark.parametrize(("language", "question"), [("fr", "Quel est le prix ?"), ("en", "What is the price?")])
def test_by_itself_it_refuses_without_a_document(language: Language, question: str) -> None:
    sent = prompt("finetuned", language).messages(question=question)
    said = "".join(FakeModel().stream(sent, Options()))
    assert is_refusal(said, language)
    assert ("je" in said.lower()) == (language == "fr")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_by_itself_it_leaves_a_question_as_it_is(language: Language) -> None:
    sent = prompt("rewrite", language).messages(history="User: Gitea?", question="Et sa licence ?")
    assert "".join(FakeModel().stream(sent, Options())) == "Et sa licence ?"


@given(st.text(max_size=200))
def test_the_pieces_are_the_text(text: str) -> None:
    pieces = list(FakeModel(replies=[Reply(text)]).stream((Message("user", "?"),), Options()))
    assert "".join(pieces) == text
    assert all(1 <= len(piece) <= 5 for piece in pieces)


def test_a_citation_is_cut_in_its_bracket() -> None:
    pieces = list(FakeModel(replies=[Reply("Port 3000 [chunk_383].")]).stream((Message("user", "?"),), Options()))
    assert not any("[chunk_383]" in piece for piece in pieces)


def script(folder: Path, *lines: str) -> Path:
    path = folder / "script.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_a_script_is_played_in_order_and_by_match(tmp_path: Path) -> None:
    path = script(tmp_path, '{"text": "one"}', "", '{"match": "licen[cs]e", "text": "MIT"}', '{"text": "deux"}')
    model = FakeModel("fake:script.jsonl", load_script(path))
    assert [ask(model, q) for q in ("a", "The LICENSE?", "b", "sa licence")] == ["one", "MIT", "deux", "MIT"]
    with pytest.raises(GeneratorFailed, match=r"fake:script\.jsonl: the script is used up"):
        ask(model, "c")
    assert [messages[-1].content for messages in model.history] == ["a", "The LICENSE?", "b", "sa licence", "c"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_script_can_fail_in_every_way(tmp_path: Path, fault: str) -> None:
    path = script(tmp_path, f'{{"text": "It is 3000", "fault": "{fault}", "after": 5}}', f'{{"fault": "{fault}"}}')
    model = FakeModel("fake:", load_script(path))
    heard: list[str] = []
    kind = type(FAULTS[fault](""))
    with pytest.raises(kind):
        heard.extend(model.stream((Message("user", "?"),), Options()))
    assert "".join(heard) == "It is"
    with pytest.raises(kind):
        ask(model, "?")


def test_a_script_takes_its_time_until_it_is_closed() -> None:
    model = FakeModel(replies=[Reply("x" * 1000, delay=0.02)])
    threading.Timer(0.1, model.close).start()
    start = time.perf_counter()
    with pytest.raises(GeneratorFailed, match="broken off"):
        ask(model, "?")
    assert 0.05 < time.perf_counter() - start < 15


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not valid JSON"),
        ("[1]", "not a JSON object"),
        ('{"txt": "a"}', "`txt` means nothing"),
        ('{"text": 1}', "`text` cannot be 1"),
        ('{"text": "a", "delay": -1}', "`delay` cannot be -1"),
        ('{"text": "a", "delay": true}', "`delay` cannot be True"),
        ('{"text": "a", "after": 1.5}', "`after` cannot be 1.5"),
        ('{"text": "a", "fault": "404"}', "`fault` is none of timeout, reset"),
        ('{"text": "a", "match": "("}', "`match` is no pattern"),
        ('{"delay": 1}', "neither `text` nor `fault`"),
    ],
)
def test_a_bad_line_of_a_script_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(BadSetting) as failed:
        load_script(script(tmp_path, '{"text": "fine"}', "", line))
    assert "script.jsonl, line 3: " in failed.value.message
    assert said in failed.value.message
    assert failed.value.hint


def test_a_script_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"is empty\."):
        load_script(script(tmp_path, " "))
    with pytest.raises(BadSetting, match="cannot be read: No such file"):
        load_script(tmp_path / "gone")
    (tmp_path / "b").write_bytes(b"\xff")
    with pytest.raises(BadSetting, match="it is not UTF-8"):
        load_script(tmp_path / "b")
