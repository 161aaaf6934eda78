"""A language model as judge of answers: off by default, and uncalibrated until people have judged the same answers.

What it says is one metric, `judge`: 1 for right, 0 for wrong, None where its reply cannot be read. The prompt is
`judge.md`; a reply is paid for once, whichever evaluation holds the answer.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eval.types import Case, Scored
from retrieval.errors import BadInput
from retrieval.files import disk_errors
from retrieval.types import Message

METRIC = "judge"
PROMPT = Path(__file__).with_name("judge.md")
ENOUGH_LABELS = 30
"""Answers that people and the judge must both have judged before their agreement says something."""
SUBSTANTIAL = 0.61
"""Cohen's kappa from which agreement is called substantial (Landis and Koch, 1977)."""
NOTHING = {
    "fr": "Les documents ne donnent pas la réponse.",
    "en": "The documents do not hold the answer.",
}
"""The reference of a case that cannot be answered."""
_OBJECT = re.compile(r"\{[^{}]*\}")

Ask = Callable[[Sequence[Message]], str]
"""The whole reply to some messages. Raises UserError."""
Labels = Mapping[tuple[str, str], bool]
"""What people say of (question, answer): whether it is good."""


@dataclass(frozen=True)
class Agreement:
    """How far the judge can be trusted."""

    model: str
    calibrated: bool
    """Whether people have judged enough of the same answers, and mostly as it did."""
    labels: int
    """Answers that both have judged."""
    agree: int
    kappa: float | None
    """Cohen's, the agreement beyond chance; None where nothing, or only one kind of answer, was judged by both."""
    unread: int
    """Replies that could not be read: their answers stay unscored."""


def judge(
    scored: Sequence[Scored],
    ask: Ask,
    name: str,
    candidate: str,
    cache: Path,
    labels: Labels,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[tuple[Scored, ...], Agreement]:
    """The same with the score `judge`. Replies are kept in `cache`, a line each.

    Raises BadInput when a model is to judge itself, NoSpace, NoAccess, and what `ask` does.
    """
    check_judge(name, candidate)
    kept = _read(cache)
    judged = []
    for one in scored:
        verdict = _verdict(one, ask, name, cache, kept) if _asks(one) else None
        judged.append(replace(one, scores={**one.scores, METRIC: None if verdict is None else float(verdict)}))
        progress(len(judged), len(scored))
    return tuple(judged), agreement(judged, name, labels)


def check_judge(name: str, candidate: str) -> None:
    """Raises BadInput when a model is to judge itself."""
    if name == candidate:
        raise BadInput(f"{name} cannot judge its own answers.", "Name another model with --judge.")


def agreement(judged: Sequence[Scored], name: str, labels: Labels) -> Agreement:
    """How the judge's scores compare with what people say of the same answers."""
    pairs = [
        (score == 1.0, labels[key])
        for one in judged
        if (score := one.scores.get(METRIC)) is not None and (key := (one.case.question, one.response.text)) in labels
    ]
    agree = sum(a == b for a, b in pairs)
    kappa = _kappa(pairs)
    calibrated = len(pairs) >= ENOUGH_LABELS and kappa is not None and kappa >= SUBSTANTIAL
    unread = sum(one.scores.get(METRIC) is None and _asks(one) for one in judged)
    return Agreement(name, calibrated, len(pairs), agree, kappa, unread)


def messages(case: Case, answer: str) -> tuple[Message, ...]:
    """What the judge is sent."""
    system, _, form = PROMPT.read_text(encoding="utf-8").partition("\n---\n")
    references = [case.expected, *case.answers] if case.answerable else [case.expected or NOTHING[case.language]]
    filled = {
        "question": case.question,
        "reference": "\n".join(dict.fromkeys(text for text in references if text)),
        "answer": answer,
    }
    # One pass, so that a text which holds `{answer}` stays as it is; nothing in it closes its own tag.
    user = re.sub(r"\{(question|reference|answer)\}", lambda found: filled[found[1]].replace("</", "< /"), form)
    return Message("system", system.strip()), Message("user", user.strip())


def parse(reply: str) -> bool | None:
    """What a reply says; None for one that is not, or does not end in, one JSON object of the form asked for."""
    found = _OBJECT.findall(reply)
    if len(found) != 1:
        return None
    try:
        right = json.loads(found[0]).get("right")
    except (ValueError, RecursionError):
        return None
    return right if isinstance(right, bool) else None


def _asks(one: Scored) -> bool:
    """Whether there is an answer, and something to judge it by."""
    known = one.case.answers or one.case.expected or not one.case.answerable
    return bool(known and one.response.text.strip() and not one.response.error)


def _verdict(one: Scored, ask: Ask, name: str, cache: Path, kept: dict[str, bool | None]) -> bool | None:
    sent = messages(one.case, one.response.text)
    key = hashlib.sha256(json.dumps([name, [asdict(m) for m in sent]]).encode()).hexdigest()
    if key not in kept:
        kept[key] = parse(ask(sent))
        _append(cache, {"key": key, "right": kept[key]})
    return kept[key]


def _read(cache: Path) -> dict[str, bool | None]:
    """What was judged before; a line that a kill has torn is judged again."""
    if not cache.exists():
        return {}
    found: dict[str, bool | None] = {}
    with disk_errors(cache):
        lines = cache.read_bytes().split(b"\n")
    for line in lines:
        try:
            row = json.loads(line)
            found[str(row["key"])] = row["right"] if isinstance(row["right"], bool) else None
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
    return found


def _append(cache: Path, row: Mapping[str, Any]) -> None:
    """On a line of its own, whatever a kill has left of the one before."""
    with disk_errors(cache), open(os.open(cache, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        file.write(b"\n" + json.dumps(row).encode() + b"\n")


def _kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    n = len(pairs)
    if not n:
        return None
    observed = sum(a == b for a, b in pairs) / n
    judge_good, human_good = (sum(pair[i] for pair in pairs) / n for i in (0, 1))
    chance = judge_good * human_good + (1 - judge_good) * (1 - human_good)
    return None if chance == 1 else (observed - chance) / (1 - chance)
