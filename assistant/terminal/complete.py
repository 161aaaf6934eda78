"""What a chat line can go on with, read from the command declarations; and short names of commands made whole.

`/mo` → `/mode`, `/model`; `/mode h` → `hybrid`; `/search port --l` → `--language`. The values come from
`assistant/terminal/candidates.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from assistant.command import BadUsage, Command, Parameter, chat_commands, split_name, split_words
from assistant.sanitize import clean
from assistant.terminal.candidates import CANDIDATES, Candidate, matching, names
from assistant.workspace import log_traceback
from retrieval.errors import UserError

if TYPE_CHECKING:
    from assistant.app import App

MOST = 100
"""Candidates shown at once."""
HELP_WIDTH = 70


class Completed(NamedTuple):
    """What can stand in place of the last `replaced` characters of a line."""

    replaced: int
    candidates: Sequence[Candidate]


NOTHING = Completed(0, ())


@dataclass
class LineCompleter:
    """Completes chat lines and never raises: a missing index or a bug costs the candidates, not the prompt."""

    app: App
    _logged: bool = False

    def __call__(self, line: str) -> Completed:
        try:
            return _shown(complete(self.app, line))
        except UserError:
            return NOTHING  # said when the command is run
        except Exception:  # noqa: BLE001  (an edge: a bug is logged once, and the typing goes on)
            if not self._logged:
                self._logged = True
                with suppress(OSError, UserError):
                    log_traceback(self.app.home)
            return NOTHING


def complete(app: App, line: str) -> Completed:
    """The candidates at the end of a line; nothing for a question."""
    line = line.lstrip()
    if not line.startswith("/"):
        return NOTHING
    split = _last_word(line[1:])
    if split is None:
        return NOTHING
    before, word, typed = split
    known = chat_commands()
    whole = _whole(before, known)
    if not before or (len(before) == 1 and whole[0] in _groups(known)):
        return Completed(len(typed), matching(names(known, whole), word))
    name, rest = split_name(whole, known)
    return _argument(app, known[name], rest, word, typed) if name in known else NOTHING


def expand(line: str, known: Mapping[str, Command]) -> str:
    """A chat line with a short name made whole: `/mod hybrid` as `/mode hybrid`. One that fits nothing stays as it is.

    Raises BadUsage when it fits several.
    """
    match = re.match(r"/(\S+)(?:(\s+)(\S+))?", line)
    if match is None:
        return line
    first, second = _name(match[1], match[3] or "", known)
    return f"/{first}{match[2] or ''}{second}{line[match.end() :]}"


def _name(first: str, second: str, known: Mapping[str, Command]) -> tuple[str, str]:
    """The first two words of a line, the name among them whole. Raises BadUsage."""
    first = _only(first, _heads(known))
    if not second or first in known or first not in _groups(known):
        return first, second
    members = {name.partition(" ")[2]: found for name, found in known.items() if name.startswith(f"{first} ")}
    return first, _only(second, members, f"{first} ")


def _only(typed: str, standing: Mapping[str, object], before: str = "") -> str:
    """The one name that begins with what was typed; what was typed, when none does. Raises BadUsage."""
    if typed.casefold() in standing:
        return typed.casefold()
    found = {id(what): name for name, what in reversed(list(standing.items())) if name.startswith(typed.casefold())}
    if len(found) > 1:
        *others, last = (f"/{before}{name}" for name in sorted(found.values()))
        raise BadUsage(f"/{before}{typed} is short for {', '.join(others)} and {last}.", "Type more of the name.")
    return next(iter(found.values()), typed)


def _heads(known: Mapping[str, Command]) -> dict[str, object]:
    """The first words of the commands; what each stands for, so that aliases of one command do not compete."""
    groups = _groups(known)
    return {name: found for name, found in known.items() if " " not in name} | {group: group for group in groups}


def _groups(known: Mapping[str, Command]) -> set[str]:
    return {name.partition(" ")[0] for name in known if " " in name}


def _whole(words: Sequence[str], known: Mapping[str, Command]) -> list[str]:
    """Words of a line, the name among them whole; as they are while it fits several."""
    first, second, *_ = (*words, "", "")
    try:
        return [*_name(first, second, known), *words[2:]][: len(words)]
    except BadUsage:
        return list(words)


def _last_word(line: str) -> tuple[list[str], str, str] | None:
    """(words before, the last word, how it is typed) of a line; None inside a quoted part of a word."""
    start = line.rindex('"') if line.count('"') % 2 else len(line) - len(re.search(r"\S*$", line)[0])  # type: ignore[index]
    if start and not line[start - 1].isspace():
        return None
    typed = line[start:]
    return split_words(line[:start]), typed.lstrip('"'), typed


def _argument(app: App, found: Command, before: Sequence[str], word: str, typed: str) -> Completed:
    """What can follow a command's name and the words `before`."""
    placed, used, waiting = _read(found, before)
    if waiting is not None:
        return _values(app, waiting, word, typed, placed)
    flag, equals, value = typed.partition("=")
    if flag.startswith("-") and equals:
        option = _option(found, flag)
        return _values(app, option, value, value, placed) if option else NOTHING
    if typed.startswith("-"):
        return Completed(len(typed), matching(_flags(found, used), typed))
    arguments = [p for p in found.parameters if p.is_argument]
    index = len(placed)
    if arguments and index >= len(arguments) and _repeats(arguments[-1].type):
        index = len(arguments) - 1
    return _values(app, arguments[index], word, typed, placed) if index < len(arguments) else NOTHING


