"""The metrics agree with the reference libraries, and with the published definition of SQuAD, on the bench sets."""

from __future__ import annotations

import json
import math
import re
import string
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.cases import read_cases
from eval.metrics import score, summary
from eval.metrics.overlap import lcs_f
from eval.metrics.text import normalise
from eval.types import Case, Response, Scored
from retrieval.lexical import analyze
from retrieval.types import Language

BENCH = Path(__file__).resolve().parents[2].parent / "shared" / "bench"
SETS = ["betagouv-fr", "clapnq-en", "cnil-fr", "piaf-fr", "squad2-en", "xquad-en"]
ENGLISH = [name for name in SETS if name.endswith("en")]
needs_bench = pytest.mark.skipif(not BENCH.is_dir(), reason="../shared/bench is not here")
CASES = 100
"""Of each set."""


@cache
def cases_of(name: str) -> tuple[Case, ...]:
    return read_cases(BENCH / name, CASES).cases


@cache
def corpus_of(name: str) -> dict[str, str]:
    with (BENCH / name / "corpus.jsonl").open(encoding="utf-8") as lines:
        return {row["_id"]: row["text"] for row in map(json.loads, lines)}


def responses(name: str) -> Iterator[tuple[Case, Response]]:
    """What many kinds of systems say: a right answer, one with words around it, a piece of the text, a refusal."""
    texts = corpus_of(name)
    for i, case in enumerate(cases_of(name)):
        right = case.answers[i % len(case.answers)] if case.answers else "Nothing"
        source = texts[case.gold[0]] if case.gold else "It is not said."
        said = [
            right,
            f"The {right}, as it is said [chunk_3].",
            source[: 20 + 7 * i % 90],
            "I can't find it.",
            f"({right})",
        ]
        yield case, Response(said[i % 5], refused=i % 5 == 3)


# --- SQuAD: the definition of the paper, written down a second time ---------------------------------------------------


def published(text: str) -> str:
    """Lower text without punctuation, articles and extra white space."""
    text = "".join(character for character in text.lower() if character not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text, flags=re.UNICODE).split())


def published_f1(said: str, gold: str) -> float:
    ours, theirs = published(said).split(), published(gold).split()
    if not ours or not theirs:
        return float(ours == theirs)
    left, same = list(theirs), 0
    for token in ours:
        if token in left:
            left.remove(token)
            same += 1
    if not same:
        return 0.0
    precision, recall = same / len(ours), same / len(theirs)
    return 2 * precision * recall / (precision + recall)


@needs_bench
@pytest.mark.parametrize("name", ENGLISH)
def test_exact_match_and_f1_are_those_of_squad(name: str) -> None:
    seen = 0
    for case, response in responses(name):
        found = score(case, response)
        if case.answerable and not case.answers:
            assert found["squad_em"] is None
            continue
        golds = [answer for answer in case.answers if published(answer)] or [""]
        said = "" if response.refused else response.text.replace(" [chunk_3]", "")
        assert found["squad_em"] == max(float(published(said) == published(gold)) for gold in golds)
        assert found["squad_f1"] == pytest.approx(max(published_f1(said, gold) for gold in golds))
        seen += 1
    assert seen >= 40


# --- retrieval --------------------------------------------------------------------------------------------------------


@cache
def index_of(name: str) -> tuple[dict[str, Counter[str]], dict[str, float]]:
    """Which passages hold a term, and how rare it is."""
    language: Language = "fr" if name.endswith("fr") else "en"
    holders: dict[str, Counter[str]] = defaultdict(Counter)
    texts = corpus_of(name)
    for document, text in texts.items():
        for term, count in Counter(analyze(text, language)).items():
            holders[term][document] = count
    return holders, {term: math.log(len(texts) / len(found)) for term, found in holders.items()}


def ranked(name: str, case: Case) -> list[tuple[str, float]]:
    """The twenty best passages by the sum of tf-idf, without ties."""
    holders, rarity = index_of(name)
    scores: Counter[str] = Counter()
    for term in set(analyze(case.question, case.language)):
        for document, count in holders.get(term, {}).items():
            scores[document] += (1 + math.log(count)) * rarity[term]
    best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:20]
    return [(document, 100 - rank) for rank, (document, _) in enumerate(best)]


