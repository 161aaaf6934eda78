"""Questions to tune on where the user has none: made from the index by the rules that make datasets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.app import App
    from eval.types import Case

TYPES = "which,who,when,where,how-many,items,yes-no,definition,procedure,section,refusal"
"""All but those that are about several documents."""


def made_questions(app: App, count: int) -> list[Case]:
    """At most `count` questions, near misses that have no answer among them; always the same of the same index.

    Raises BadInput when none can be made, NoIndex.
    """
    from assistant.datasets.run import Wanted, from_documents
    from assistant.datasets.scratch import scratch
    from eval.cases import read_cases

    with scratch() as folder:
        wanted = Wanted(
            inputs=(), output=folder / "questions.jsonl", method="rule-based", count=count, split=False,
            train_ratio=1.0, val_ratio=0.0, seed=42, types=TYPES, language="auto", context="none", system_prompt="",
            base_model="", max_length=2048, form="sft", teacher="", workers=1, yes=True, force=False, verbose=False,
            validate=False,
        )  # fmt: skip
        (file,) = from_documents(app, wanted).files
        return list(read_cases(file.path).cases)
