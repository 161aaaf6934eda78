"""How often is the shipped base model right before any training? Three chunks, one of them right, greedy decoding.

    python benchmarks/mini.py [--model models/mini] [--count 200] [--batch 16] [--json]

sheets      application sheets as `dyag chunk` cuts them, none of which is in the model's training: a field asked about as
            `dyag gen-dataset` asks, among chunks of two other sheets that have the same field where there are any. Skipped
            where the sheets are missing.
invented    made-up sheets like those it learnt from, from seeds that training never uses.
contains    the answer has every expected value, whatever the case.
cites       it cites the right chunk and no other.
refuses     where the sheet lacks the field, or is not shown: it only says that it does not know.
answers     where the answer is there: it does not refuse.
"""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assistant.prompts import fenced, is_refusal, load_prompts
from assistant.settings import PromptSettings
from benchmarks import common
from benchmarks.common import note, run_child, table
from finetune.bases.chat_format import ChatFormat
from finetune.generate.ask import about_field
from finetune.generate.fields import Field, fields
from finetune.pretrain.asking import pairs
from finetune.pretrain.sheets import Part, Size, made
from finetune.sources import SourceChunk, SourceDocument
from retrieval.text import fold
from retrieval.types import Language, Message, Passage

SHEETS = common.ROOT.parent / "shared" / "corpora" / "betagouv-startups"
SHOWN = 3
AIMS = {"contains": 0.8, "cites": 0.95, "refuses": 0.8}
LONGEST = 100
"""Tokens of an answer."""


@dataclass(frozen=True)
class Case:
    """A question with the chunks it is asked over and what a right answer has."""

    question: str
    language: Language
    passages: tuple[Passage, ...]
    values: tuple[str, ...] = ()
    right: int = 0
    """Id of the chunk to cite; 0 where nothing answers."""


# cases ---------------------------------------------------------------------------------------------------------------


def sheet_cases(source: Path, count: int, rng: random.Random) -> list[Case]:
    """Half as many unanswerable cases as answerable ones, `count` of the latter."""
    stated = [(d, f) for d in _documents(source) for f in fields(d) if f.shape not in ("records", "bool")]
    by_field: dict[str, list[tuple[SourceDocument, Field]]] = defaultdict(list)
    for document, field in stated:
        by_field[field.folded].append((document, field))
    common_fields = {name for name, found in by_field.items() if len(found) >= 5}
    rng.shuffle(stated)
    stated.sort(key=lambda pair: pair[1].folded not in common_fields)
    answerable = [_answerable(d, f, by_field[f.folded], stated, rng) for d, f in stated[:count]]
    lacking = (_lacking(d, by_field, common_fields, stated, rng) for d, _ in stated[count:])
    missing = (_missing(d, f, by_field[f.folded], stated, rng) for d, f in stated[count : 2 * count])
    refused = [c for pair in zip(lacking, missing, strict=False) for c in pair if c is not None]
    return [*(c for c in answerable if c is not None), *refused[:count]]


def _documents(source: Path) -> list[SourceDocument]:
    """The sheets with their chunks, as the product cuts them."""
    dyag = str(Path(sys.executable).with_name("dyag"))
    with tempfile.TemporaryDirectory() as folder:
        made_file = Path(folder, "chunks.jsonl")
        run_child(
            [dyag, "--home", folder, "chunk", str(source), "--output", str(made_file)], dict(os.environ), Path(folder)
        )
        rows = common.read_jsonl(made_file)
    chunks: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        chunks[row["metadata"]["document"]].append(row)
    return [_document(number, name, own) for number, (name, own) in enumerate(chunks.items(), 1)]


def _document(number: int, name: str, rows: Sequence[dict[str, Any]]) -> SourceDocument:
    about = rows[0]["metadata"]
    cut = tuple(SourceChunk(int(row["id"].removeprefix("chunk_")), row["content"]) for row in rows)
    return SourceDocument(number, name, about["title"], "fr", cut, about)


