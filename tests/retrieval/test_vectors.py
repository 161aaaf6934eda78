"""Nearest vectors: the exact index against a plain product, and Chroma against the exact one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from retrieval import vectors
from retrieval.embed import Vectors, unit

COUNT, DIMENSION = 300, 16


def some(seed: int = 0) -> list[tuple[int, Vectors]]:
    """Unit vectors under ids with gaps, as after deletions."""
    rows = unit(np.random.default_rng(seed).normal(size=(COUNT, DIMENSION)))
    return [(3 * i + 1, row) for i, row in enumerate(rows)]


def made(kind: str, folder: Path, pairs: list[tuple[int, Vectors]]) -> vectors.VectorIndex:
    vectors.build(kind, folder, iter(pairs), len(pairs), DIMENSION)
    return vectors.open_index(kind, folder, DIMENSION)


def test_exact_search_is_the_plain_product(tmp_path: Path) -> None:
    pairs = some()
    index = made("exact", tmp_path, pairs)
    query = pairs[7][1]
    expected = sorted(((i, float(v @ query)) for i, v in pairs), key=lambda p: (-p[1], p[0]))[:10]
    found = index.search(query, 10)
    assert [i for i, _ in found] == [i for i, _ in expected]
    assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-6)
    assert found[0][0] == pairs[7][0]
    assert len(index) == COUNT
    assert len(index.search(query, 10 * COUNT)) == COUNT


def test_only_allowed_ids(tmp_path: Path) -> None:
    pairs = some()
    index = made("exact", tmp_path, pairs)
    query = pairs[0][1]
    assert [i for i, _ in index.search(query, 5, allowed=[22, 2, 10**12, 1, 1])] == [1, 22]
    assert index.search(query, 5, allowed=[]) == []
    assert set(index.similarities(query, [1, 2, 4])) == {1, 4}
    assert index.similarities(query, []) == {}


def test_a_stored_vector_comes_back(tmp_path: Path) -> None:
    pairs = some()
    index = made("exact", tmp_path, pairs)
    assert np.array_equal(index.vector(pairs[5][0]), pairs[5][1])
    assert index.vector(2) is None
    assert index.vector(10**12) is None


def test_an_empty_index(tmp_path: Path) -> None:
    index = made("exact", tmp_path, [])
    assert len(index) == 0
    assert index.search(some()[0][1], 5) == []
    assert index.vector(1) is None


def test_auto_is_exact_until_it_no_longer_fits() -> None:
    assert vectors.choose("auto", vectors.EXACT_LIMIT) == "exact"
    assert vectors.choose("auto", vectors.EXACT_LIMIT + 1) == "chroma"
    assert vectors.choose("chroma", 1) == "chroma"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_chroma_agrees_with_exact(tmp_path: Path) -> None:
    pairs = some()
    (tmp_path / "exact").mkdir()
    (tmp_path / "chroma").mkdir()
    exact, chroma = made("exact", tmp_path / "exact", pairs), made("chroma", tmp_path / "chroma", pairs)
    assert len(chroma) == len(exact) == COUNT
    same = 0
    for _, query in some(seed=1)[:40]:
        right, found = exact.search(query, 10), chroma.search(query, 10)
        same += len({i for i, _ in right} & {i for i, _ in found})
        assert found[0][1] == pytest.approx(right[0][1], abs=0.05)
        assert chroma.similarities(query, [1, 2, 4]) == pytest.approx(exact.similarities(query, [1, 2, 4]), abs=1e-5)
        assert chroma.search(query, 2, allowed=[1, 4, 7]) == [
            (i, pytest.approx(s, abs=1e-5)) for i, s in exact.search(query, 2, allowed=[1, 4, 7])
        ]
    assert same >= 0.95 * 400
    assert np.allclose(chroma.vector(1), pairs[0][1], atol=1e-6)
    assert chroma.vector(2) is None


def test_every_wrong_bit_of_the_header_is_damage(tmp_path: Path) -> None:
    made("exact", tmp_path, some())
    path = tmp_path / "vectors.npy"
    data = path.read_bytes()
    for at in range(len(data) - 4 * COUNT * DIMENSION):
        for bit in range(8):
            wrong = bytearray(data)
            wrong[at] ^= 1 << bit
            path.write_bytes(wrong)
            with pytest.raises(ValueError, match=r"vectors\.npy does not hold"):
                vectors.open_index("exact", tmp_path, DIMENSION)


def test_the_matrix_is_a_file_of_numpy(tmp_path: Path) -> None:
    pairs = some()
    made("exact", tmp_path, pairs)
    assert np.array_equal(np.load(tmp_path / "vectors.npy"), np.stack([row for _, row in pairs]))