@needs_bench
@pytest.mark.parametrize("name", SETS)
def test_retrieval_metrics_are_those_of_ir_measures(name: str) -> None:
    ir = pytest.importorskip("ir_measures")
    names = {"recall@1": ir.R @ 1, "recall@3": ir.R @ 3, "recall@5": ir.R @ 5, "recall@10": ir.R @ 10,
             "mrr@10": ir.RR @ 10, "ndcg@10": ir.nDCG @ 10}  # fmt: skip
    judged = [case for case in cases_of(name) if case.gold]
    runs = {case.id: ranked(name, case) for case in judged}
    judgements = [ir.Qrel(case.id, document, 1) for case in judged for document in case.gold]
    run = [ir.ScoredDoc(query, document, value) for query, found in runs.items() for document, value in found]
    theirs = {(m.query_id, str(m.measure)): m.value for m in ir.iter_calc(list(names.values()), judgements, run)}
    for case in judged:
        if not runs[case.id]:
            continue
        ours = score(case, Response("", retrieved=tuple((document,) for document, _ in runs[case.id])))
        for label, measure in names.items():
            assert ours[label] == pytest.approx(theirs[case.id, str(measure)]), (case.id, label)
    assert 0.2 < sum(theirs[case.id, "nDCG@10"] for case in judged) / len(judged) <= 1


def test_many_gold_passages_as_ir_measures_counts_them() -> None:
    ir = pytest.importorskip("ir_measures")
    gold = [f"d{i}" for i in range(0, 40, 3)]
    ranking = [f"d{i}" for i in (1, 3, 2, 6, 9, 5, 7, 12, 15, 18, 21)]
    judgements = [ir.Qrel("q", document, 1) for document in gold]
    run = [ir.ScoredDoc("q", document, 100 - rank) for rank, document in enumerate(ranking)]
    theirs = ir.calc_aggregate([ir.R @ 5, ir.nDCG @ 10, ir.RR @ 10], judgements, run)
    case = Case("q", "?", gold=tuple(gold))
    ours = score(case, Response("", retrieved=tuple((document,) for document in ranking)))
    assert ours["recall@5"] == pytest.approx(theirs[ir.R @ 5])
    assert ours["ndcg@10"] == pytest.approx(theirs[ir.nDCG @ 10])
    assert ours["mrr@10"] == pytest.approx(theirs[ir.RR @ 10])


# --- texts ------------------------------------------------------------------------------------------------------------


@needs_bench
@pytest.mark.parametrize("name", SETS)
def test_bleu_and_chrf_are_those_of_sacrebleu_over_the_corpus(name: str) -> None:
    import sacrebleu

    pairs = [(case, response) for case, response in responses(name) if case.answers]
    if not pairs:
        assert all(score(case, response)["bleu"] is None for case, response in islice(responses(name), 5))
        return
    found = summary([Scored(case, response, score(case, response)) for case, response in pairs])
    said = ["" if response.refused else response.text.replace(" [chunk_3]", "") for _, response in pairs]
    most = max(len(case.answers) for case, _ in pairs)
    references = [[(*case.answers, *[None] * most)[i] for case, _ in pairs] for i in range(most)]
    bleu = sacrebleu.corpus_bleu(said, references)  # type: ignore[arg-type]
    chrf = sacrebleu.corpus_chrf(said, references)  # type: ignore[arg-type]
    assert found.metrics["bleu"].value == pytest.approx(bleu.score / 100)
    assert found.metrics["chrf"].value == pytest.approx(chrf.score / 100)
    assert 0 < bleu.score < 100


@needs_bench
@pytest.mark.parametrize("name", ["piaf-fr", "clapnq-en"])
def test_rouge_l_is_that_of_rouge_score_with_our_tokens(name: str) -> None:
    rouge = pytest.importorskip("rouge_score.rouge_scorer")

    class OurTokens:
        def __init__(self, language: Language) -> None:
            self.language = language

        def tokenize(self, text: str) -> list[str]:
            return normalise(text, self.language)

    for case, response in islice(((c, r) for c, r in responses(name) if c.answers), 60):
        scorer = rouge.RougeScorer(["rougeL"], tokenizer=OurTokens(case.language))
        said = "" if response.refused else response.text.replace(" [chunk_3]", "")
        theirs = max(scorer.score(gold, said)["rougeL"].fmeasure for gold in case.answers)
        assert score(case, response)["rouge_l"] == pytest.approx(theirs)


TOKENS = st.lists(st.sampled_from("abcd"), max_size=12)


@given(TOKENS, TOKENS)
@settings(max_examples=50)
def test_the_longest_common_subsequence_is_that_of_rouge_score(said: list[str], wanted: list[str]) -> None:
    rouge = pytest.importorskip("rouge_score.rouge_scorer")
    assert lcs_f(said, wanted) == pytest.approx(rouge._score_lcs(wanted, said).fmeasure)
