"""What is taken of all candidates: the mix, the bound, the same for the same seed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from finetune.examples import TYPES, Example, Type
from finetune.select import MIX, Pool, draw, plan


def example(number: int, kind: Type = "which") -> Example:
    return Example(
        f"Q{number} ?", f"A{number}.", kind, "fr", (number,), (f"{number}.md",), "rule-based", fact=f"f{number}"
    )


def taken(pool: Pool, total: int, refusals: float = 0.15) -> list[Example]:
    found: list[Example] = []
    assert draw(pool, total, refusals, lambda e: not found.append(e)) == len(found)  # type: ignore[func-returns-value]
    return found


@given(st.integers(0, 500), st.dictionaries(st.sampled_from(TYPES), st.integers(0, 300)))
def test_a_plan_takes_what_is_there_and_no_more(total: int, available: dict[Type, int]) -> None:
    quotas = plan(total, available, 0.15)
    assert sum(quotas.values()) <= total
    assert all(n <= available.get(kind, 0) for kind, n in quotas.items())
    answerable = sum(n for kind, n in available.items() if kind != "refusal")
    if answerable >= total:
        assert sum(quotas.values()) == total
    answered = sum(quotas.values()) - quotas["refusal"]
    assert quotas["refusal"] <= 0.15 / 0.85 * answered + 1 or not answerable


def test_the_mix_is_kept_where_it_can_be() -> None:
    quotas = plan(1000, dict.fromkeys(TYPES, 1000), 0.15)
    assert quotas["refusal"] == 150
    whole = sum(MIX.values())
    assert all(abs(quotas[kind] - 850 * share / whole) <= 12 for kind, share in MIX.items())


def test_a_pool_keeps_the_best_whatever_the_order() -> None:
    candidates = [(n % 3, example(n)) for n in range(500)]
    pools = [Pool(10, 1), Pool(10, 1)]
    for number, one in candidates:
        pools[0].add(number, one)
    for number, one in reversed(candidates):
        pools[1].add(number, one)
    first, second = ([e.id for e in pool.ranked("which")] for pool in pools)
    assert first == second
    assert len(first) == 10
    rounds = {one.id: number for number, one in candidates}
    assert {rounds[i] for i in first} == {0}
    assert pools[0].seen["which"] == 500


def test_types_that_run_out_leave_their_places() -> None:
    pool = Pool(100, 1)
    for number in range(60):
        pool.add(0, example(number))
    for number in range(60, 63):
        pool.add(0, example(number, "who"))
    found = taken(pool, 40)
    assert len(found) == 40
    assert sum(e.type == "who" for e in found) == 3


def test_dropped_candidates_are_replaced() -> None:
    pool = Pool(100, 1)
    for number in range(50):
        pool.add(0, example(number))
    found: list[Example] = []

    def picky(one: Example) -> bool:
        if int(one.question[1:-2]) % 2:
            return False
        found.append(one)
        return True

    assert draw(pool, 20, 0.15, picky) == 20
    assert draw(pool, 100, 0.15, picky) == 25, "all the good ones there are"
