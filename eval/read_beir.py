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
from retrieval.errors import BadInput

_HEADER = ("query-id\t", "query_id\t", "qid\t")


def is_beir(folder: Path) -> bool:
    """Whether a folder has queries as BEIR has them."""
    return (folder / "queries.jsonl").is_file()


def beir_cases(folder: Path) -> Iterator[tuple[str, Case | BadRow]]:
    """Where each query stands, with its case, or why it is none; lines of the judgements that are no judgement too."""
    gold: dict[str, dict[str, None]] = {}
    split: dict[str, str] = {}
    for path in sorted((folder / "qrels").glob("*.tsv")):
        for where, judged in _judgements(path):
            if isinstance(judged, BadRow):
                yield f"qrels/{path.name}, {where}", judged
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


def _judgements(path: Path) -> Iterator[tuple[str, tuple[str, str] | BadRow]]:
    """Query and document of each line whose score is above 0."""
    try:
        data = read_bytes(path)
    except BadInput as bad:  # the queries can be asked without it
        yield "the whole file", BadRow(bad.message.removesuffix("."))
        return
    for number, line in lines_of(data):
        judged = line if isinstance(line, BadRow) else _judgement(line)
        if judged is not None and not (number == 1 and isinstance(line, str) and line.casefold().startswith(_HEADER)):
            yield f"line {number}", judged


def _judgement(line: str) -> tuple[str, str] | BadRow | None:
    """None for a score of 0."""
    try:
        query, document, score = (cell.strip() for cell in line.split("\t"))
        return (query, document) if float(score) > 0 else None
    except ValueError:
        return BadRow("it is not a query, a document and a score with tabs between")
