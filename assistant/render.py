"""How each result is shown to a person: one renderer for each result class. `show` also knows how to print JSON."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import singledispatch
from pathlib import Path
from typing import Any

from assistant.batch import BatchLine
from assistant.commands.again import ModesResult
from assistant.commands.ask import SearchResult, SourceResult
from assistant.commands.config import ConfigView
from assistant.commands.doctor import DoctorResult
from assistant.commands.feedback import FeedbackDetail, FeedbackExport, FeedbackList, ReviewResult
from assistant.commands.index import ChunkFileResult, FailureView, IndexResult, StatusResult
from assistant.commands.rate import Rated
from assistant.commands.sessions import ExportedSession, ForgetResult, SessionsResult, Transcript, amount
from assistant.commands.talk import ChatHelp, Choices, Resumed, Said, SourcesResult
from assistant.feedback.summary import FeedbackStats
from assistant.journal.transcript import when
from assistant.journal.values import Feedback
from assistant.screen import Screen, bold, dim, duration
from assistant.terminal.markdown import show_markdown

_LISTED = 5
"""Paths shown for one reason."""


def show(result: Any, screen: Screen, *, as_json: bool = False) -> int:
    """Write a command's result and return its exit code; that of an iterator is 1 if one of its results failed.

    Without a failure it is the lowest of theirs. A number is the exit code of a command that has shown its results.
    """
    if result is None or isinstance(result, int):
        return result or 0
    if isinstance(result, Iterator):
        codes = {show(item, screen, as_json=as_json) for item in result}
        return 1 if 1 in codes else min(codes, default=0)
    if as_json:
        screen.json(plain(result))
    else:
        render(result, screen)
    screen.flush()
    return getattr(result, "exit_code", 0)


def plain(value: Any) -> Any:
    """A result as JSON types: dataclasses become objects, sequences lists, paths text; NaN and infinity null."""
    if isinstance(value, BatchLine):
        return plain(value.result)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


@singledispatch
def render(result: object, screen: Screen) -> None:
    """Write a result to the screen for a person."""
    raise TypeError(f"no renderer for {type(result).__name__}")


@render.register
def _(result: ConfigView, screen: Screen) -> None:
    rows = [(s.name, "none" if s.value in (None, "") else str(s.value), dim(s.origin)) for s in result.settings]
    screen.table(("setting", "value", "from"), rows)
    screen.out()
    screen.out(bold("workspace "), str(result.home), dim(f"  ({result.home_origin})"))


@render.register
def _(result: ChatHelp, screen: Screen) -> None:
    screen.hanging([(bold(result.usage[name]), about) for name, about in result.commands.items()])


@render.register
def _(result: SearchResult, screen: Screen) -> None:
    if not result.passages:
        screen.note("Nothing matches.")
    for number, p in enumerate(result.passages, 1):
        scores = f"{p.score:.2f}  dense {p.dense:.2f}  lexical {p.lexical:.1f}"
        screen.out(bold(f"{number}. {p.title or p.document}"), f"  [chunk_{p.chunk_id}]  ", dim(scores))
        screen.out(dim(f"   {p.document}{f'  ({p.external_id})' if p.external_id else ''}"))
        screen.out(_indent(_shorten(p.text, 300)))
        screen.out()


@render.register
def _(result: Said, screen: Screen) -> None:
    screen.out(result.message)


@render.register
def _(result: Resumed, screen: Screen) -> None:
    screen.out(f"Session {result.session}, {result.turns} turn{'s' * (result.turns != 1)}: {result.name}")
    screen.out(dim("Last asked: "), result.question)
    show_markdown(result.answer, screen)


@render.register
def _(result: Choices, screen: Screen) -> None:
    screen.table(("", "", ""), [("*" if c.current else "", c.name, dim(c.about)) for c in result.choices])


@render.register
def _(result: SourcesResult, screen: Screen) -> None:
    screen.out(bold(result.question))
    marks = {(True, True): "cited", (True, False): "cited, weak support"}
    rows = [
        (f"chunk_{s.chunk_id}", f"{s.score:.2f}", s.title, dim(s.document), marks.get((s.cited, s.supported), ""))
        for s in result.sources
    ]
    screen.table(("", "score", "title", "document", ""), rows)


@render.register
def _(result: Rated, screen: Screen) -> None:
    said = {"good": "rated good", "bad": "rated bad", "": "not rated"}[result.rating]
    parts = [
        said,
        *([f"because: {result.reason}"] if result.reason else []),
        *(["corrected"] if result.correction else []),
    ]
    screen.out(f"Answer {result.answer}: {', '.join(parts)}.")
    if result.unknown:
        ids = ", ".join(f"chunk_{i}" for i in result.unknown)
        screen.note(
            f"The correction cites {ids}, which the answer was not given; it will train in corrections.jsonl only."
        )


@render.register
def _(result: ModesResult, screen: Screen) -> None:
    for mode in result.modes:
        screen.out(
            bold(mode.mode), dim(f"  {mode.answer.generator}, {duration(mode.answer.seconds)}" if mode.answer else "")
        )
        if mode.answer:
            show_markdown(mode.answer.answer, screen)
        else:
            screen.remark(mode.why_not)
        screen.out()


@render.register
def _(result: BatchLine, screen: Screen) -> None:
    screen.json(plain(result))


@render.register
def _(result: SourceResult, screen: Screen) -> None:
    path = " › ".join(dict.fromkeys(p for p in (result.title, *result.headings) if p))
    screen.out(
        bold(path or result.document), f"  [chunk_{result.chunk_id}]", dim("  (deleted)" if result.deleted else "")
    )
    screen.out(dim(f"{result.document}{f'  ({result.external_id})' if result.external_id else ''}"))
    if result.before:
        screen.out()
        screen.remark(f"… [chunk_{result.before_id}] {_shorten(result.before, 200)}")
    screen.out()
    screen.prose(result.text)
    if result.after:
        screen.out()
        screen.remark(f"… [chunk_{result.after_id}] {_shorten(result.after, 200)}")


@render.register
def _(result: IndexResult, screen: Screen) -> None:
    rows = [("added", result.added), ("changed", result.changed), ("removed", result.removed)]
    rows += [("renamed", result.renamed)] if result.renamed else []
    rows += [("unchanged", result.unchanged), ("failed", result.failed)]
    rows += [("forgotten", result.forgotten)] if result.forgotten else []
    screen.table(("files", ""), [(name, str(count)) for name, count in rows])
    screen.out()
    total = f"{result.documents} documents, {result.chunks} chunks ({result.embedded} embedded) in {duration(result.seconds)}"
    screen.out(total)
    _failures(result.failures, screen)


@render.register
def _(result: StatusResult, screen: Screen) -> None:
    built = datetime.fromtimestamp(result.created).strftime("%Y-%m-%d %H:%M") if result.created else "never"
    state = "" if result.current else "  (behind the library: run `dyag index`)"
    rows = [
        ("workspace", str(result.home)),
        ("documents", f"{result.documents}"),
        ("chunks", f"{result.chunks}  ({result.deleted_chunks} deleted, kept for old citations)"),
        ("files", ", ".join(f"{count} {name}" for name, count in result.files.items())),
        ("model", f"{result.model}, {result.dimension} dimensions" if result.model else "none"),
        ("generation", f"{result.generation or 'none'}, {result.vectors or 'no'} vectors, built {built}{state}"),
        ("library", _size(result.library_bytes)),
        ("index", _size(result.index_bytes)),
        *(("source", root) for root in result.roots),
    ]
    screen.table(("", ""), rows)
    _failures(result.failures, screen)


@render.register
def _(result: ChunkFileResult, screen: Screen) -> None:
    screen.out(f"{result.chunks} chunks of {result.documents} documents in {result.output}")
    _failures(result.failures, screen)


@render.register
def _(result: DoctorResult, screen: Screen) -> None:
    marks = {"ok": "ok", "warning": "warning", "error": "ERROR"}
    screen.table(("check", "", ""), [(c.name, marks[c.state], f"{c.detail}  {c.fix}".rstrip()) for c in result.checks])


def _failures(failures: Sequence[FailureView], screen: Screen) -> None:
    """Every reason; the paths of a reason that is common are counted, not listed."""
    by_reason: dict[str, list[str]] = {}
    for failure in failures:
        by_reason.setdefault(failure.reason, []).append(failure.path)
    if by_reason:
        screen.out()
    for reason, paths in by_reason.items():
        for path in paths[:_LISTED]:
            screen.out(f"  {path}: ", dim(reason))
        if len(paths) > _LISTED:
            screen.out(f"  … and {len(paths) - _LISTED} more: ", dim(reason))


def _shorten(text: str, limit: int) -> str:
    plain_text = " ".join(text.split())
    return plain_text if len(plain_text) <= limit else plain_text[:limit].rsplit(" ", 1)[0] + " …"


def _indent(text: str) -> str:
    return textwrap.indent(textwrap.fill(text, 100), "   ")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"


# the journal ---------------------------------------------------------------------------------------------------------


@render.register
def _(result: SessionsResult, screen: Screen) -> None:
    if not result.sessions:
        screen.note("No conversation yet.")
        return
    rows = [(s.id, _shorten(s.name, 80), s.turns, dim(when(s.updated))) for s in result.sessions]
    screen.table(("", "conversation", "turns", "last used"), rows)


@render.register
def _(result: Transcript, screen: Screen) -> None:
    screen.out(result.text, end="")


@render.register
def _(result: ExportedSession, screen: Screen) -> None:
    screen.out(f"{result.turns} turn{'s' * (result.turns != 1)} of session {result.session} in {result.output}")


@render.register
def _(result: ForgetResult, screen: Screen) -> None:
    if result.declined:
        screen.out("Nothing was deleted.")
    elif result.forgotten.turns + result.forgotten.lines:
        screen.out(f"Forgotten: {amount(result.forgotten)}.")
    else:
        screen.out("There was nothing to forget.")


@render.register
def _(result: FeedbackList, screen: Screen) -> None:
    if not result.feedback:
        screen.note("No such feedback.")
        return
    rows = [
        (
            r.feedback.interaction_id,
            _verdict(r.feedback),
            r.feedback.author,
            r.feedback.status,
            _shorten(r.question, 80),
        )
        for r in result.feedback
    ]
    screen.table(("answer", "rating", "author", "status", "question"), rows)


@render.register
def _(result: FeedbackDetail, screen: Screen) -> None:
    turn = result.interaction
    screen.out(bold(turn.question), dim(f"  answer {turn.id}, {when(turn.created)}, {turn.mode}, {turn.generator}"))
    if turn.searched:
        screen.out(dim(f"searched: {turn.searched}"))
    screen.out(turn.answer)
    for c in turn.citations:
        screen.out(dim(f"[chunk_{c.chunk_id}]  {c.document}{'' if c.supported else '  (weak support)'}"))
    for said in result.feedback:
        reviewed = f" by {said.reviewer}{f': {said.note}' if said.note else ''}" if said.reviewer else ""
        screen.out()
        screen.out(bold(f"{said.author}: {_verdict(said)}"), dim(f"  {when(said.updated)}, {said.status}{reviewed}"))
        screen.out(*(f"{text}\n" for text in (said.reason, said.correction) if text), end="")
    if not result.feedback:
        screen.note("Nobody has rated it.")


@render.register
def _(result: ReviewResult, screen: Screen) -> None:
    screen.out(f"{result.approved} approved, {result.rejected} rejected, {result.waiting} waiting for review.")


@render.register
def _(result: FeedbackStats, screen: Screen) -> None:
    rows = [("feedback", "", result.total)]
    rows += [(name, value, count) for name, counts in result.by.items() for value, count in counts.items()]
    rows += [("reviewed by its author", "", result.self_reviewed)] if result.self_reviewed else []
    for form, found in result.exports.items():
        rows.append((f"{form} rows", "", found.rows))
        rows += [("", why, count) for why, count in found.left_out.items()]
    screen.table(("", "", ""), rows)


@render.register
def _(result: FeedbackExport, screen: Screen) -> None:
    if result.rows:
        screen.out(f"{result.rows} {result.format} row{'s' * (result.rows != 1)} in {result.output}")
    else:
        screen.note("There is nothing to export; no file was written.")
    for why, count in result.left_out.items():
        screen.note(f"left out: {count}, {why}")


def _verdict(said: Feedback) -> str:
    return ", ".join(part for part in (said.rating, "corrected" if said.correction else "") if part)


# They register themselves with `render`, which has to be there first.
import assistant.render_comparisons  # noqa: E402
import assistant.render_datasets  # noqa: E402
import assistant.render_evaluations  # noqa: E402
import assistant.render_exports  # noqa: E402
import assistant.render_hosted  # noqa: E402
import assistant.render_jobs  # noqa: E402
import assistant.render_made  # noqa: E402
import assistant.render_models  # noqa: E402
import assistant.render_retraining  # noqa: E402
import assistant.render_review  # noqa: E402
import assistant.render_runs  # noqa: E402
import assistant.render_served  # noqa: E402
import assistant.render_training  # noqa: E402
import assistant.render_tuning  # noqa: E402, F401
