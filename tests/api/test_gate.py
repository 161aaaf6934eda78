"""How many answers are made at once, and what becomes of those beyond."""

from __future__ import annotations

import asyncio

import pytest
from starlette.exceptions import HTTPException

from assistant.api.gate import LONGEST_RETRY, Gate


def test_those_who_wait_enter_in_order() -> None:
    async def run() -> list[int]:
        gate, entered = Gate(1, 10), []

        async def one(number: int) -> None:
            since = await gate.enter()
            entered.append(number)
            await asyncio.sleep(0)
            gate.leave(since)

        await asyncio.gather(*map(one, range(5)))
        assert (gate.taken, gate.waiting) == (0, 0)
        return entered

    assert asyncio.run(run()) == [0, 1, 2, 3, 4]


def test_more_than_may_wait_are_told_when_to_come_back() -> None:
    async def run() -> HTTPException:
        gate = Gate(2, 1)
        since = [await gate.enter() for _ in range(2)]
        waiting = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        with pytest.raises(HTTPException) as refused:
            await gate.enter()
        gate.leave(since[0])
        gate.leave(await waiting)
        await gate.enter()
        return refused.value

    refused = asyncio.run(run())
    assert refused.status_code == 429
    assert 1 <= int((refused.headers or {})["Retry-After"]) <= LONGEST_RETRY


def test_who_gives_up_waiting_takes_no_place() -> None:
    async def run() -> Gate:
        gate = Gate(1, 1)
        since = await gate.enter()
        for _ in range(3):
            waiting = asyncio.create_task(gate.enter())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
        gate.leave(since)
        gate.leave(await gate.enter())
        return gate

    gate = asyncio.run(run())
    assert (gate.taken, gate.waiting) == (0, 0)