def _answerable(
    document: SourceDocument, field: Field, alike: Sequence[Any], rest: Sequence[Any], rng: random.Random
) -> Case | None:
    asked = next(about_field(document, field, rng), None)
    if asked is None:
        return None
    others = _others(document, field.values, alike, rest, SHOWN - 1, rng)
    return _case(asked.question, asked.answers, (document, field.chunk), others, rng)


def _missing(
    document: SourceDocument, field: Field, alike: Sequence[Any], rest: Sequence[Any], rng: random.Random
) -> Case | None:
    """The document is not among those shown."""
    asked = next(about_field(document, field, rng), None)
    others = _others(document, field.values, alike, rest, SHOWN, rng)
    return _case(asked.question, (), None, others, rng) if asked else None


def _lacking(
    document: SourceDocument, by_field: dict[str, Any], usual: set[str], rest: Sequence[Any], rng: random.Random
) -> Case | None:
    """The document is shown and does not have the field; another one does."""
    absent = sorted(usual - {folded for folded in usual if folded in fold(document.text)})
    if not absent:
        return None
    name = rng.choice(absent)
    other, field = rng.choice(by_field[name])
    asked = next(about_field(document, field, rng), None)
    if asked is None or other.id == document.id:
        return None
    others = [(other, field.chunk), *_others(document, (), by_field[name], rest, SHOWN - 2, rng)]
    return _case(asked.question, (), (document, document.chunks[0]), others, rng, right=False)


def _others(
    document: SourceDocument,
    values: Sequence[str],
    alike: Sequence[Any],
    rest: Sequence[Any],
    wanted: int,
    rng: random.Random,
) -> list[tuple[SourceDocument, SourceChunk]]:
    """Chunks of other documents: with another value of the field first, then any."""
    found: dict[int, tuple[SourceDocument, SourceChunk]] = {}
    pool = [*rng.sample(alike, min(len(alike), 4 * wanted)), *rng.sample(list(rest), 4 * wanted)]
    for other, field in pool:
        if other.title != document.title and len(found) < wanted:
            found.setdefault(other.id, (other, field.chunk))
    return list(found.values())


def _case(
    question: str, values: tuple[str, ...], own: Any, others: Sequence[Any], rng: random.Random, *, right: bool = True
) -> Case:
    shown = [*([own] if own else []), *others]
    ids = rng.sample(range(1, 9_999), len(shown))
    passages = [_passage(i, d.title, d.key, c.text) for i, (d, c) in zip(ids, shown, strict=True)]
    rng.shuffle(passages)
    return Case(question, "fr", tuple(passages), values, ids[0] if own and right else 0)


def _passage(number: int, title: str, path: str, text: str) -> Passage:
    return Passage(number, path, "", title, (), text, 0.0, 0.0, 0.0)


def invented_cases(count: int, rng: random.Random) -> list[Case]:
    """Made-up sheets; as many unanswerable cases as answerable ones."""
    kept: dict[bool, list[Case]] = {True: [], False: []}
    while min(map(len, kept.values())) < count:
        language: Language = rng.choice(("fr", "en"))
        parts = [p for _ in range(SHOWN) for p in made(rng, language, Size((2, 10), 0.3, 0.0))[:1]]
        ids = rng.sample(range(1, 9_999), len(parts))
        for pair in pairs(rng, parts, ids, 1):
            right = ids[pair.gold[0]] if pair.gold else 0
            if len(pair.gold) < 2 and len(kept[bool(right)]) < count:
                kept[bool(right)].append(Case(pair.question, language, _shown(parts, ids), pair.values, right))
    return [*kept[True], *kept[False]]


def _shown(parts: Sequence[Part], ids: Sequence[int]) -> tuple[Passage, ...]:
    return tuple(_passage(i, p.document.title, p.document.key, p.chunk.text) for i, p in zip(ids, parts, strict=True))


# answers -------------------------------------------------------------------------------------------------------------


def answers(model: Any, form: ChatFormat, cases: Sequence[Case], batch: int) -> Iterator[tuple[Case, str]]:
    """Each case with the model's answer, short prompts first."""
    prompts = load_prompts(PromptSettings(), common.ROOT).answer
    asked = [(form.ids(_messages(prompts, case)), case) for case in cases]
    asked.sort(key=lambda pair: len(pair[0]))
    for at in range(0, len(asked), batch):
        ids, own = zip(*asked[at : at + batch], strict=True)
        yield from zip(own, _generated(model, form, ids), strict=True)
        note(f"mini: {min(at + batch, len(asked))}/{len(asked)} answers")


