"""`dyag compare` put together: evaluations found or made, compared, and written as reports."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.commands.compare import CompareResult, Format
from retrieval.errors import BadInput
from retrieval.files import disk_errors, write_private

if TYPE_CHECKING:
    from assistant.app import App
    from eval.types import Evaluation, Identity

_SUFFIXES = {"json": ".json", "markdown": ".md", "html": ".html"}
_FORMATS: Mapping[str, Sequence[str]] = {"both": ("json", "markdown"), "all": tuple(_SUFFIXES)}


def compared_by_name(app: App, texts: Sequence[str], output: Path | None, form: Format | None) -> CompareResult:
    """Evaluations by their ids, `latest`, folders or files. Raises NotFound, BadInput, and what `compared` does."""
    found = [_found(app, text) for text in texts]
    return compared(app, [one for _, one in found], ["compare", *(name for name, _ in found)], output, form)


def _found(app: App, text: str) -> tuple[str, Evaluation]:
    """With what finds it tomorrow too."""
    from assistant.evaluations import Evaluations
    from eval.store import read_evaluation

    path = Path(text).expanduser()
    if path.is_dir():
        path /= "results.json"
    if path.exists() or path.suffix or os.sep in text:
        return text, read_evaluation(path)
    evaluation = Evaluations(app.home.data / "evaluations").find(text).read()
    return evaluation.identity.id, evaluation


def named(path: Path, mode: str) -> Evaluation:
    """A file, said to be of this mode where it does not say itself. Raises NotFound, BadInput."""
    from eval.store import read_evaluation

    evaluation = read_evaluation(path)
    identity = evaluation.identity
    return evaluation if identity.mode else replace(evaluation, identity=replace(identity, mode=mode))


def measured_pair(app: App, models: Sequence[str], test: Path, mode: str, limit: int) -> list[Evaluation]:
    """Two models, each evaluated on the same cases and kept. Raises what reading cases and evaluating do."""
    from assistant.evaluating import Wanted, measure
    from eval.cases import read_cases

    if models[0] == models[1]:
        raise BadInput(f"--model1 and --model2 are both {models[0]}.", "Name two models.")
    read = read_cases(test, limit)
    for problem in read.problems:
        app.screen.note(problem)
    wanted = [Wanted(str(test), mode, model, limit=limit) for model in models]
    return [measure(app, one, read.cases).evaluation for one in wanted]


def compared(
    app: App, evaluations: Sequence[Evaluation], words: Sequence[str], output: Path | None, form: Format | None
) -> CompareResult:
    """The comparison, written where that is asked for. Raises BadInput, NoAccess, NoSpace."""
    from assistant.evaluating import check_output
    from assistant.identity import command_line
    from eval.advice import advise
    from eval.compare import compare
    from eval.report.identity import differences

    if form and output is None:
        raise BadInput("--format says how to write a file, and there is none.", "Add --output NAME.")
    files = _files(output, form) if output else {}
    for path in files.values():
        check_output(path)
    app.screen.waiting("comparing …")
    comparison = compare(evaluations)
    command = command_line(app, words, {"--output": str(output or ""), "--format": form})
    identities = [one.identity for one in evaluations]
    made = CompareResult(advise(comparison), comparison, command, differences(identities), tuple(files.values()))
    for kind, path in files.items():
        _write(path, _WRITERS[kind](made, identities))
    return made


def _files(output: Path, form: Format | None) -> dict[str, Path]:
    """What to write where. An ending that is one of ours says the format, unless another is asked for."""
    endings = {suffix: kind for kind, suffix in _SUFFIXES.items()}
    kind = endings.get(output.suffix.lower())
    base = output.with_suffix("") if kind else output
    base = base / "comparison" if os.path.isdir(base) and not kind else base
    wanted = _FORMATS.get(form or kind or "all", (form or kind or "",))
    return {one: base.with_name(f"{base.name}{_SUFFIXES[one]}") for one in wanted}


def _write(path: Path, text: str) -> None:
    with disk_errors(path):
        write_private(path, text.encode("utf-8", "replace"))


def _json(made: CompareResult, identities: Sequence[Identity]) -> str:
    from assistant.render import plain

    held: dict[str, Any] = {**plain(made), "identities": [plain(asdict(one)) for one in identities]}
    del held["written"]
    return json.dumps(held, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _markdown(made: CompareResult, identities: Sequence[Identity]) -> str:
    from eval.report import comparison_markdown

    return comparison_markdown(made.comparison, identities, made.command)


def _html(made: CompareResult, identities: Sequence[Identity]) -> str:
    from eval.report import comparison_html

    return comparison_html(made.comparison, identities, made.command)


_WRITERS: Mapping[str, Callable[[CompareResult, Sequence[Identity]], str]] = {
    "json": _json,
    "markdown": _markdown,
    "html": _html,
}
