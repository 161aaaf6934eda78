"""Follow-ups by a model: when it is asked, what it is told, what is believed of what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generators.base import Turn
from assistant.generators.models import steady as steady_module
from assistant.generators.models.fake_model import FakeModel, Reply
from assistant.prompts import load_prompts
from assistant.rewrite.model import ModelRewriter, checked
from assistant.rewrite.rules import LONGEST
from assistant.settings import PromptSettings

PROMPTS = load_prompts(PromptSettings(), Path())
HISTORY = (Turn("Quelle est la licence de Redis ?", "Redis — licence : BSD [chunk_3]", "", ("Redis",)),)
BY_RULES = "Le port de Redis ?"


def model(*replies: Reply) -> FakeModel:
    return FakeModel(replies=replies)


def said(text: str, question: str = "Et le port ?") -> str:
    made = ModelRewriter(model(Reply(text)), PROMPTS)(question, HISTORY)
    return made.text if made else ""


@pytest.mark.parametrize(
    "text",
    [
        "Quel est le port de Redis ?",
        "  « Quel est le port de Redis ? »",
        '"Quel est le port de Redis ?"',
        "**Quel est le port de Redis ?**",
        "Question réécrite : Quel est le port de Redis ?",
        "- Question : Quel est le port de Redis ?",
        "Quel est le port de Redis ?\n\nJ'ai remplacé ce qui manquait.",
    ],
)
def test_the_question_in_what_a_model_says_is_taken(text: str) -> None:
    assert said(text) == "Quel est le port de Redis ?"


@pytest.mark.parametrize(
    "text",
    [
        "Le port de Redis est 6379 [chunk_3].",
        "Redis écoute sur le port 6379.",
        "What is the port of Redis?",
        "Et le port ?",
        "Quelle capitale européenne visiter cet été en famille ?",
        "Quel est le port de Redis ? " * 40,
        "Voici la question :",
    ],
)
def test_what_is_no_question_of_this_conversation_is_left_to_the_rules(text: str) -> None:
    assert said(text) == BY_RULES


@pytest.mark.parametrize("fault", ["500", "401", "reset", "timeout", "malformed", "context"])
@pytest.mark.parametrize("text", ["", "Quel est le po"])
def test_a_model_that_fails_leaves_it_to_the_rules(fault: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady_module, "FIRST_WAIT", 0.0)
    failing = model(*[Reply(text, fault=fault)] * 4)
    made = ModelRewriter(failing, PROMPTS)("Et le port ?", HISTORY)
    assert made
    assert made.text == BY_RULES


def test_the_reason_says_who_rewrote_it() -> None:
    made = ModelRewriter(model(Reply("Quel est le port de Redis ?")), PROMPTS)("Et le port ?", HISTORY)
    assert made
    assert made.reason == "model"


@pytest.mark.parametrize(
    "question", ["Quelle est la licence de Gitea ?", "Comment sauvegarder une base PostgreSQL chaque nuit ?"]
)
def test_a_question_that_stands_alone_costs_no_call(question: str) -> None:
    asked = model(Reply("Quel est le port de Redis ?"))
    assert ModelRewriter(asked, PROMPTS)(question, HISTORY) is None
    assert ModelRewriter(asked, PROMPTS)("Et le port ?", ()) is None
    assert asked.history == []


def test_a_short_question_without_a_sign_is_asked_too() -> None:
    asked = model(Reply("Combien d'étoiles a Redis ?"))
    made = ModelRewriter(asked, PROMPTS)("Combien d'étoiles ?", HISTORY)
    assert made
    assert made.text == "Combien d'étoiles a Redis ?"


def test_the_model_is_told_the_last_turns_in_their_language_without_citations() -> None:
    turns = [Turn(f"Question numéro {n} ?", f"Réponse {n} [chunk_{n}] " + "x" * 1000) for n in range(9)]
    asked = model(Reply("Quel est le port de Redis ?"))
    ModelRewriter(asked, PROMPTS)("Et le port ?", [*turns, *HISTORY])
    ((system, user),) = asked.history
    assert system.content == PROMPTS.rewrite["fr"].system
    assert "Et le port ?" in user.content
    assert "Quelle est la licence de Redis ?" in user.content
    assert "Question numéro 8 ?" in user.content
    assert "Question numéro 3 ?" not in user.content
    assert "chunk_" not in user.content
    assert len(user.content) < 2000


@given(st.text(max_size=300), st.text(min_size=1, max_size=80))
def test_whatever_a_model_says_a_checked_rewrite_is_one_bounded_line(text: str, question: str) -> None:
    made = checked(text, question, HISTORY, "fr")
    assert len(made) <= LONGEST
    assert made.splitlines() in ([], [made])
