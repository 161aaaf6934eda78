"""Splits: documents that belong together stay together, and every split gets its share."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sources import document

from finetune.near import NEAR, Groups, NearIndex, shingles
from finetune.split import Shares, Survey, deal
from retrieval.errors import BadInput

SHARES = Shares(0.8, 0.1)
TEXT = "Le service accueille chaque année des élèves. " + " ".join(f"mot{n}" for n in range(60))


@pytest.mark.parametrize(("train", "val"), [(0.8, 0.3), (0, 0.5), (-0.1, 0.2), (1.2, 0), (0.5, -0.1), (0.9, 0.2)])
def test_ratios_that_do_not_add_up(train: float, val: float) -> None:
    with pytest.raises(BadInput, match=f"--train-ratio {train:g} and --val-ratio {val:g}") as said:
        Shares(train, val)
    assert "at most 1" in said.value.hint


@given(st.integers(3, 100_000), st.floats(0.3, 0.9), st.floats(0.05, 0.3))
def test_counts_add_up(total: int, train: float, val: float) -> None:
    if train + val > 1:
        val = 1 - train
    shares = Shares(train, val)
    counts = shares.counts(total)
    assert sum(counts.values()) == total
    assert all(count >= 1 for split, count in counts.items() if shares.of(split) > 1e-9)


def test_the_guides_counts() -> None:
    assert SHARES.counts(100) == {"train": 80, "val": 10, "test": 10}
    assert Shares(0.85, 0.10).counts(1000) == {"train": 850, "val": 100, "test": 50}


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=60), st.integers(0, 5))
def test_no_group_is_parted(joined: list[tuple[int, int]], seed: int) -> None:
    groups = Groups()
    for a, b in joined:
        groups.join(a, b)
    ids = range(61)
    if len({groups.of(i) for i in ids}) < 3:
        return
    splits = deal(ids, groups, SHARES, seed)
    assert set(splits) == set(ids)
    assert set(splits.values()) == {"train", "val", "test"}
    assert all(splits[a] == splits[b] for a, b in joined)


def test_documents_are_dealt_by_their_shares_and_the_seed() -> None:
    splits = deal(range(1000), Groups(), SHARES, 1)
    assert Counter(splits.values()) == {"train": 800, "val": 100, "test": 100}
    assert deal(range(1000), Groups(), SHARES, 1) == splits
    assert deal(range(1000), Groups(), SHARES, 2) != splits


def test_too_few_to_split_is_said() -> None:
    with pytest.raises(BadInput, match=r"2 documents in 2 groups cannot be split 3 ways") as said:
        deal(range(2), Groups(), SHARES, 1)
    assert "--no-split" in said.value.hint


def grouped(folder: Path, *texts: tuple[str, str]) -> tuple[Survey, list[int]]:
    survey = Survey(folder)
    for number, (title, text) in enumerate(texts):
        survey.add(document(text, title=title, number=number))
    groups = survey.groups()
    return survey, [groups.of(i) for i in range(len(texts))]


def test_near_duplicates_and_namesakes_stay_together(tmp_path: Path) -> None:
    other = "Cette page décrit la sauvegarde de la base, son rythme, ses supports et la façon de la restaurer en cas de panne."
    survey, found = grouped(
        tmp_path,
        ("A", TEXT),
        ("B", TEXT.replace("chaque année", "tous les ans")),
        ("C", other),
        ("c", "Rien de commun ici."),
    )
    with closing(survey):
        assert found[0] == found[1]
        assert found[2] == found[3] != found[0]
        assert survey.crossings({0: "train", 1: "test", 2: "train", 3: "train"}) == 1
        assert survey.crossings(dict.fromkeys(range(4), "train")) == 0


def test_a_title_that_many_have_says_nothing(tmp_path: Path) -> None:
    survey, found = grouped(tmp_path, *[("Introduction", f"mot{n} " * 30) for n in range(30)])
    with closing(survey):
        assert len(set(found)) == 30


@pytest.mark.parametrize("changed", [0, 2, 40])
def test_similarity_is_near_the_true_one(tmp_path: Path, changed: int) -> None:
    words = [f"mot{n}" for n in range(200)]
    other = [f"autre{n}" if n % 5 == 0 and n < 5 * changed else word for n, word in enumerate(words)]
    index = NearIndex(tmp_path / "near.sqlite3")
    with closing(index):
        index.add(1, " ".join(words))
        index.add(2, " ".join(other))
        found = list(index.pairs())
    a, b = set(shingles(" ".join(words))), set(shingles(" ".join(other)))
    true = len(a & b) / len(a | b)
    assert bool(found) == (true >= NEAR)
    assert all(similarity == pytest.approx(true, abs=0.15) for *_, similarity in found)


def test_texts_without_words_are_near_nothing(tmp_path: Path) -> None:
    index = NearIndex(tmp_path / "near.sqlite3")
    with closing(index):
        for number in range(5):
            index.add(number, "… — !")
        assert not list(index.pairs())
