"""Cases: questions with what is known of their answers, from any of the formats people keep them in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from eval.read_beir import beir_cases, is_beir
from eval.read_json import FORMATS, parsed, read_bytes, rows_of_array, rows_of_lines
from eval.read_rows import BadRow, case_or_bad
from eval.read_squad import squad_cases
from eval.types import Case
from retrieval.errors import BadInput, NotFound

Found = Iterator[tuple[str, Case | BadRow]]
"""Where something stands, and the case it is or why it is none."""


@dataclass(frozen=True)
class ReadCases:
    """What a file or folder held."""

    cases: tuple[Case, ...]
    problems: tuple[str, ...]
    """What could not be read or has an id that came before, one line each with its line number (the rest is in
    `cases`); then, in one line, how many cases have no answer that is known."""
    format: str
    """`jsonl`, `json`, `squad` or `beir`."""


def read_cases(path: Path, limit: int = 0) -> ReadCases:
    """The cases of a file or folder, the first `limit` of them (0: all). Raises NotFound, BadInput."""
    if not _exists(path):
        raise NotFound(f"There is no file or folder {path}.", FORMATS)
    kind, found = _found(path)
    cases: dict[str, Case] = {}
    problems: list[str] = []
    for where, case in found:
        if isinstance(case, BadRow):
            problems.append(f"{where}: {case}; left out.")
            continue
        case, told = _named(case, cases)
        if told:
            problems.append(f"{where}: {told}.")
        cases[case.id] = case
        if len(cases) == limit:
            break
    if not cases:
        raise BadInput(f"{path} holds no case. {'; '.join(problems[:1])}".strip(), FORMATS)
    return ReadCases(tuple(cases.values()), (*problems, *_unknown(cases.values())), kind)


def identity_of(cases: Sequence[Case]) -> str:
    """sha256 of the cases as they were read: the same for the same cases, whatever file they came in."""
    rows = sorted(json.dumps(asdict(case), sort_keys=True) for case in cases)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.", FORMATS) from error


def _unknown(cases: Collection[Case]) -> list[str]:
    """That the answer of some cases is not known, so that nobody takes what is unscored for scored."""
    count = sum(case.answerable and not case.answers and not case.expected for case in cases)
    return (
        [f"{count} of {len(cases)} cases have no known answer; what is compared with one is unscored."] if count else []
    )


def _found(path: Path) -> tuple[str, Found]:
    """The format of a file or folder, found out from what it holds, and what it holds."""
    if path.is_dir():
        if not is_beir(path):
            raise BadInput(f"{path} is a folder without queries.jsonl.", FORMATS)
        return "beir", beir_cases(path)
    if not path.is_file():
        raise BadInput(f"{path} is neither a file nor a folder.", FORMATS)
    data = read_bytes(path)
    whole = parsed(data.decode("utf-8-sig", "replace"))
    if isinstance(whole, dict) and isinstance(whole.get("data"), list):
        return "squad", squad_cases(whole["data"])
    if isinstance(whole, list):
        return "json", ((where, case_or_bad(row)) for where, row in rows_of_array(whole))
    if isinstance(whole, dict):
        return "json", iter([("item 1", case_or_bad(whole))])
    if data.lstrip().startswith(b"["):
        raise BadInput(f"{path} is a JSON array that breaks off: {whole}.", FORMATS)
    return "jsonl", ((where, case_or_bad(row)) for where, row in rows_of_lines(data))


def _named(case: Case, before: Container[str]) -> tuple[Case, str]:
    """The case under an id that no other has, and what is to be told of it."""
    given = case.id or hashlib.sha256(case.question.encode()).hexdigest()[:16]
    name, number = given, 1
    while name in before:
        number += 1
        name = f"{given}-{number}"
    told = f"the id {given} came before; this case is {name}" if number > 1 else ""
    return replace(case, id=name), told
