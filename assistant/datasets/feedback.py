"""A dataset from approved feedback: rows that share a document, or a question, stay in one split."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assistant.commands.gen_dataset import DatasetFile, DatasetResult
from assistant.datasets.run import checked, counter, few_tested, said_of_removed
from assistant.datasets.shorten import shortened
from assistant.feedback.corrections import SavedCorrections, save_corrections
from assistant.feedback.dataset import FeedbackRows, feedback_rows
from finetune.dataset import check_output, check_unedited, manifest_path, outdated, question_of, write
from finetune.drops import Drops
from finetune.examples import Split
from finetune.make import SPLITS, Made
from finetune.near import Groups
from finetune.split import Shares, deal
from retrieval.types import Message

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.datasets.run import Wanted

Row = Mapping[str, Any]


def from_feedback(app: App, wanted: Wanted) -> DatasetResult:
    """Files of approved feedback, and `corrections.jsonl` and `regression.jsonl` written anew.

    Raises BadInput when there is no feedback to learn from.
    """
    start = time.monotonic()
    shares = Shares(wanted.train_ratio, wanted.val_ratio)
    check_output(wanted.output)
    check_unedited(wanted.output, force=wanted.force)
    before = outdated(wanted.output)
    saved = save_corrections(app)  # before all else: what was forgotten goes, also where nothing is left to learn
    found = feedback_rows(app, wanted.form)
    drops = Drops(Counter(found.left_out))
    rows = _short(found.rows, wanted, drops)[: wanted.count]
    made, notes = _split(rows, shares, wanted, drops)
    about = {"request": {"from": "feedback", "as": wanted.form, "seed": wanted.seed}, "input": {"from": "feedback"}}
    written, manifest = write(wanted.output, made, about, split=wanted.split)
    removed = said_of_removed([path for path in before if not path.exists()])
    return DatasetResult(
        tuple(DatasetFile(w.path, w.split, w.rows) for w in written), manifest_path(wanted.output), len(rows), len(rows),
        manifest["counts"], manifest["tokens"], manifest["drops"], manifest["leaks"], {},
        (*notes, *few_tested(wanted, made, shares), *_notes(found, saved), *removed), wanted.verbose, round(time.monotonic() - start, 1),
        checked(wanted, [w.path for w in written]),
    )  # fmt: skip


def _short(rows: Sequence[Row], wanted: Wanted, drops: Drops) -> list[dict[str, Any]]:
    """Rows that fit into the base model; those that do not lose documents that they do not cite."""
    kept, count = [], counter(wanted.base_model)

    def fits(row: Row) -> bool:
        return tokens_of(row, count) <= wanted.max_length

    for row in rows:
        if (short := row if fits(row) else shortened(row, fits)) is not None:
            kept.append(dict(short))
        else:
            drops.add("too long for the base model", question_of(row))
    return kept


def tokens_of(row: Row, count: Callable[[Sequence[Message]], int]) -> int:
    """Tokens of the longest sequence that a row trains on."""
    ends = [row[name] for name in ("completion", "chosen", "rejected") if name in row]
    said = row.get("messages") or [*row["prompt"], *max(ends, key=lambda end: len(end[0]["content"]))]
    return int(count([Message(m["role"], m["content"]) for m in said]))


def _split(rows: list[dict[str, Any]], shares: Shares, wanted: Wanted, drops: Drops) -> tuple[Made, list[str]]:
    groups = _groups(rows)
    count = len({groups.of(i) for i in range(len(rows))})
    parts = sum(shares.of(split) > 1e-9 for split in ("train", "val", "test"))
    notes = []
    if wanted.split and count >= parts:
        split_of = deal(range(len(rows)), groups, shares, wanted.seed)
    else:
        split_of = dict.fromkeys(range(len(rows)), "train")
        notes += (
            [f"All rows train: they are about {count} unrelated document{'s' * (count != 1)}, too few to split."]
            if wanted.split
            else []
        )
    length = counter(wanted.base_model)
    by_split: dict[Split, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    tokens: dict[Split, list[int]] = {split: [] for split in SPLITS}
    for i, row in enumerate(rows):
        row["metadata"] = {"id": row["metadata"]["id"], **row["metadata"], "split": split_of[i]}
        by_split[split_of[i]].append(row)
        tokens[split_of[i]].append(tokens_of(row, length))
    documents = {
        s: len({d for row in found for d in row["metadata"]["documents"]}) for s, found in by_split.items() if found
    }
    return Made(by_split, tokens, drops, documents, count, 0, len(rows)), notes


def _groups(rows: Sequence[Row]) -> Groups:
    """Rows that may not be parted: about one document, or one question."""
    groups = Groups()
    first: dict[tuple[str, str], int] = {}
    for i, row in enumerate(rows):
        for name in (*(("document", d) for d in row["metadata"]["documents"]), ("question", question_of(row))):
            groups.join(first.setdefault(name, i), i)
    return groups


def _notes(found: FeedbackRows, saved: SavedCorrections) -> list[str]:
    """What became of the corrections, and what to look at."""
    said = [*found.warnings]
    for name, file in (("train", saved.corrections), ("test", saved.regression)):
        by_hand = f", {file.by_hand} of them edited by hand" if file.by_hand else ""
        said.append(f"Corrections that {name}: {file.rows} in {file.path}{by_hand}.")
        if file.orphans:
            said.append(
                f"{file.orphans} lines of {file.path.name} were edited by hand and their feedback is gone; they stay."
            )
    if saved.weak:
        numbers = ", ".join(str(number) for number in saved.weak)
        said.append(f"Corrections that their chunks hardly support: answers {numbers}; look: dyag feedback show NUMBER")
    return said
