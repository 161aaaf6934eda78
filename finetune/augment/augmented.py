"""Examples asked in other words: the answer and what it rests on stay."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from finetune.augment.acronyms import acronyms
from finetune.augment.paraphrase import FOLDED, paraphrases
from finetune.augment.protected import named_in, unchanged
from finetune.drops import Drops
from finetune.examples import Example

CHANGED = "a paraphrase changed a name or a number"


def augmented(example: Example, text: str, names: Sequence[str], rng: random.Random, drops: Drops) -> Iterator[Example]:
    """The example with other questions, each checked; take as many as are wanted.

    `text` is what the example rests on, `names` are titles and values that must stay whole.
    """
    names = [*names, *example.answers, *named_in(text, example.question, example.language)]
    equal = acronyms(text)
    for form, question in paraphrases(example, text, rng, names):
        if unchanged(example.question, question, example.language, names, equal, folded=lossy(form)):
            yield with_question(example, question, form)
        else:
            drops.add(CHANGED, f"{example.question} -> {question}")


def with_question(example: Example, question: str, form: str) -> Example:
    """The same example asked otherwise."""
    return replace(example, question=question, method="augmented", form="+".join(filter(None, (example.form, form))))


def lossy(form: str) -> bool:
    """Whether a form may lose the capitals and accents of names."""
    return not {*FOLDED}.isdisjoint(form.split("+"))
