"""Which questions train and which are kept for the regression tests: never both.

The question decides, not the row: a hash of its words keeps one in `ONE_IN` for the tests. The hash knows neither date
nor author nor seed nor what else the journal holds, so the same question falls on the same side whenever a dataset is
made: what has trained once never becomes a test, and what is a test never trains. All feedback on a question follows
it. An answer rated good that falls to the tests does not train either, since it may be corrected tomorrow.

Of two questions that are near to each other and fall on different sides, the one that got its feedback first keeps its
place, and the other is used for neither. Lines that a person wrote into the files come before all feedback.

Not guaranteed: two questions that mean the same in other words and cite different documents; a near question whose
feedback was given first but approved only after the other had trained; a question that trained, whose feedback was then
rejected or forgotten, and which is near to a test; a follow-up that the rules of `assistant.rewrite` do not recognise and
that lost its rewritten question when the turns before it were forgotten.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from assistant.feedback.gold import gold
from assistant.generators.base import Turn
from assistant.journal.values import Feedback, Interaction
from assistant.rewrite import standalone
from retrieval.text import fold, words

Side = Literal["training", "regression"]

ONE_IN = 5
"""The usual fifth: of 100 corrections 20 are tests, enough to see that something broke, and 80 still teach."""
SIMILAR = 0.7
"""Jaccard similarity of content words from which two questions about one document are near."""
KEPT = "kept for the regression tests"
NEAR = "near a regression test"
NEAR_TRAINING = "near a question that trains"
LEANS = "not a question of its own"
_BEFORE = (Turn("Qui a créé Redis ?", "Redis — auteur : Salvatore Sanfilippo"),)
"""Something to lean on, to see whether a question does."""

# A change of this list moves questions from one side to the other: it is for good.
_FORM = frozenset(
    """
    a ai as au aux avec avez avons c ce cet cette ces combien comment d dans de des donc donne donner dont du elle elles en
    entre es est et etait ete etes etre eu eux fait faut il ils indique j je l la le les leur leurs lequel laquelle lesquels
    lesquelles liste lister lui m ma mais me mes moi mon n ne nos notre nous on ont ou par pas peut peux plus pour pourquoi
    pouvez qu quand que quel quelle quelles quels qui quoi quelqu s sa sans se ses si sinon son sont sous sur t ta te tes toi
    ton tu un une vers vos votre vous y
    about all am an and any are at be been but by can could did do does for from give had has have he her him his how i in is
    it its list many me much my of on or our s she should show t tell than that the their them then there these they this
    those to was we were what when where which who whom whose why will with would you your
    """.split()
)


@dataclass(frozen=True)
class Rated:
    """An answer and what one author thinks of it."""

    interaction: Interaction
    feedback: Feedback


@dataclass
class Question:
    """A question by its words, with what approved answers to it rest on."""

    words: frozenset[str]
    documents: set[str] = field(default_factory=set)
    proofs: set[tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=set)
    """Documents with the values they give for an answer."""
    corrected: bool = False


def asked(turn: Interaction) -> str:
    """The question as one of its own."""
    return turn.searched or turn.question


def leans(turn: Interaction) -> bool:
    """Whether the question needs the turns before it: it was never rewritten, or they were forgotten and with them how."""
    return not turn.searched and standalone(turn.question, _BEFORE, turn.language) is not None


def content_words(question: str) -> frozenset[str]:
    """Folded words without those that only make the sentence; all of them where nothing else is there."""
    every = frozenset(map(fold, words(question)))
    return every - _FORM or every or frozenset([question.strip()])


def held_out(said: frozenset[str]) -> bool:
    """Whether a question of these content words is kept for the regression tests."""
    digest = hashlib.sha256(" ".join(sorted(said)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") % ONE_IN == 0


@dataclass(frozen=True)
class Division:
    """The questions of a journal on their sides; near ones on neither."""

    regression: _Side
    near: frozenset[frozenset[str]]
    """The words of each question that is near to one of the other side, which came first."""

    def why_not_training(self, turn: Interaction) -> str:
        """Why nothing of this turn trains; empty when it may."""
        said = content_words(asked(turn))
        if held_out(said):
            return KEPT
        if not turn.messages and leans(turn):
            return LEANS
        # The turns before it, which its prompt holds, are asked again in the test of one of them.
        earlier = [Question(content_words(m.content)) for m in turn.messages[:-1] if m.role == "user"]
        return NEAR if said in self.near or any(map(self.regression.near, earlier)) else ""

    def why_not_regression(self, turn: Interaction) -> str:
        """Why a correction of this turn is no regression test; empty when it is one."""
        said = content_words(asked(turn))
        if not held_out(said):
            return "its question trains"
        if leans(turn):
            return LEANS
        return NEAR_TRAINING if said in self.near else ""


def divide(rated: Iterable[Rated], by_hand: Sequence[tuple[Side, Question]] = ()) -> Division:
    """The questions of approved feedback on their sides. `by_hand`: what a person wrote into the files."""
    training, regression = _Side(), _Side()
    for side, question in by_hand:
        (training if side == "training" else regression).add(question)
    near: set[frozenset[str]] = set()
    for question in _questions(rated):
        mine, other = (regression, training) if held_out(question.words) else (training, regression)
        if mine is regression and not question.corrected:
            continue
        if other.near(question):
            near.add(question.words)
        else:
            mine.add(question)
    return Division(regression, frozenset(near))


def _questions(rated: Iterable[Rated]) -> Iterable[Question]:
    """Those with approved feedback, by when they first got any."""
    found: dict[frozenset[str], Question] = {}
    approved = [item for item in rated if item.feedback.status == "approved"]
    for item in sorted(approved, key=lambda r: (r.feedback.created, r.interaction.id, r.feedback.author)):
        turn, said = item.interaction, item.feedback
        if leans(turn):
            continue
        key = content_words(asked(turn))
        question = found.setdefault(key, Question(key))
        question.corrected |= bool(said.correction)
        if right := said.correction or (turn.answer if said.rating == "good" else ""):
            proof = gold(right, turn.passages, asked(turn), turn.language)
            question.documents.update(proof.documents)
            if proof.answers:
                question.proofs.add((tuple(sorted(proof.documents)), tuple(sorted(map(fold, proof.answers)))))
    return found.values()


class _Side:
    """Questions that can be asked for those near to another."""

    def __init__(self) -> None:
        self._questions: list[Question] = []
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._proofs: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()

    def add(self, question: Question) -> None:
        for word in question.words:
            self._by_word[word].append(len(self._questions))
        self._questions.append(question)
        self._proofs |= question.proofs

    def near(self, question: Question) -> bool:
        """Whether one has nearly the same words, or the same answer from the same documents."""
        shared = Counter(i for word in question.words for i in self._by_word.get(word, ()))
        return bool(question.proofs & self._proofs) or any(
            _near(question, self._questions[i], count) for i, count in shared.items()
        )


def _near(a: Question, b: Question, shared: int) -> bool:
    """By their words, of which they share so many."""
    fewer, more = sorted((len(a.words), len(b.words)))
    if shared == fewer and more - fewer <= 1 and (shared > 1 or fewer == more):
        return True
    # One long question asked about two applications differs in one word of many, and is another question.
    others = bool(a.documents and b.documents) and a.documents.isdisjoint(b.documents)
    return shared / (fewer + more - shared) >= SIMILAR and not others
