"""Rows as tokens: as inference asks, the loss on the answer and its end; their order; packed rows do not see each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import tiny_tokenizer
from training import asked, pairs, port_rows, rated, tiny_base, write

from finetune.bases.chat_format import ChatFormat
from finetune.formats.read import BadRows
from finetune.train.attention import use_rows
from finetune.train.order import Order
from finetune.train.render import IGNORED, Renderer
from finetune.train.rows import Rows, write_rows
from retrieval.types import Message


@pytest.fixture(scope="module")
def form() -> ChatFormat:
    return ChatFormat(tiny_tokenizer())


def made(
    form: ChatFormat,
    folder: Path,
    rows: list[dict[str, Any]],
    method: Any = "sft",
    longest: int = 512,
    over: Any = "drop",
) -> Rows:
    source = write(folder / "source.jsonl", rows)
    return write_rows(source, folder / "r.arrow", folder / "copy.jsonl", Renderer(form, method, longest, over))


def test_a_row_is_the_prompt_as_it_is_asked_and_the_answer_with_its_end(form: ChatFormat, tmp_path: Path) -> None:
    row = made(form, tmp_path, [asked("Gitea", "3000.")]).dataset()[0]
    prompt = form.ids([Message("user", "Quel port écoute Gitea ?")])
    assert row["input_ids"][: len(prompt)] == prompt
    assert row["labels"][: len(prompt)] == [IGNORED] * len(prompt)
    learnt = row["labels"][len(prompt) :]
    assert learnt == row["input_ids"][len(prompt) :]
    assert form.tokenizer.decode(learnt[:-1]).strip() == "3000."
    assert learnt[-1] in form.ends(None)


def test_the_last_answer_of_a_conversation_is_learnt(form: ChatFormat, tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "Sois bref."}, {"role": "user", "content": "Un ?"}, {"role": "assistant", "content": "1."},
        {"role": "user", "content": "Deux ?"}, {"role": "assistant", "content": "2."},
    ]  # fmt: skip
    row = made(form, tmp_path, [{"messages": turns}]).dataset()[0]
    learnt = [token for token in row["labels"] if token != IGNORED]
    assert form.tokenizer.decode(learnt, skip_special_tokens=True).strip() == "2."
    assert "1." in form.tokenizer.decode(row["input_ids"])


def test_a_bare_text_is_learnt_whole_and_ends(form: ChatFormat, tmp_path: Path) -> None:
    row = made(form, tmp_path, [{"text": "Redis écoute."}]).dataset()[0]
    assert row["labels"] == row["input_ids"]
    assert row["labels"][-1] == form.tokenizer.eos_token_id


def test_pairs_and_ratings_become_what_their_trainers_read(form: ChatFormat, tmp_path: Path) -> None:
    pair = made(form, tmp_path, pairs(1), "dpo").dataset()[0]
    assert pair["chosen_ids"][-1] == pair["rejected_ids"][-1] == form.end
    rating = made(form, tmp_path, rated(1, 1), "kto")
    assert rating.labels == {True: 1, False: 1}
    assert rating.dataset()["label"][:] == [True, False]


def test_rows_of_another_method_are_refused_with_their_lines(form: ChatFormat, tmp_path: Path) -> None:
    with pytest.raises(BadRows, match=r"1 row cannot be used: line 2: not for method sft \(it is a pair\)") as refused:
        made(form, tmp_path, [*port_rows(1), *pairs(1)])
    assert "--method dpo" in refused.value.hint


def test_bad_rows_are_told_by_line(form: ChatFormat, tmp_path: Path) -> None:
    rows = [*port_rows(2), {"messages": []}, *port_rows(1), {"foo": 1}]
    with pytest.raises(BadRows, match=r"2 rows cannot be used: line 3: .*; line 5: no known format"):
        made(form, tmp_path, rows)


def test_rows_that_are_too_long_are_dropped_and_counted(form: ChatFormat, tmp_path: Path) -> None:
    rows = made(form, tmp_path, [*port_rows(2), asked("Gitea " * 200, "3000.")], longest=100)
    assert (len(rows), rows.dropped, rows.truncated) == (2, 1, 0)
    assert len((tmp_path / "copy.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_rows_that_are_cut_keep_the_question_and_the_end(form: ChatFormat, tmp_path: Path) -> None:
    rows = made(form, tmp_path, [asked("Gitea " * 200 + "Redis", "6379.")], longest=100, over="truncate")
    row = rows.dataset()[0]
    assert rows.truncated == 1
    assert 90 <= len(row["input_ids"]) <= 100
    assert "Redis ?" in form.tokenizer.decode(row["input_ids"])
    assert row["input_ids"][:2] == form.ids([Message("user", "?")])[:2]
    assert row["labels"][-1] == form.end


def test_an_answer_that_is_too_long_itself_is_not_cut(form: ChatFormat, tmp_path: Path) -> None:
    rows = made(form, tmp_path, [*port_rows(1), asked("Gitea", "3000 " * 200)], longest=100, over="truncate")
    assert (len(rows), rows.dropped) == (1, 1)


def test_rows_that_are_too_long_can_be_refused(form: ChatFormat, tmp_path: Path) -> None:
    with pytest.raises(BadRows, match=r"line 1: too long \(\d+ tokens, 20 are read\)"):
        made(form, tmp_path, port_rows(1), longest=20, over="raise")


def test_nothing_left_is_said(form: ChatFormat, tmp_path: Path) -> None:
    with pytest.raises(BadRows, match="all 3 are longer than 9 tokens"):
        made(form, tmp_path, port_rows(3), longest=9)
    with pytest.raises(BadRows, match="jsonl: the file is empty"):
        made(form, tmp_path, [])


# order ---------------------------------------------------------------------------------------------------------------

LENGTHS = st.lists(st.integers(1, 500), min_size=1, max_size=90).map(lambda found: np.array(found, np.int64))


@given(LENGTHS, st.sampled_from([(1, 1), (4, 4), (4, 2), (8, 2), (6, 3)]), st.integers(0, 9), st.booleans())
def test_an_epoch_takes_every_row_once_and_the_same_way_again(
    lengths: np.ndarray[Any, Any], sizes: tuple[int, int], epoch: int, grouped: bool
) -> None:
    orders = [Order(lengths, *sizes, seed=3, grouped=grouped) for _ in range(2)]
    for one in orders:
        one.set_epoch(epoch)
    first, second = (list(one) for one in orders)
    assert first == second
    assert sorted(first) == list(range(len(lengths)))


@given(LENGTHS, st.sampled_from([(4, 1), (4, 2), (8, 4)]), st.booleans())
def test_a_step_has_the_same_rows_however_many_are_in_memory(
    lengths: np.ndarray[Any, Any], sizes: tuple[int, int], grouped: bool
) -> None:
    batch, micro = sizes
    together, apart = (list(Order(lengths, batch, size, 3, grouped)) for size in (batch, micro))
    for start in range(0, len(lengths), batch):
        assert set(together[start : start + batch]) == set(apart[start : start + batch])


def test_what_is_in_memory_at_a_time_is_of_about_one_size() -> None:
    lengths = np.array([100, 1, 40, 30, 99, 2, 60, 70])
    for seed in range(20):
        parts = lengths[list(Order(lengths, 8, 2, seed, grouped=False))].reshape(-1, 2).sum(1)
        assert sorted(parts) == [100, 100, 101, 101]


# packing -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["llama", "qwen2", "gpt2", "mistral"])
def test_rows_laid_end_to_end_do_not_see_each_other(tmp_path: Path, family: str) -> None:
    from transformers import AutoModelForCausalLM
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    torch.set_num_threads(1)
    folder = tiny_base(tmp_path / f"tiny-{family}", family)
    plain, packed = (AutoModelForCausalLM.from_pretrained(folder) for _ in range(2))
    use_rows(packed)
    rng = torch.Generator().manual_seed(0)
    rows = [torch.randint(5, 300, (length,), generator=rng).tolist() for length in (7, 31, 12, 3, 1)]
    batch = DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)([{"input_ids": row} for row in rows])
    labels = batch.pop("labels")
    together = packed(**batch, use_cache=False).logits
    apart = torch.cat([plain(torch.tensor([row])).logits for row in rows], dim=1)
    assert torch.allclose(together, apart, atol=2e-6)
    assert (labels[0, [0, 7, 38, 50, 53]] == IGNORED).all()  # no row is asked to begin the next
    for model, logits in ((packed, together), (plain, apart)):
        torch.nn.functional.cross_entropy(logits[0, :-1], labels[0, 1:]).backward()
        assert model.get_input_embeddings().weight.grad is not None
    pairs = zip(plain.parameters(), packed.parameters(), strict=True)
    assert all(torch.allclose(one.grad, other.grad, atol=1e-6) for one, other in pairs)
