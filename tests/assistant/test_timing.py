"""Two models timed in turns: what slows the machine down for a while is not taken for a slower model."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest
from evaluated import cases

from assistant.app import App
from assistant.evaluation import Measured
from assistant.timing import TIMED, spread, timed
from assistant.workspace import Home
from eval.types import Case, Response


@pytest.mark.parametrize(("times", "ratio"), [(1.0, 1.0), (2.0, 2.0)])
def test_a_machine_that_gets_slower_slows_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: float, ratio: float
) -> None:
    asked: list[str] = []

    def measured(app: App, mode: str, model: str, base: str, workers: int, seed: int) -> Measured:
        def answer(case: Case) -> Response:
            asked.append(model)
            load = 1 + len(asked) / 10  # another program takes more and more
            return Response("x", seconds=load * (times if model == "run:new" else 1.0))

        return Measured(answer, lambda: None, mode, model, "", "", 1, lambda: None)

    monkeypatch.setattr("assistant.evaluation.measured", measured)
    found = timed(App(Home(tmp_path, "test"), {}), "hybrid", "hf:old", "run:new", cases(60, 12), 42)
    old, new = (median(side) for side in zip(*found.values(), strict=True))
    assert new / old == pytest.approx(ratio, rel=0.1)
    assert len(found) == TIMED
    loaded = [model for model, before in zip(asked, ["", *asked], strict=False) if model != before]
    assert loaded == ["hf:old", "run:new", "hf:old", "run:new", "hf:old"]


def test_cases_are_drawn_from_as_many_documents_as_there_are() -> None:
    chosen = spread([*cases(30, 3), *cases(5, 5)], 6)
    assert len({case.group for case in chosen}) >= 3
    assert spread([], 6) == []
    assert len(spread(cases(4, 2), 6)) == 4
