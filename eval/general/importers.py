"""Suites that a user has: GSM8K and MGSM (sums in words), and tasks of BIG-Bench Hard, read where they lie.

gsm8k-test.jsonl      {"question": "Nina has 3 pens…", "answer": "She buys 2: 3 + 2 = 5\\n#### 5"}, a line each
mgsm_fr.tsv           question, tab, number; a line each
object_counting.json  {"canary": "…", "examples": [{"input": "I have a…", "target": "8"}]}

The canary marks data that no model should be trained on: it is not read, and the cases are kept in no file but the
evaluation's. How to answer is told in one sentence after the question, so figures cannot be set beside published ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eval.general.numbers import final_number
from eval.general.suite import general_cases
from eval.types import GENERAL, Case
from retrieval.errors import BadInput, NotFound
from retrieval.types import Language, Message

_HOW: Mapping[Language, str] = {
    "fr": "Termine par une ligne qui ne contient que le nombre trouvé, en chiffres.",
    "en": "End with a line that holds only the number you found, in digits.",
}
_WORKINGS = re.compile(r"<<[^>]*>>")
"""Calculator notes of GSM8K: `<<3+2=5>>`."""
_ONLY = "Answer with the option only, without an explanation."
_FORMS = "Known are GSM8K (.jsonl), MGSM (.tsv) and tasks of BIG-Bench Hard (.json)."


def suite_named(name: str, limit: int = 0) -> tuple[Case, ...] | None:
    """`general` is the suite that is shipped, `general:PATH` are those of others; None for any other name.

    Raises NotFound, BadInput.
    """
    suite, colon, path = name.partition(":")
    if suite != "general":
        return None
    return import_suite(Path(path).expanduser(), limit) if colon else general_cases()[: limit or None]


def import_suite(path: Path, limit: int = 0) -> tuple[Case, ...]:
    """The cases of a file, or of every file of a folder; `limit` of each, 0 for all.

    Type `general.FILE`; the nth problem of GSM8K and its translation in MGSM are one group. Raises NotFound, BadInput with
    the file and the line.
    """
    if not path.exists():
        raise NotFound(f"There is no {path}.", f"Name a file or a folder of suites. {_FORMS}")
    files = sorted(file for file in path.iterdir() if file.suffix in _READERS) if path.is_dir() else [path]
    if not files:
        raise BadInput(f"{path} holds no suite.", _FORMS)
    return tuple(case for file in files for case in _imported(file, limit))


def _imported(file: Path, limit: int) -> list[Case]:
    reader = _READERS.get(file.suffix)
    if reader is None:
        raise BadInput(f"{file} is no suite that is known.", _FORMS)
    cases = list(reader(file, _text(file)))
    if not cases:
        raise BadInput(f"{file} holds no case.", _FORMS)
    return cases[:limit] if limit else cases


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is not UTF-8: byte {error.start + 1}.", "Fetch the file again.") from error
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}.", "Mend its permissions.") from error


def _gsm8k(file: Path, text: str) -> Iterator[Case]:
    for number, line in _numbered(text):
        where = f"{file}, line {number}"
        row = _object(_parsed(line, where), where, "question", "answer")
        solution = _WORKINGS.sub("", row["answer"])
        if "####" not in solution:
            raise BadInput(f"{where}: the answer has no `#### number`.", _FORMS)
        yield _sum(file, number, "en", row["question"], _number(solution, "en", where), solution)


def _mgsm(file: Path, text: str) -> Iterator[Case]:
    language: Language = "en" if file.stem.endswith("_en") else "fr"
    for number, line in _numbered(text):
        where = f"{file}, line {number}"
        question, tab, answer = line.rpartition("\t")
        if not (tab and question.strip()):
            raise BadInput(f"{where}: not a question, a tab and a number.", _FORMS)
        yield _sum(file, number, language, question, _number(answer, "en", where), "")


def _big_bench(file: Path, text: str) -> Iterator[Case]:
    task = _parsed(text, str(file))
    examples = task.get("examples") if isinstance(task, dict) else None
    if not isinstance(examples, list):
        raise BadInput(f"{file} has no list `examples`.", _FORMS)
    for number, given in enumerate(examples, 1):
        where = f"{file}, example {number}"
        row = _object(given, where, "input", "target")
        how = _HOW["en"] if final_number(row["target"], "en") is not None else _ONLY
        yield _case(file, number, "en", f"{row['input']}\n\n{how}", row["target"])


_READERS: Mapping[str, Callable[[Path, str], Iterator[Case]]] = {".jsonl": _gsm8k, ".tsv": _mgsm, ".json": _big_bench}


def _sum(file: Path, number: int, language: Language, question: str, answer: str, solution: str) -> Case:
    """A sum in words; MGSM translates the first problems of GSM8K in their order."""
    prompt = f"{question.strip()}\n\n{_HOW[language]}"
    return _case(file, number, language, prompt, answer, solution, f"sum-{number}")


def _case(
    file: Path, number: int, language: Language, prompt: str, answer: str, expected: str = "", group: str = ""
) -> Case:
    name = f"{file.stem}-{number}"
    return Case(
        id=name,
        question=prompt,
        answers=(answer,),
        expected=expected or answer,
        language=language,
        type=GENERAL + file.stem,
        group=group or name,
        messages=(Message("user", prompt),),
    )


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return ((n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip())


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not valid JSON ({error}).", _FORMS) from None


def _object(given: Any, where: str, *keys: str) -> dict[str, str]:
    """An object with a text under each of the keys. Raises BadInput."""
    for key in keys:
        if not (isinstance(given, dict) and isinstance(given.get(key), str) and given[key].strip()):
            raise BadInput(f"{where}: no text under `{key}`.", _FORMS)
    return {key: given[key].strip() for key in keys}


def _number(text: str, language: Language, where: str) -> str:
    value = final_number(text, language)
    if value is None:
        raise BadInput(f"{where}: `{text.strip()[-60:]}` does not end with a number.", _FORMS)
    return str(value)
