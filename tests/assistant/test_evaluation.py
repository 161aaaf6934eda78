"""What an evaluation sends and reads: the passages of a prompt, the names of a model, the statements of an answer."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from chatting import app_at
from hypothesis import given
from hypothesis import strategies as st

from assistant.evaluation import chat_model, full_name, statements
from assistant.identity import answer_key, command_line, settings_of
from assistant.prompts.fence import fenced, harmless, unfenced
from eval.types import Identity
from retrieval.errors import BadSetting, NotFound
from retrieval.types import Passage

IDENTITY = Identity("a", "now", "rag", "extractive", "cases.jsonl", "0" * 64, 4, generation="g1", settings={"x": 1})


def passage(number: int, text: str, title: str = "", path: str = "") -> Passage:
    return Passage(number, path, "", title, (), text, 0.0, 0.0, 0.0)


@given(st.lists(st.tuples(st.text(), st.text(max_size=10), st.text(max_size=10)), max_size=4))
def test_the_passages_of_a_prompt_are_read_back(parts: list[tuple[str, str, str]]) -> None:
    shown = [passage(i, text, title, path) for i, (text, title, path) in enumerate(parts, 1)]
    found = unfenced(f"Answer.\n{fenced(shown)}\nWhat is it?")
    assert [(p.chunk_id, p.text) for p in found] == [(p.chunk_id, harmless(p.text)) for p in shown]
    assert [(p.title, p.document) for p in found] == [
        tuple(" ".join(harmless(name).split()) for name in (p.title, p.document)) for p in shown
    ]


def test_an_id_within_a_document_is_not_one_that_was_shown() -> None:
    assert [p.chunk_id for p in unfenced(fenced([passage(3, "See chunk_9.")]))] == [3]
    assert [p.chunk_id for p in unfenced("[chunk_3] Port 3000. [chunk_4] MIT. [chunk_3]")] == [3, 4]
    assert unfenced("Which port?") == ()


@given(st.text())
def test_any_prompt_can_be_read(text: str) -> None:
    unfenced(f'<document id="chunk_1">\n{text}')


def test_only_sentences_that_state_something_are_to_be_proved() -> None:
    assert statements("Gitea écoute sur le port 3000 [chunk_1]. Oui. La licence de Gitea est MIT.", "fr") == 2
    assert statements("", "fr") == 0


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("openai:gpt-4o-mini", "openai:gpt-4o-mini"),
        ("ft:gpt-4o-mini-2024-07-18:org::abc123", "openai:ft:gpt-4o-mini-2024-07-18:org::abc123"),
        ("ollama:llama3", "ollama:llama3"),
        ("fake:", "fake:"),
        ("mini", "hf:mini"),
        ("hf:mini", "hf:mini"),
    ],
)
def test_a_model_has_one_name_however_it_was_typed(typed: str, name: str, tmp_path: Path) -> None:
    model = chat_model(app_at(tmp_path, io.StringIO()), typed)
    assert full_name(model.name, typed) == name
    model.close()


def test_a_model_that_there_is_not_is_said(tmp_path: Path) -> None:
    app = app_at(tmp_path, io.StringIO())
    for name, kind in (("nothing", NotFound), ("run:nothing", NotFound), ("openai:", BadSetting)):
        with pytest.raises(kind):
            chat_model(app, name)


def test_what_decides_an_answer_is_in_its_key_and_nothing_else() -> None:
    same = Identity(
        "b", "later", "rag", "extractive", "others.jsonl", "1" * 64, 9, generation="g1", settings={"x": 1}, command="c"
    )
    assert answer_key(same) == answer_key(IDENTITY)
    others = [
        Identity("a", "now", "hybrid", "extractive", "", "", 4, generation="g1", settings={"x": 1}),
        Identity("a", "now", "rag", "fake:", "", "", 4, generation="g1", settings={"x": 1}),
        Identity("a", "now", "rag", "extractive", "", "", 4, generation="g2", settings={"x": 1}),
        Identity("a", "now", "rag", "extractive", "", "", 4, generation="g1", settings={"x": 2}),
        Identity("a", "now", "rag", "extractive", "", "", 4, generation="g1", settings={"x": 1}, model_sha256="2"),
    ]
    assert len({answer_key(one) for one in (IDENTITY, *others)}) == 6


def test_no_secret_is_in_an_identity(tmp_path: Path) -> None:
    app = app_at(
        tmp_path, io.StringIO(), **{"model.api_key": "sk-secret", "model.base_url": "http://me:secret@host/v1"}
    )
    assert "secret" not in repr(settings_of(app, 42))
    assert "secret" not in command_line(app, ["eval", "cases.jsonl"], {"--mode": "rag"})
