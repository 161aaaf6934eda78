"""A folder in the layout of BEIR (Thakur et al. 2021) whose queries have answers; the corpus itself is not read.

queries.jsonl     {"_id": "q1", "text": "Qui héberge GIDAF ?", "metadata": {"answers": ["SI-RAPP"], "answerable": true}}
qrels/test.tsv    q1 <tab> corpus id <tab> score      with or without a header; gold where the score is above 0
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from eval.read_json import lines_of, read_bytes, rows_of_lines
from eval.read_rows import BadRow, case_or_bad
from eval.types import Case

_HEADER = ("query-id", "query_id", "qid")


def is_beir(folder: Path) -> bool:
    """Whether a folder has queries as BEIR has them."""
    return (folder / "queries.jsonl").is_file()


def beir_cases(folder: Path) -> Iterator[tuple[str, Case | BadRow]]:
    """Where each query stands, with its case, or why it is none; lines of the judgements that are no judgement too."""
    gold: dict[str, dict[str, None]] = {}
    split: dict[str, str] = {}
    for path in sorted((folder / "qrels").glob("*.tsv")):
        for number, judged in _judgements(path):
            if isinstance(judged, BadRow):
                yield f"qrels/{path.name}, line {number}", judged
                continue
            query, document = judged
            gold.setdefault(query, {})[document] = None
            split.setdefault(query, path.stem)
    for where, row in rows_of_lines(read_bytes(folder / "queries.jsonl")):
        case = case_or_bad({"question": row.get("text"), **row} if isinstance(row, dict) else row)
        yield f"queries.jsonl, {where}", _judged(case, gold, split) if isinstance(case, Case) else case


def _judged(case: Case, gold: Mapping[str, Mapping[str, None]], split: Mapping[str, str]) -> Case:
    found = tuple(gold.get(case.id, ()))
    return replace(
        case,
        gold=found if case.answerable else (),
        group=case.group or next(iter(found), ""),
        split=case.split or split.get(case.id, ""),
    )


def _judgements(path: Path) -> Iterator[tuple[int, tuple[str, str] | BadRow]]:
    """Query and document of each line whose score is above 0."""
    for number, line in lines_of(read_bytes(path)):
        if isinstance(line, BadRow):
            yield number, line
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if number == 1 and cells[0].casefold() in _HEADER:
            continue
        try:
            query, document, score = cells
            relevant = float(score) > 0
        except ValueError:
            yield number, BadRow("it is not a query, a document and a score with tabs between")
            continue
        if relevant:
            yield number, (query, document)
