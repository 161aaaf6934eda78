"""How examples come about: by rules, by rules and paraphrase, or from a teacher. Each fills a `Maker`'s splits."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from finetune.augment.augmented import augmented
from finetune.augment.model import ToReword, reworded
from finetune.examples import Example, Split
from finetune.generate.rules import Rules
from finetune.make import Maker, Plan
from finetune.select import Pool, draw
from finetune.teacher.calls import Asker
from finetune.teacher.method import Reading, examples
from retrieval.types import Language, Passage

REFUSALS = {"none": 0.15, "gold": 0.15, "raft": 0.08}
"""Share of near misses; RAFT rows without the right chunk are refusals too."""
SLACK = 2
"""Candidates kept for each wanted row and type: some are dropped."""
SAMPLED = 4
"""Documents looked at for each wanted row; of many documents not all are needed."""
FEWEST_SAMPLED = 400
FEW_A_DOCUMENT = 4
"""Rows a document from which on everything is asked in more ways."""
AGAIN, FEWEST_AGAIN = 3, 40
"""Documents asked a second time for each row of the test on seen documents, and at least."""
MANY_ROUNDS = 6
IN_OTHER_WORDS = 0.6
"""Share of the training rows of the augmented method that are paraphrases."""
PER_CHUNK = 3
"""Questions that a teacher is asked to write on one chunk."""
CHUNKS_OF_DOCUMENT = 4
"""Chunks of one document that a teacher is given, so that a long one does not crowd out the others."""
SHORTEST_CHUNK = 80
"""Characters; what is shorter says too little to ask about."""
WORDINGS = 2
"""Other ways to ask one question that a model is asked for."""
Method = Callable[[Maker, Plan], None]
Refusals = Mapping[Language, str]


@dataclass(frozen=True)
class Rewording:
    """A language model that asks training questions in other words."""

    asker: Asker
    agree: Callable[[Sequence[ToReword]], None]
    """Told what will be sent before anything is. Raises UserError when the user would rather not."""


def by_rules(refusals: Refusals) -> Method:
    """Rules alone."""

    def method(maker: Maker, plan: Plan) -> None:
        pools = _pools(maker, plan, refusals)
        wanted = maker.wanted()
        _fill(maker, pools, wanted)

    return method


def by_augmenting(refusals: Refusals, rewording: Rewording | None = None) -> Method:
    """Rules, and for training their questions in other words too: those of a model first, where there is one.

    What tests is asked in the words of the rules: an evaluation should not depend on who made the typos.
    """

    def method(maker: Maker, plan: Plan) -> None:
        pools = _pools(maker, plan, refusals)
        wanted = maker.wanted()
        total = wanted["train"]
        _fill(maker, pools, {"train": total - round(total * IN_OTHER_WORDS)})
        basis = [_to_reword(maker, example) for example in maker.taken["train"]]
        if rewording is not None:
            _reword(maker, basis, total, rewording)
        _paraphrase(maker, basis, total)
        _draw(maker, pools["train"], "train", total - len(maker.rows["train"]))
        _fill(maker, pools, {split: n for split, n in wanted.items() if split != "train"})

    return method


def _fill(maker: Maker, pools: Mapping[Split, Pool], wanted: Mapping[Split, int]) -> None:
    for split, count in wanted.items():
        if split == "test_seen":
            _draw_seen(maker, pools[split], count)
        else:
            _draw(maker, pools[split], split, count)


def _pools(maker: Maker, plan: Plan, refusals: Refusals) -> dict[Split, Pool]:
    """The second walk: candidates of every split, by rules."""
    wanted = maker.wanted()
    few = maker.request.count > FEW_A_DOCUMENT * len(plan.split_of)
    rules = Rules(plan.catalogue, refusals, maker.request.seed)
    pools = {split: Pool(SLACK * n + 20, maker.request.seed) for split, n in wanted.items()}
    chosen = sample(maker, plan)
    again = _asked_again(maker, plan)
    for number, document in enumerate(d for d in maker.documents() if d.id in chosen):
        maker.tools.progress("generating", number, len(chosen))
        split = plan.split_of[document.id]
        rounds = MANY_ROUNDS if few else 2 if document.id in again else 1
        for turn, example in rules.examples(document, split, rounds):
            if maker.is_wanted(example):
                pools[split].add(turn, example)
                maker.possible += 1
                if split == "train" and (turn == 1 or not example.answerable) and "test_seen" in pools:
                    pools["test_seen"].add(turn, example)
    return pools


def _asked_again(maker: Maker, plan: Plan) -> set[int]:
    """Training documents that are asked in other words too, for the test on seen documents."""
    train = sorted((i for i, split in plan.split_of.items() if split == "train"), key=lambda i: maker.place(str(i)))
    return set(train[: max(FEWEST_AGAIN, AGAIN * maker.wanted().get("test_seen", 0))])


def sample(maker: Maker, plan: Plan) -> set[int]:
    """Documents to generate from: all, or of many a number that is enough, chosen by the seed."""
    chosen: set[int] = set()
    for split, count in maker.wanted().items():
        own = sorted((i for i, s in plan.split_of.items() if s == split), key=lambda i: maker.place(str(i)))
        chosen.update(own[: max(FEWEST_SAMPLED, SAMPLED * count)])
    return chosen


def _draw(maker: Maker, pool: Pool, split: Split, count: int) -> None:
    share = _share(maker)
    before = len(maker.rows[split])

    def take(example: Example) -> bool:
        maker.tools.progress(f"choosing {split}", len(maker.rows[split]) - before, count)
        return maker.take(split, example)

    draw(pool, count, share, take)


def _share(maker: Maker) -> float:
    """Share of refusals: all, where nothing else is asked for."""
    return 1.0 if maker.request.types == {"refusal"} else REFUSALS[maker.request.context]


def _draw_seen(maker: Maker, pool: Pool, count: int) -> None:
    """The test on seen documents: what training rows ask, in words that none of them uses; then what none asks."""

    def known(example: Example) -> bool:
        return (example.fact in maker.facts or not example.answerable) and maker.take("test_seen", example)

    def other(example: Example) -> bool:
        return maker.take("test_seen", example)

    got = draw(pool, count, _share(maker), known)
    if got < count:
        draw(pool, count - got, _share(maker), other)


# other words -------------------------------------------------------------------------------------------------------------


def _to_reword(maker: Maker, example: Example) -> ToReword:
    passages = maker.source.passages(example.gold)
    names = [p.title for p in passages.values() if p.title]
    return ToReword(example, "\n".join(p.text for p in passages.values()), names)


def _reword(maker: Maker, basis: Sequence[ToReword], total: int, rewording: Rewording) -> None:
    """Take what a model makes of the training questions."""
    rewording.agree(basis)
    for example in reworded(basis, rewording.asker, WORDINGS, maker.drops):
        maker.tools.progress("asking for other words", len(maker.rows["train"]), total)
        maker.take("train", example)
        if len(maker.rows["train"]) >= total:
            break


def _paraphrase(maker: Maker, basis: Sequence[ToReword], total: int) -> None:
    """Take paraphrases by rules, one of each training question in turn, until there are `total` rows."""
    streams: list[Iterator[Example]] = []
    for one in basis:
        rng = random.Random(f"{maker.request.seed}:augment:{one.example.id}")
        streams.append(augmented(one.example, one.text, one.names, rng, maker.drops))
    while streams and len(maker.rows["train"]) < total:
        left = []
        for stream in streams:
            maker.tools.progress("in other words", len(maker.rows["train"]), total)
            if len(maker.rows["train"]) < total and (found := next(stream, None)) is not None:
                maker.take("train", found)
                left.append(stream)
        streams = left


# a teacher ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Teaching:
    """What the teacher's method needs beside the documents."""

    asker: Asker
    judge: Asker
    find: Callable[[str], Sequence[int]]
    """Numbers of the chunks that our search finds for a question, best first."""
    agree: Callable[[Sequence[Reading]], None]
    """Told what will be read before anything is asked. Raises UserError when the user would rather not."""
    refuses: Callable[[str, Language], bool]
    """Whether a reply only says that there is no answer."""


