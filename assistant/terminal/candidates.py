"""Where the values come from that arguments are completed with, one function for each kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from assistant.command import GROUPS, Command, Kind, chat_commands
from assistant.sanitize import without_passwords

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.conversation import Exchange
    from retrieval.types import Passage

RECENT = 50
"""Sessions and answers that are offered."""
_MODELS = {
    "auto": "the best one that is configured",
    "extractive": "quotes the passages; no model",
    "openai:": "any OpenAI-compatible server; model.base_url",
    "ollama:": "a model that Ollama serves",
    "hf:": "a model folder, or a name of the hub",
    "fake:": "scripted, for trying things out",
}


class Candidate(NamedTuple):
    """One thing that can be typed, with what is said of it beside."""

    text: str
    help: str = ""
    shown: str = ""
    """How it is listed, when not as its text."""


def matching(candidates: Iterable[Candidate], word: str) -> list[Candidate]:
    """Those that are the word, begin with it, hold it; a number is also found by what it stands for."""
    word = word.casefold()

    def rank(candidate: Candidate) -> int:
        text = candidate.text.casefold()
        if text.startswith(word):
            return int(text != word)
        return 2 if word in text or (text.isdigit() and word in candidate.help.casefold()) else 3

    ranked = sorted(((rank(c), c) for c in candidates), key=lambda pair: pair[0])
    return [candidate for place, candidate in ranked if place < 3]


def names(known: Mapping[str, Command], before: Sequence[str] = ()) -> list[Candidate]:
    """The first words of the commands, or the second ones of the group in `before`."""
    if before:
        group = f"{before[0]} "
        return [Candidate(n.removeprefix(group), c.summary) for n, c in known.items() if n.startswith(group)]
    own = {name: c.summary for name, c in known.items() if name == c.name and " " not in name}
    groups = {name.partition(" ")[0]: "" for name in known if " " in name}
    listed = own | {name: GROUPS.get(name, "") for name in groups}
    aliases = {name: c.summary for name, c in known.items() if name != c.name and " " not in name}
    return [Candidate(name, about, f"/{name}") for name, about in (listed | aliases).items()]


def modes(app: App, word: str, before: Sequence[str]) -> Iterable[Candidate]:
    from assistant.modes import MODES

    return [Candidate(mode.name, mode.summary) for mode in MODES.values()]


def models(app: App, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    """The providers, the models that the configured servers offer, the bases, and model folders."""
    from assistant.terminal.model_names import bases, offered

    yield from (Candidate(name, about) for name, about in _MODELS.items())
    yield from (Candidate(task, model) for task, model in app.settings.models.items())
    yield from (Candidate(name) for name in offered(app.settings.model))
    if word.startswith("hf:"):
        yield from (Candidate(name, about) for name, about in bases().items())
        found = paths(app, word.removeprefix("hf:"), before)
        yield from (Candidate(f"hf:{c.text}", c.help, c.shown) for c in found if c.text.endswith(os.sep))


def chunks(app: App, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    """The chunks the last answer cites, then the others it was given."""
    for exchange in _exchanges(app)[:1]:
        cited = [c.chunk_id for c in exchange.answer.citations]
        passages = {p.chunk_id: p for p in exchange.answer.passages}
        for chunk_id in dict.fromkeys((*cited, *passages)):
            about = _about(passages[chunk_id]) if chunk_id in passages else ""
            yield Candidate(str(chunk_id), f"{about} (cited)".lstrip() if chunk_id in cited else about)


def answers(app: App, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    """The answers of this conversation, the last one first."""
    for exchange in _exchanges(app)[:RECENT]:
        if exchange.number is not None:
            yield Candidate(str(exchange.number), exchange.answer.question)


def runs(app: App, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    """The trainings, the newest first, and the names that stand for one."""
    from finetune.runs.store import Runs

    yield from (Candidate("latest", "the newest one"), Candidate("promoted", "the one that answers"))
    for run in Runs(app.home.models).all()[:RECENT]:
        about = f"{run.manifest.base.name}, {run.manifest.dataset.rows} rows" if run.manifest else run.state
        yield Candidate(run.id, about)


def evaluations(app: App, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    """The finished evaluations, the newest first; files, once something of a path is typed."""
    from assistant.evaluations import Evaluations

    yield Candidate("latest", "the newest one")
    done = [kept for kept in Evaluations(app.home.data / "evaluations").all() if kept.done]
    for kept in done[:RECENT]:
        found = kept.identity
        yield Candidate(found.id, f"{found.mode} {found.model}, {found.count} cases of {os.path.basename(found.cases)}")
    if word:
        yield from paths(app, word, before)


def jobs(app: App, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    """The jobs, the newest first."""
    for job in app.jobs.all()[::-1][:RECENT]:
        yield Candidate(str(job.number), f"{job.line}, {job.state}")


def sessions(app: App, word: str, before: Sequence[str]) -> Iterable[Candidate]:
    return [Candidate(str(session.id), session.name) for session in app.journal.sessions(RECENT)]


def commands(app: App, word: str, before: Sequence[str]) -> Iterable[Candidate]:
    """For the help: command names, word by word."""
    return [candidate._replace(shown="") for candidate in names(chat_commands(), before)]


def settings(app: App, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    """The settings with the values they have."""
    from assistant.settings import NAMES, Setting

    for name in NAMES:
        shown = Setting(name, _value(app, name), "").shown
        yield Candidate(name, "" if shown in (None, "") else without_passwords(str(shown)))


def setting_values(app: App, word: str, before: Sequence[str]) -> Iterator[Candidate]:
    """What a setting can be: its choices, and the value it has."""
    from assistant.settings import NAMES, SECRET

    name = before[-1] if before else ""
    if name not in NAMES or name.endswith(SECRET):
        return
    now = "none" if (value := _value(app, name)) is None else str(value)
    now = now if now == without_passwords(now) else ""
    found = list(models(app, word, before)) if name in ("answer.generator", "answer.finetuned_model") else []
    texts = {c.text: c.help for c in found} | dict.fromkeys(_choices(name), "")
    for text in dict.fromkeys((*([now] if now else []), *texts)):
        yield Candidate(text, "now" if text == now else texts[text])


def paths(app: App, word: str, before: Sequence[str]) -> list[Candidate]:
    """Files and folders that begin as typed, a folder with its slash; hidden ones when a dot is typed."""
    folder, start = os.path.split(word)
    try:
        with os.scandir(Path(folder).expanduser() if folder else ".") as entries:
            listed = sorted((e.name, e.is_dir()) for e in entries if _fits(e.name, start))
    except OSError:
        return []  # no folder, or a closed one: nothing to offer
    named = [f"{name}{os.sep}" if is_folder else name for name, is_folder in listed]
    return [Candidate(os.path.join(folder, name), shown=name) for name in named]


def _fits(name: str, start: str) -> bool:
    return name.casefold().startswith(start.casefold()) and (not name.startswith(".") or start.startswith("."))


def _exchanges(app: App) -> list[Exchange]:
    """The turns of this conversation, the last one first."""
    return list(reversed(app.conversation.exchanges))


def _about(passage: Passage) -> str:
    """`PostgreSQL › Backup`: several chunks of a document have the same title."""
    return " › ".join(
        dict.fromkeys(part for part in (passage.title or passage.document, *passage.headings[-1:]) if part)
    )


def _value(app: App, name: str) -> object:
    section, _, key = name.partition(".")
    return getattr(getattr(app.settings, section), key)


def _choices(name: str) -> Sequence[str]:
    """The words a setting can be; none for a number or a text."""
    from assistant.settings import SECTIONS

    section, _, key = name.partition(".")
    schema = SECTIONS[section].model_json_schema()["properties"][key]
    return ("true", "false") if schema.get("type") == "boolean" else [str(choice) for choice in schema.get("enum", ())]


CANDIDATES: Mapping[Kind, Callable[[App, str, Sequence[str]], Iterable[Candidate]]] = {
    "answer": answers,
    "chunk": chunks,
    "command": commands,
    "evaluation": evaluations,
    "job": jobs,
    "mode": modes,
    "model": models,
    "path": paths,
    "run": runs,
    "session": sessions,
    "setting": settings,
    "value": setting_values,
}
"""From the app, the word being typed and the arguments before it."""
