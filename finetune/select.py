"""Which of all possible examples are taken: a mix of types, spread over the documents, the same for the same seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from finetune.examples import Example, Type

MIX: Mapping[Type, float] = {
    "which": 0.2, "who": 0.1, "when": 0.1, "where": 0.06, "how-many": 0.1, "items": 0.08, "list": 0.08, "yes-no": 0.1,
    "comparison": 0.08, "definition": 0.1, "procedure": 0.06, "section": 0.06,
}  # fmt: skip
"""Wanted shares of the answerable types; what one cannot give goes to the others."""
Priority = tuple[int, bytes, str]


class Pool:
    """The best candidates of one split, a bounded number of each type: memory depends on what is wanted, not on what there is."""

    def __init__(self, keep: int, seed: int) -> None:
        self._keep, self._seed = keep, seed
        self._found: dict[Type, list[tuple[Priority, Example]]] = {}
        self.seen: Counter[Type] = Counter()
        """How many candidates of each type there were."""

    def add(self, number: int, example: Example) -> None:
        """Take in a candidate of a round: those of an earlier round come first, else the seed decides, by what is asked.

        So two pools prefer the same facts, asked in other words where their rounds differ.
        """
        self.seen[example.type] += 1
        digest = hashlib.sha256(f"{self._seed}:{example.fact}".encode()).digest()
        kept = self._found.setdefault(example.type, [])
        kept.append(((number, digest, example.question), example))
        if len(kept) > 2 * self._keep:
            kept.sort(key=lambda pair: pair[0])
            del kept[self._keep :]

    def ranked(self, kind: Type) -> Iterator[Example]:
        """Candidates of a type, best first."""
        best = sorted(self._found.get(kind, []), key=lambda pair: pair[0])
        return (example for _, example in best[: self._keep])

    def sizes(self) -> dict[Type, int]:
        """Candidates that are kept, by type."""
        return {kind: min(len(found), self._keep) for kind, found in self._found.items()}


def plan(total: int, available: Mapping[Type, int], refusals: float) -> dict[Type, int]:
    """How many of each type make `total`, by `MIX` as far as they go; `refusals` is the share of near misses among all."""
    wanted = {kind: share for kind, share in MIX.items() if available.get(kind)}
    answerable = sum(available[kind] for kind in wanted)
    refused = min(available.get("refusal", 0), round(total * refusals))
    # Where there is little to answer, refusals may not become the rule.
    if refusals < 1 and answerable < total - refused:
        refused = min(refused, round(answerable * refusals / (1 - refusals)))
    quotas: dict[Type, int] = dict.fromkeys(wanted, 0)
    left = min(total - refused, answerable)
    while left > 0:
        open_kinds = [kind for kind in wanted if quotas[kind] < available[kind]]
        weight = sum(wanted[kind] for kind in open_kinds)
        for kind in open_kinds:
            more = min(max(1, int(left * wanted[kind] / weight)), available[kind] - quotas[kind], left)
            quotas[kind] += more
            left -= more
            weight -= wanted[kind]
            if not left or weight <= 0:
                break
    return {**quotas, "refusal": refused}


def draw(pool: Pool, total: int, refusals: float, accept: Callable[[Example], bool]) -> int:
    """Offer candidates to `accept` until `total` are taken or none is left; how many were taken.

    A type whose candidates are refused too often leaves its places to the others.
    """
    sizes = pool.sizes()
    queues = {kind: pool.ranked(kind) for kind in sizes}
    taken = 0
    for kind, quota in plan(total, sizes, refusals).items():
        taken += _take(queues.get(kind, iter(())), quota, accept)
    rest = [kind for kind in MIX if kind in queues]
    while taken < total and rest:
        rest = [
            kind
            for kind in rest
            if taken < total and (got := _take(queues[kind], 1, accept)) and (taken := taken + got)
        ]
    return taken


def _take(queue: Iterator[Example], wanted: int, accept: Callable[[Example], bool]) -> int:
    got = 0
    while got < wanted:
        example = next(queue, None)
        if example is None:
            break
        got += accept(example)
    return got
