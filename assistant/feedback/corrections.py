"""Corrections as files: those that train in `corrections.jsonl`, the others as tests in `regression.jsonl`.

data/finetuning/corrections.jsonl, rows as `gen-dataset --context none` makes them, to be joined to a dataset with `cat`:

{"messages": [{"role": "system", …}, {"role": "user", "content": "Qui a créé Redis ?"},
              {"role": "assistant", "content": "Redis a été créé par Salvatore Sanfilippo [chunk_287]."}],
 "metadata": {"id": "…", "split": "train", "type": "correction", "lang": "fr", "answerable": true,
              "answers": ["Salvatore Sanfilippo"], "gold": ["chunk_287"], "documents": ["docs/fr-redis.md"],
              "method": "feedback", "form": "feedback.correction", "author": "ana", "answer": 3}}

data/finetuning/regression.jsonl, one case a question, from its newest correction:

{"id": "…", "question": "…", "answers": ["…"], "expected_answer": "…", "answerable": true, "lang": "fr",
 "type": "correction", "gold": ["chunk_112"], "documents": ["docs/en-nats.md"], "split": "regression"}

Both are written anew from the journal, so that what was forgotten, rejected or changed goes with the next run; lines
that a person added or edited stay (`handmade.py`). `answers` is empty where a correction states no value that its chunks
give; then `expected_answer` is what to compare with. All approved corrections are here: the share of an author, which
keeps one person from deciding how a model speaks, holds for the rows of `dataset.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.feedback import handmade
from assistant.feedback.gold import Gold, gold
from assistant.feedback.handmade import Line, Saved
from assistant.feedback.heldout import KEPT, LEANS, Division, Question, Rated, Side, asked, content_words, divide, leans
from assistant.feedback.summary import all_rated
from assistant.journal.values import Interaction
from assistant.prompts import is_refusal
from retrieval.citations import SUPPORTED, normalise, support_score
from retrieval.types import Chunk, Language, Passage

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.prompts import Prompts
    from retrieval.library import Origin

FOLDER = "finetuning"
NAMES: Mapping[Side, str] = {"training": "corrections.jsonl", "regression": "regression.jsonl"}
_NUMBER = re.compile(r"chunk\D{0,2}(\d{1,18})", re.IGNORECASE)
"""Cited in any of the ways that `normalise` knows."""
Find = Callable[[Sequence[int]], Sequence[Passage]]
"""Chunk numbers to the chunks of the library, deleted ones too."""


@dataclass(frozen=True)
class SavedCorrections:
    """The two files, and why approved corrections are in neither."""

    corrections: Saved
    regression: Saved
    left_out: Mapping[str, int]
    weak: tuple[int, ...]
    """Answers whose correction cites chunks that hardly say so; they are in a file all the same."""


@dataclass(frozen=True)
class Correction:
    """An approved correction with what it rests on."""

    turn: Interaction
    author: str
    text: str
    updated: float
    gold: Gold
    weak: bool
    """Whether the chunks it cites hardly support it."""

    @property
    def answerable(self) -> bool:
        return not is_refusal(self.text, self.turn.language)

    def facts(self) -> dict[str, Any]:
        """What a row and a case both say of it."""
        return {
            "answers": list(self.gold.answers),
            "gold": [f"chunk_{number}" for number in self.gold.chunks],
            "documents": list(self.gold.documents),
        }


class Files:
    """The two files of a workspace as they are now."""

    def __init__(self, app: App) -> None:
        self.paths: Mapping[Side, Path] = {side: app.home.data / FOLDER / name for side, name in NAMES.items()}
        self.lines: Mapping[Side, Sequence[Line]] = {side: handmade.read(path) for side, path in self.paths.items()}

    def divide(self, rated: Sequence[Rated]) -> Division:
        """The questions of feedback on their sides, beside what a person wrote into the files."""
        written: list[tuple[Side, Question]] = [
            (side, Question(content_words(question), set(documents)))
            for side, lines in self.lines.items()
            for question, documents in handmade.questions(handmade.by_hand(lines))
        ]
        return divide(rated, written)


def save_corrections(app: App) -> SavedCorrections:
    """Bring both files up to date with the journal; each is written whole or not at all.

    Raises BadInput for one that is no text, NoAccess, NoSpace.
    """
    rated = all_rated(app.journal)
    files = Files(app)
    left_out: Counter[str] = Counter()
    found = list(_approved(rated, _finder(app), left_out))
    division = files.divide(rated)
    lessons = _once([row(c, app.prompts) for c in found if not _no_lesson(division, c.turn)], left_out)
    tests = _newest([c for c in found if not division.why_not_regression(c.turn)], left_out)
    left_out.update(filter(None, (_neither(division, c.turn) for c in found)))
    return SavedCorrections(
        handmade.save(files.paths["training"], lessons, files.lines["training"]),
        handmade.save(files.paths["regression"], list(map(case, tests)), files.lines["regression"]),
        {why: count for why, count in left_out.most_common() if count},
        tuple(sorted({c.turn.id for c in found if c.weak and not _neither(division, c.turn)})),
    )


def refresh(app: App) -> None:
    """Bring the files up to date where there are any. Raises what `save_corrections` does."""
    if any(path.is_file() for path in Files(app).paths.values()):
        save_corrections(app)


def row(correction: Correction, prompts: Prompts) -> Mapping[str, Any]:
    """The row to train on: system prompt, the question as one of its own, the correction."""
    turn = correction.turn
    prompt = prompts.finetuned[turn.language].messages(question=asked(turn))
    said = [(m.role, m.content) for m in prompt if m.content] + [("assistant", correction.text)]
    metadata = {
        "split": "train",
        "type": "correction",
        "lang": turn.language,
        "answerable": correction.answerable,
        **correction.facts(),
        "method": "feedback",
        "form": "feedback.correction",
        "author": correction.author,
        "answer": turn.id,
    }
    messages = [{"role": role, "content": content} for role, content in said]
    return handmade.with_id({"messages": messages, "metadata": metadata}, turn.id, correction.author, asked(turn))


def case(correction: Correction) -> Mapping[str, Any]:
    """The question with its right answer, to evaluate any model with."""
    turn, facts = correction.turn, correction.facts()
    made = {
        "question": asked(turn),
        "answers": facts["answers"],
        "expected_answer": correction.text,
        "answerable": correction.answerable,
        "lang": turn.language,
        "type": "correction",
        "gold": facts["gold"],
        "documents": facts["documents"],
        "split": "regression",
    }
    return handmade.with_id(made, "regression", sorted(content_words(asked(turn))))


def _approved(rated: Sequence[Rated], find: Find, left_out: Counter[str]) -> Iterator[Correction]:
    """Each approved correction, by answer and author."""
    for item in sorted(rated, key=lambda r: (r.interaction.id, r.feedback.author)):
        turn, said = item.interaction, item.feedback
        if said.status == "approved" and said.correction:
            passages = _passages(turn, said.correction, find)
            text, unknown = normalise(said.correction, {p.chunk_id: p for p in passages})
            if unknown or not text.strip():
                left_out["the correction cites chunks that do not exist"] += 1
            else:
                proof = gold(text, passages, asked(turn), turn.language)
                cited = [p for p in passages if p.chunk_id in proof.chunks]
                yield Correction(turn, said.author, text, said.updated, proof, _weak(text, cited, turn.language))


def _weak(text: str, cited: Sequence[Passage], language: Language) -> bool:
    """All chunks together are to support it: of a list, each supports a part."""
    if not cited:
        return False
    every = replace(cited[0], text="\n".join(part for p in cited for part in (p.title, *p.headings, p.text)))
    return support_score(normalise(text, {})[0], every, language) < SUPPORTED


def _once(rows: Sequence[Mapping[str, Any]], left_out: Counter[str]) -> list[Mapping[str, Any]]:
    """Without those that say the same as an earlier one: two authors of one mind teach it once."""
    found = {repr(row["messages"]): row for row in reversed(rows)}
    left_out["the same row as another"] += len(rows) - len(found)
    return list(found.values())[::-1]


def _newest(found: Sequence[Correction], left_out: Counter[str]) -> list[Correction]:
    """One for each question, by question."""
    newest = {content_words(asked(c.turn)): c for c in sorted(found, key=lambda c: (c.updated, c.turn.id, c.author))}
    left_out["an older correction of a regression test"] += len(found) - len(newest)
    return sorted(newest.values(), key=lambda c: (c.turn.id, c.author))


def _no_lesson(division: Division, turn: Interaction) -> str:
    """Why a correction is no row here, where the question stands without the turns before it; empty when it is one."""
    return division.why_not_training(turn) or (LEANS if leans(turn) else "")


def _neither(division: Division, turn: Interaction) -> str:
    """Why a correction neither trains nor tests; empty when it does one of them."""
    reasons = (_no_lesson(division, turn), division.why_not_regression(turn))
    return reasons[reasons[0] == KEPT] if all(reasons) else ""


def _passages(turn: Interaction, text: str, find: Find) -> list[Passage]:
    """Those the answer was made from, and what the correction cites beside: who corrects may know better."""
    known = {p.chunk_id for p in turn.passages}
    return [*turn.passages, *find(sorted({int(n) for n in _NUMBER.findall(text)} - known))]


def _finder(app: App) -> Find:
    """Chunks of the library; none where nothing is indexed."""

    def find(numbers: Sequence[int]) -> list[Passage]:
        if not numbers or not app.home.library.is_file():
            return []
        chunks = app.library.chunks(numbers).values()
        origins = app.library.origins(chunk.document_id for chunk in chunks)
        return [_passage(chunk, origins[chunk.document_id]) for chunk in chunks]

    return find


def _passage(chunk: Chunk, origin: Origin) -> Passage:
    return Passage(
        chunk.id, origin.path, origin.external_id, chunk.title, chunk.headings, chunk.text, 0, 0, 0, chunk.document_id
    )