def _read(found: Command, words: Sequence[str]) -> tuple[list[str], set[str], Parameter | None]:
    """The arguments among these words, the names of the options, and the option that waits for its value."""
    placed: list[str] = []
    used: set[str] = set()
    waiting: Parameter | None = None
    for word in words:
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and word != "-":
            option = _option(found, word.partition("=")[0])
            if option is not None:
                used.add(option.name)
                waiting = option if "=" not in word and bool not in (option.type, *get_args(option.type)) else None
        else:
            placed.append(word)
    return placed, used, waiting


def _option(found: Command, flag: str) -> Parameter | None:
    return next((option for option in found.options if flag in option.flags), None)


def _flags(found: Command, used: set[str]) -> Iterable[Candidate]:
    """The flags that may still be given; the long ones, and a short one that stands alone."""
    for option in found.options:
        if option.name not in used or _repeats(option.type):
            long = [flag for flag in option.flags if flag.startswith("--")]
            yield from (Candidate(flag, option.help) for flag in long or option.flags)
    yield Candidate("--help", "Show what the command does.")


def _values(app: App, parameter: Parameter, word: str, typed: str, placed: Sequence[str]) -> Completed:
    """Values of an argument or option, quoted where they hold spaces."""
    kind = parameter.completes or ("path" if _has(Path, parameter.type) else None)
    word = os.path.expanduser(word) if kind == "path" else word  # a shell would; in the chat nobody else does
    literals = [Candidate(value) for value in _literals(parameter.type)]
    found = literals or (CANDIDATES[kind](app, word, placed) if kind else ())
    sayable = [c for c in matching(found, word) if '"' not in c.text]  # there is no way to quote a quote
    return Completed(len(typed), [_quoted(c, typed.startswith('"')) for c in sayable])


def _repeats(kind: Any) -> bool:
    return get_origin(kind) is list or any(_repeats(part) for part in get_args(kind))


def _literals(kind: Any) -> tuple[str, ...]:
    """The choices of a `Literal`, also of one in a union."""
    inner = get_args(kind)
    return (
        tuple(map(str, inner)) if get_origin(kind) is Literal else tuple(c for part in inner for c in _literals(part))
    )


def _has(wanted: type, kind: Any) -> bool:
    return kind is wanted or any(_has(wanted, part) for part in get_args(kind))


def _quoted(candidate: Candidate, opened: bool) -> Candidate:
    """A folder keeps its quotes open, for what is in it."""
    text = candidate.text
    if not (opened or text.startswith("'") or any(map(str.isspace, text))):
        return candidate
    end = "" if text.endswith(("/", os.sep)) else '"'
    return candidate._replace(text=f'"{text}{end}', shown=candidate.shown or text)


def _shown(completed: Completed) -> Completed:
    """Only what a line can hold and a terminal can show: a name with control characters cannot be typed."""
    kept = [c for c in completed.candidates if clean(c.text, newlines=False) == c.text]
    return Completed(completed.replaced, [_one_line(c) for c in kept[:MOST]])


def _one_line(candidate: Candidate) -> Candidate:
    about = clean(candidate.help, newlines=False)
    about = about if len(about) <= HELP_WIDTH else about[: HELP_WIDTH - 1].rstrip() + "…"
    return candidate._replace(help=about, shown=clean(candidate.shown or candidate.text, newlines=False))
