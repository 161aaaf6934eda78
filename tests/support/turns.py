"""Answers to put into a journal, with a little of everything in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assistant.journal.store import Journal
from retrieval.types import Answer, Citation, Message, Passage

GITEA = Passage(
    7, "docs/fr-gitea.md", "", "Gitea", ("Gitea", "Résumé"), "Licence : MIT\nPort : 3000", 0.9, 0.71, 8.2, 3
)
CANTEEN = Passage(9, "docs/rows.jsonl", "faq-7", "Cantine", (), "La cantine ouvre à midi.", 0.4, 0.3, 2.0, 5)


def answer(question: str = "Quel port ?", text: str = "Gitea écoute le port 3000. [chunk_7]", **changes: Any) -> Answer:
    """One that cites Gitea's sheet; `changes` are fields of it."""
    given: Mapping[str, Any] = {
        "refused": False,
        "citations": (Citation(7, "docs/fr-gitea.md", "", True, 0.8),),
        "passages": (GITEA, CANTEEN),
        "mode": "rag",
        "generator": "fake:x",
        "seconds": 0.25,
        "confidence": 0.93,
        "messages": (Message("system", "Réponds."), Message("user", f"[chunk_7] {GITEA.text}\n\n{question}")),
        "generation": "g1",
    }
    return Answer(question, text, **{**given, **changes})


@contextmanager
def opened(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    try:
        yield journal
    finally:
        journal.close()