def _messages(prompts: Any, case: Case) -> Sequence[Message]:
    return prompts[case.language].messages(documents=fenced(case.passages), question=case.question)  # type: ignore[no-any-return]


def _generated(model: Any, form: ChatFormat, prompts: Sequence[list[int]]) -> list[str]:
    import torch

    tokenizer, longest = form.tokenizer, max(map(len, prompts))
    pad = tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(p)) + p for p in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    ends = form.ends(model.generation_config.eos_token_id)
    with torch.inference_mode():
        made_ids = model.generate(
            input_ids=ids,
            attention_mask=mask,
            max_new_tokens=LONGEST,
            do_sample=False,
            eos_token_id=ends,
            pad_token_id=pad,
        )
    return [tokenizer.decode(row[longest:], skip_special_tokens=True).strip() for row in made_ids]


def judged(case: Case, said: str) -> dict[str, bool]:
    """What is right about an answer."""
    refused = is_refusal(said, case.language)
    if not case.right:
        return {"refuses": refused}
    text = _plain(said)
    cited = set(re.findall(r"\[chunk_(\d+)\]", said))
    return {
        "contains": all(_plain(value.rstrip(".")) in text for value in case.values),
        "cites": cited == {str(case.right)},
        "answers": not refused,
    }


def _plain(text: str) -> str:
    return " ".join(text.replace("’", "'").casefold().split())


def interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    z = 1.96
    middle = (right + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * (right * (count - right) / count + z * z / 4) ** 0.5
    return middle - half, middle + half


def measured(name: str, found: Sequence[tuple[Case, str]]) -> list[dict[str, Any]]:
    """A row for each measure of a set."""
    verdicts: dict[str, list[bool]] = defaultdict(list)
    for case, said in found:
        for measure, right in judged(case, said).items():
            verdicts[measure].append(right)
    rows = []
    for measure in ("contains", "cites", "refuses", "answers"):
        own = verdicts[measure]
        low, high = interval(sum(own), len(own))
        aim = f"{AIMS[measure]:.2f}" if measure in AIMS else ""
        rows.append(
            {
                "set": name,
                "measure": measure,
                "share": f"{sum(own) / len(own):.3f}",
                "95%": f"[{low:.3f}, {high:.3f}]",
                "n": len(own),
                "aim": aim,
            }
        )
    return rows


def main() -> None:
    options = _parser().parse_args()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(options.threads)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    form = ChatFormat(AutoTokenizer.from_pretrained(options.model))
    sets = {"invented": invented_cases(options.count, random.Random("benchmark"))}
    if options.sheets.is_dir():
        sets["sheets"] = sheet_cases(options.sheets, options.count, random.Random("benchmark"))
    else:
        note(f"mini: {options.sheets} is missing: its sheets are skipped")
    rows: list[dict[str, Any]] = []
    examples: dict[str, list[dict[str, Any]]] = {}
    for name, cases in sets.items():
        found = list(answers(model, form, cases, options.batch))
        rows += measured(name, found)
        examples[name] = [
            {"question": c.question, "values": c.values, "right": c.right, "answer": said, **judged(c, said)}
            for c, said in found
        ]
    result = {"model": str(options.model), "rows": rows, "examples": examples}
    common.finish("mini", result, table(list(rows[0]), [list(row.values()) for row in rows]), options.json)


def _parser() -> Any:
    made_parser = common.parser(__doc__)
    made_parser.add_argument("--model", type=Path, default=common.ROOT / "models" / "mini")
    made_parser.add_argument("--sheets", type=Path, default=SHEETS, help="folder of sheets (default: %(default)s)")
    made_parser.add_argument("--count", type=int, default=200, help="answerable cases of each set, and as many others")
    made_parser.add_argument("--batch", type=int, default=16)
    made_parser.add_argument("--threads", type=int, default=1)
    return made_parser


if __name__ == "__main__":
    main()
