"""The made-up material of the pre-training: what an answer copies stands in the chunk that it cites, and nowhere by luck."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.prompts import fenced as product_fenced
from assistant.prompts import is_refusal, load_prompts
from assistant.prompts.refusals import NOT_LEARNT as PRODUCT_NOT_LEARNT
from assistant.prompts.refusals import REFUSALS as PRODUCT_REFUSALS
from assistant.settings import PromptSettings
from finetune.generate.keys import folded
from finetune.generate.nouns import noun
from finetune.pretrain import values, words
from finetune.pretrain.curriculum import STAGES, Row, drill, row, stage
from finetune.pretrain.prompts import LEARNT, NOT_LEARNT, REFUSALS, SYSTEM, asked, fenced
from finetune.pretrain.sheets import Size, made
from retrieval.types import Language, Passage

LANGUAGES: tuple[Language, Language] = ("fr", "en")


def rows(count: int = 60) -> list[Row]:
    return [row(random.Random(f"test:{i}"), STAGES[i % len(STAGES)]) for i in range(count)]


def test_an_answer_copies_its_values_from_the_chunk_it_cites() -> None:
    seen = 0
    for made_row in rows():
        for pair in made_row.pairs:
            cited = [int(number) for number in re.findall(r"\[chunk_(\d+)\]", pair.answer)]
            assert cited == [made_row.ids[at] for at in pair.gold]
            if pair.gold:
                texts = " ".join(made_row.parts[at].chunk.text.casefold() for at in pair.gold)
                assert all(value.casefold() in texts for value in pair.values)
                assert pair.values
                seen += 1
    assert seen > 100


def test_a_refused_field_is_in_no_chunk_of_its_document() -> None:
    refused = 0
    for made_row in rows(120):
        for pair in made_row.pairs:
            if pair.gold or not made_row.parts:
                continue
            assert pair.answer == REFUSALS[made_row.language]
            refused += 1
            # A comparison names two documents, of which one lacks the field.
            about = [p for p in made_row.parts if p.document.title in pair.question]
            if len({id(part.document) for part in about}) == 1:
                keys = {name for part in about for field in part.fields for name in named(field.key, made_row.language)}
                assert not any(f" {name} " in f" {pair.question} " for name in keys if len(name) > 12), pair.question
    assert refused > 20


def named(key: str, language: Language) -> set[str]:
    return {noun(key, language).word, folded(key)} - {""}


def test_about_one_answer_in_eight_is_a_refusal() -> None:
    answers = [pair for made_row in rows(200) for pair in made_row.pairs]
    share = sum(not pair.gold for pair in answers) / len(answers)
    assert 0.06 < share < 0.22


def test_the_chunks_of_a_row_are_of_documents_with_different_names_and_have_different_ids() -> None:
    for made_row in rows():
        names = {(part.document.title, id(part.document)) for part in made_row.parts}
        assert len({title for title, _ in names}) == len(names)
        assert len(set(made_row.ids)) == len(made_row.ids)


def test_the_same_seed_makes_the_same_row() -> None:
    one, other = (row(random.Random("seed"), STAGES[-1]) for _ in range(2))
    assert one.messages == other.messages
    assert row(random.Random("another"), STAGES[-1]).messages != one.messages


def test_stages_go_from_one_chunk_to_six() -> None:
    assert max(stage(0.0).chunks) == 1
    assert max(stage(1.0).chunks) == 6
    assert [s.longest for s in STAGES] == sorted(s.longest for s in STAGES)


def test_several_turns_ask_about_one_set_of_documents() -> None:
    made_row = next(r for r in rows() if len(r.pairs) > 2)
    users = [m.content for m in made_row.messages if m.role == "user"]
    assert "<document" in users[0]
    assert not any("<document" in text for text in users[1:])


def test_a_value_is_made_for_every_concept_in_both_languages() -> None:
    rng = random.Random(1)
    for makers in (*values.BY_CONCEPT.values(), values.ANY):
        for make in makers:
            for language in LANGUAGES:
                value = make(rng, language)
                assert value == value.strip()
                assert "\n" not in value
                assert value


def test_a_document_states_each_field_word_for_word() -> None:
    rng = random.Random(2)
    for _ in range(40):
        for part in made(rng, rng.choice(LANGUAGES), Size((2, 8), 0.5)):
            for field in part.fields:
                assert field.quote in part.chunk.text
                assert all(value in field.quote for value in field.values)


def test_a_drill_has_every_line_twice() -> None:
    lines, again = drill(random.Random(3), "fr")
    assert sorted(lines) == sorted(again)
    assert len({name for name, _ in lines}) == len(lines)


@given(st.integers())
def test_an_invented_word_has_letters_only(seed: int) -> None:
    word = words.invented(random.Random(seed))
    assert word.isalpha()
    assert len(word) > 2


# as the product sends it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_prompts_are_those_of_the_product(language: Language, tmp_path) -> None:
    prompts = load_prompts(PromptSettings(), tmp_path)
    system, user = prompts.answer[language].messages(documents="DOCUMENTS", question="QUESTION")
    assert system.content == SYSTEM[language]
    assert user.content == f"DOCUMENTS\n\n{asked('QUESTION', language)}"
    system, user = prompts.finetuned[language].messages(question="QUESTION")
    assert (system.content, user.content) == (LEARNT[language], "QUESTION")


def test_the_refusals_are_those_of_the_product() -> None:
    assert REFUSALS == PRODUCT_REFUSALS
    assert NOT_LEARNT == PRODUCT_NOT_LEARNT
    assert all(is_refusal(REFUSALS[language], language) for language in LANGUAGES)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 99_999), st.integers())))
def test_documents_stand_as_the_product_fences_them(given_passages: list[tuple[int, int]]) -> None:
    parts = [(number, made(random.Random(seed), "fr", Size((1, 4), 0.5))[0]) for number, seed in given_passages]
    shown = [(n, p.document.title, p.document.key, p.chunk.text) for n, p in parts]
    passages = [Passage(n, path, "", title, (), text, 0.0, 0.0, 0.0) for n, title, path, text in shown]
    assert fenced(shown) == product_fenced(passages)