def by_teacher(refusals: Refusals, teaching: Teaching) -> Method:
    """Questions and answers that a language model writes, each checked against its chunk and by a second answer."""

    def method(maker: Maker, plan: Plan) -> None:
        wanted = maker.wanted()
        readings = _readings(maker, plan)
        teaching.agree([reading for split, found in readings.items() for reading in found[: _needed(wanted, split)]])
        for split in ("train", "val", "test"):
            if wanted.get(split):
                _teach(maker, split, readings[split], teaching, refusals)

    return method


def _needed(wanted: Mapping[Split, int], split: Split) -> int:
    """Chunks that are likely to be asked about: half of what a teacher writes passes."""
    rows = wanted.get(split, 0) + (wanted.get("test_seen", 0) if split == "train" else 0)
    return -(-2 * rows // PER_CHUNK)


def _readings(maker: Maker, plan: Plan) -> dict[Split, list[Reading]]:
    """Chunks of each split in an order that the seed decides."""
    chosen = sample(maker, plan)
    found: dict[Split, list[Reading]] = {"train": [], "val": [], "test": []}
    for document in maker.documents():
        if document.id in chosen:
            long = [chunk for chunk in document.chunks if len(chunk.text) >= SHORTEST_CHUNK]
            long.sort(key=lambda chunk: maker.place(f"{chunk.number}"))
            found[plan.split_of[document.id]] += [Reading(document, chunk) for chunk in long[:CHUNKS_OF_DOCUMENT]]
    for readings in found.values():
        readings.sort(key=lambda reading: maker.place(f"{reading.document.key}:{reading.chunk.number}"))
    return found


def _teach(maker: Maker, split: Split, readings: Sequence[Reading], teaching: Teaching, refusals: Refusals) -> None:
    wanted = maker.wanted()
    extra: int = wanted.get("test_seen", 0) if split == "train" else 0
    text_of = _TextOf(maker)
    made = examples(
        readings,
        teaching.asker,
        teaching.find,
        PER_CHUNK,
        maker.drops,
        refusals,
        text_of=text_of,
        judge=teaching.judge,
        refuses=teaching.refuses,
    )
    for example in made:
        maker.tools.progress(f"asking for {split}", len(maker.rows[split]), wanted[split])
        maker.take(_place(maker, split, example, extra), example)
        if len(maker.rows[split]) >= wanted[split] and len(maker.rows["test_seen"]) >= extra:
            break


def _place(maker: Maker, split: Split, example: Example, extra: int) -> Split:
    """Some questions about documents that train already test on seen documents, at an even pace."""
    rows, seen = len(maker.rows[split]), len(maker.rows["test_seen"])
    total = maker.wanted()[split]
    known = any(d in taken.documents for taken in maker.taken[split] for d in example.documents)
    return "test_seen" if rows >= total or (known and seen < extra * rows // max(1, total)) else split


@dataclass(frozen=True)
class _TextOf:
    """Title and text of a chunk by its number."""

    maker: Maker

    def __call__(self, number: int) -> str:
        found: dict[int, Passage] = self.maker.source.passages([number])
        return "\n".join(f"{p.title}\n{p.text}" for p in found.values())
