"""A command is declared once: a typed function with a docstring.

    @command(examples=('dyag search "who owns Orion"',))
    def search(app: App, question: Annotated[str, typer.Argument(help="…")], top_k: int = 10) -> SearchResult:
        "Show the passages found for a question."

becomes `dyag search`, `/search` in the chat, an entry of the completion, and the body of a job or an API call. Typer
only parses: it hands back a `Call`, so nothing of ours runs inside it. A name of two words belongs to a group:
`@command("feedback list")` is `dyag feedback list` and `/feedback list`.
"""

from __future__ import annotations

import copy
import difflib
import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperGroup
from typer.models import ArgumentInfo, OptionInfo, ParameterInfo

from assistant.screen import writing
from retrieval.errors import BadInput

if TYPE_CHECKING:
    from assistant.app import App

F = TypeVar("F", bound=Callable[..., Any])

_INTERRUPTED = 130
"""What typer makes of Ctrl-C."""
NAMED = re.compile(r"(?<![\w/])dyag (?:--set (?:'[^']*'|\S+) )*([a-z][a-z-]*)(?=[ `.]|$)", re.MULTILINE)
"""A command as it is typed in a shell."""
MANUAL = "Manual: docs/commands.md"
WORD = re.compile(r"""
    "([^"]+)"(?=\s|$)                # "two words"
  | '(.+?)'(?=\s|$)                  # 'two words'; a quote inside a word is an apostrophe
  | ((?:[^\s"]+|"[^"]*"|")+)         # a word, perhaps with a quoted part: --name="two words"
    """, re.VERBOSE)  # fmt: skip


BeforeJob = Callable[["App", Mapping[str, Any]], Sequence[str]]
Told = Callable[[Mapping[str, Any]], bool]
"""Of the arguments of a call."""
Kind = Literal[
    "answer", "chunk", "command", "evaluation", "job", "mode", "model", "path", "run", "session", "setting", "value"
]


@dataclass(frozen=True)
class Completes:
    """What a parameter is completed with; beside typer's part in `Annotated[…]`. See assistant/terminal/complete.py."""

    kind: Kind


class BadUsage(BadInput):
    """A command line that cannot be understood: an unknown name or option, a missing or bad value."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a command: an option, or an argument (given by its place)."""

    name: str
    type: Any
    """The annotation without typer's part: `int`, `Path`, `Literal["rag", "hybrid"]`…"""
    default: Any
    """`inspect.Parameter.empty` when it must be given."""
    info: ParameterInfo | None
    completes: Kind | None = None

    @property
    def is_argument(self) -> bool:
        return isinstance(self.info, ArgumentInfo) or (self.info is None and self.default is inspect.Parameter.empty)

    @property
    def flags(self) -> tuple[str, ...]:
        """`--top-k`, `-k`; as typer derives them when none is declared."""
        if self.is_argument:
            return ()
        long = f"--{self.name.replace('_', '-')}"
        derived = (long, f"--no-{long[2:]}") if self.type is bool else (long,)
        # In `Annotated[int, typer.Option("--top-k", "-k")]` typer stores the first flag as the default.
        declared = (self.info.default, *(self.info.param_decls or ())) if isinstance(self.info, OptionInfo) else ()
        flags = [flag for flag in declared if isinstance(flag, str) and flag.startswith("-")]
        return tuple(part for flag in flags for part in flag.split("/")) or derived

    @property
    def help(self) -> str:
        return (self.info.help if self.info else None) or ""

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def metavar(self) -> str:
        """What stands for it in a usage line."""
        given = self.info.metavar if isinstance(self.info, ArgumentInfo) else None
        name = given or self.name.upper()
        return f"{name}…" if get_origin(self.type) is list else name

    @property
    def choices(self) -> tuple[str, ...]:
        return tuple(map(str, get_args(self.type))) if get_origin(self.type) is Literal else ()

    def signature(self, *, as_words: bool = False) -> inspect.Parameter:
        """The same parameter as typer reads it; `as_words`: a text given as any number of words."""
        kind = list[str] if as_words else self.type
        default = None if as_words and self.default is not inspect.Parameter.empty else self.default
        info = copy.copy(self.info) if as_words else self.info
        if as_words and info is not None:
            info.metavar = info.metavar or self.name.upper()  # typer would show `list[str]`
        annotation = kind if info is None else Annotated[kind, info]
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


AS_JSON = Parameter("as_json", bool, False, typer.Option("--json", help="Print the result as JSON."))


@dataclass(frozen=True)
class Command:
    """A declared command; everything else is read from its function."""

    name: str
    function: Callable[..., Any]
    background: bool = False
    """Long work: the chat and the API run it as a job."""
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    in_chat: bool = True
    """Whether it is a slash-command."""
    on_cli: bool = True
    """Whether it is a subcommand of `dyag`."""
    before_job: BeforeJob | None = None
    """Asks what a job has nobody to ask; returns words to add to its command line."""
    queue: str | Callable[[Mapping[str, Any]], str] = ""
    """Jobs of one queue run one after the other; those of `training` are given no provider's key, see jobs/environment.py."""
    at_once: Told | None = None
    """Which calls of a long command are no job."""

    def queue_of(self, words: Sequence[str]) -> str:
        """The queue of the job that these words of a chat line make. Raises BadUsage."""
        if isinstance(self.queue, str):
            return self.queue
        call = parse_words(words)
        return self.queue(call.arguments) if call else ""

    @property
    def help(self) -> str:
        return inspect.getdoc(self.function) or ""

    @property
    def summary(self) -> str:
        return self.help.partition("\n")[0]

    @property
    def usage(self) -> str:
        """`search [QUERY]`: the name and its arguments."""
        arguments = (p for p in self.parameters if p.is_argument)
        return " ".join([self.name, *(f"<{p.metavar}>" if p.required else f"[{p.metavar}]" for p in arguments)])

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """All but `app` and `as_json`. Only their annotations are resolved: `App` and the result may be typing-only names."""
        _, *declared = (p for p in inspect.signature(self.function).parameters.values() if p.name != AS_JSON.name)
        named = SimpleNamespace(__annotations__={p.name: p.annotation for p in declared})
        types = get_type_hints(named, globalns=self.function.__globals__, include_extras=True)
        return tuple(_parameter(p.name, types[p.name], p.default) for p in declared)

    @property
    def shows_itself(self) -> bool:
        """Whether the function takes `as_json` and shows what it does as it goes; it returns its exit code."""
        return AS_JSON.name in inspect.signature(self.function).parameters

    @property
    def options(self) -> tuple[Parameter, ...]:
        """What completion and help offer after the name: parameters with flags, `--json` last."""
        return (*(p for p in self.parameters if not p.is_argument), AS_JSON)


@dataclass(frozen=True)
class Call:
    """A command with its parsed arguments, ready to run."""

    command: Command
    arguments: Mapping[str, Any]
    as_json: bool = False

    @property
    def background(self) -> bool:
        """Whether it is long work."""
        return self.command.background and not (self.command.at_once and self.command.at_once(self.arguments))

    def run(self, app: App) -> Any:
        """What the function returns: a dataclass, an iterator of dataclasses, an exit code, or None."""
        own = {AS_JSON.name: self.as_json} if self.command.shows_itself else {}
        return self.command.function(app, **self.arguments, **own)


COMMANDS: list[Command] = []
"""As declared so far; read through `commands`."""
GROUPS: dict[str, str] = {}
"""Help of the groups that commands with a name of two words belong to."""


def command(
    name: str | None = None,
    *,
    background: bool = False,
    aliases: Sequence[str] = (),
    examples: Sequence[str] = (),
    in_chat: bool = True,
    on_cli: bool = True,
    before_job: BeforeJob | None = None,
    queue: str | Callable[[Mapping[str, Any]], str] = "",
    at_once: Told | None = None,
) -> Callable[[F], F]:
    """Declare a command; the function is left as it is. `background`: long work, a job in the chat and the API.

    `queue` may depend on the arguments. `at_once`: which calls of a long command take no time, and are no jobs.
    """

    def declare(function: F) -> F:
        own_name = name or function.__name__.replace("_", "-")
        found = Command(
            own_name, function, background, tuple(aliases), tuple(examples), in_chat, on_cli, before_job, queue, at_once
        )
        if taken := {own_name, *aliases} & {n for c in COMMANDS for n in (c.name, *c.aliases)}:
            raise ValueError(f"declared twice: {', '.join(sorted(taken))}")
        COMMANDS.append(found)
        return function

    return declare


def commands() -> dict[str, Command]:
    """Every command by each of its names: its own, then its aliases."""
    import assistant.commands  # noqa: F401  (importing declares them)

    return {name: found for found in COMMANDS for name in (found.name, *found.aliases)}


def chat_commands() -> dict[str, Command]:
    """The slash-commands by each of their names."""
    return {name: found for name, found in commands().items() if found.in_chat}


def cli_commands() -> dict[str, Command]:
    """The subcommands by each of their names."""
    return {name: found for name, found in commands().items() if found.on_cli}


def split_name(words: Sequence[str], known: Mapping[str, Command]) -> tuple[str, list[str]]:
    """The command that a line's words begin with, by its one or two words, and the words after it."""
    two = " ".join(words[:2])
    return (two, list(words[2:])) if two in known else (next(iter(words), ""), list(words[1:]))


def subcommand(program: typer.Typer, name: str, found: Command, *, free_text: bool = False) -> None:
    """Make a command a subcommand of a typer program; a call of that program returns a `Call`.

    `free_text`: the words given for the last text argument are joined, so a question needs no quotes in the chat. A run
    has a name of one word.
    """
    *_, last = (None, *(p for p in found.parameters if p.is_argument))
    is_text = last is not None and last.type in (str, str | None) and last.completes != "run"
    joined = last if free_text and is_text else None

    def parsed(as_json: bool = False, **given: Any) -> Call:
        if joined is not None:
            words = given[joined.name]
            given[joined.name] = (
                " ".join(words) if words or joined.default is inspect.Parameter.empty else joined.default
            )
        return Call(found, given, as_json)

    signature = [p.signature(as_words=p is joined) for p in (*found.parameters, AS_JSON)]
    parsed.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    parsed.__annotations__ = {p.name: p.annotation for p in signature}
    own_name = name.partition(" ")[2] or name
    program.command(own_name, help=found.help, epilog=_epilog(found), hidden=name != found.name)(parsed)


class Group(TyperGroup):
    """A group whose name alone may be a command with arguments: `dyag eval FILE`, beside `dyag eval list`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ITSELF in self.commands and not (args and args[0] in self.commands):
            args = [ITSELF, *args]
        return super().parse_args(ctx, args)


ITSELF = "run"
"""What such a command is called within its group."""


def by_itself(group: typer.Typer, found: Command) -> None:
    """Let a group's name alone be a command."""
    if any(p.is_argument for p in found.parameters):
        subcommand(group, f"{found.name} {ITSELF}", found)
        return

    def parsed(as_json: bool = False, **given: Any) -> Call:
        return Call(found, given, as_json)

    signature = [p.signature() for p in (*found.parameters, AS_JSON)]
    parsed.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    parsed.__annotations__ = {p.name: p.annotation for p in signature}
    group.callback(invoke_without_command=True)(parsed)


def parse(program: typer.Typer, words: Sequence[str], prog_name: str) -> Call | None:
    """The call that these words make; None when typer has answered itself (`--help`). Raises BadUsage."""
    try:
        with writing():  # the help
            result = program(args=list(words), prog_name=prog_name, standalone_mode=False)
    except typer.TyperException as error:
        named = _named(words) if prog_name == "dyag" else ""
        message = error.format_message().replace("Value error, ", "")  # pydantic's, which typer hands on
        if prog_name == "dyag" and named and re.search(r"No such option: --(?:home|set|version)\b", message):
            raise BadUsage(
                message, f"It goes before the command: dyag --home FOLDER --set KEY=VALUE {named} …"
            ) from error
        raise BadUsage(message, f"See `{f'{prog_name} {named}'.rstrip()} --help`.") from error
    if result == _INTERRUPTED:
        raise KeyboardInterrupt
    return result if isinstance(result, Call) else None


def _named(words: Sequence[str]) -> str:
    """The command, or the group, that a command line of `dyag` is about."""
    known = cli_commands()
    for i, word in enumerate(words):
        name, _ = split_name(words[i:], known)
        if name in known or word in GROUPS:
            return name
    return ""


def parse_slash(line: str) -> Call | None:
    """The call made by a chat line such as `/search who owns it --top-k 3`; None when it asked for help.

    Raises BadUsage.
    """
    return parse_words(split_words(line.removeprefix("/")))


def parse_words(given: Sequence[str]) -> Call | None:
    """The call that the words of a chat line make; None when they asked for help. Raises BadUsage."""
    known = chat_commands()
    name, words = split_name(given, known)
    if name not in known:
        raise _unknown(name, words, known)
    program = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    subcommand(program, name, known[name], free_text=True)
    call = parse(program, words, f"/{name}")
    return call and Call(call.command, {key: _at_home(value) for key, value in call.arguments.items()}, call.as_json)


def _at_home(value: Any) -> Any:
    """A path with its `~` replaced, as a shell would have done."""
    if isinstance(value, list):
        return [_at_home(item) for item in value]
    return value.expanduser() if isinstance(value, Path) else value


def _unknown(name: str, words: Sequence[str], known: Mapping[str, Command]) -> BadUsage:
    members = [n for n in known if n.startswith(f"{name} ")]
    if not members:
        own = [f"/{n}" for n, found in known.items() if n == found.name]
        return BadUsage(f"There is no command /{name}.", nearest(f"/{name}", own))
    if not words:
        return BadUsage(f"/{name} needs one more word.", f"Known: {', '.join(f'/{n}' for n in sorted(members))}.")
    typed = f"/{name} {words[0]}"
    return BadUsage(f"There is no command {typed}.", nearest(typed, [f"/{n}" for n in members]))


def slashed(text: str) -> str:
    """A text with the commands it names as they are typed in the chat: `dyag index PATH` is `/index PATH`."""
    known = {name.partition(" ")[0] for name in chat_commands()}
    return NAMED.sub(lambda found: f"/{found[1]}" if found[1] in known else found[0], text)


def split_words(line: str) -> list[str]:
    """Words of a chat line, grouped by quotes. Not shlex, to which the apostrophes of « l'état d'âme » are quotes."""
    return [double or single or _unquoted(word) for double, single, word in WORD.findall(line)]


CLEARLY = 0.2
"""By how much the likeliest spelling must be nearer than another, which is then not worth naming."""


def nearest(typed: str, known: Iterable[str]) -> str:
    """A hint with the likeliest spellings, or with all that is known when none is near."""
    known = sorted(known)
    close = difflib.get_close_matches(typed, known, n=2)
    likeness = [difflib.SequenceMatcher(None, name, typed).ratio() for name in close]
    close = [name for name, like in zip(close, likeness, strict=True) if like > likeness[0] - CLEARLY]
    return f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(known)}."


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    kind, *metadata = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    completes = next((m.kind for m in metadata if isinstance(m, Completes)), None)
    return Parameter(name, kind, default, next((m for m in metadata if isinstance(m, ParameterInfo)), None), completes)


def _unquoted(word: str) -> str:
    return word if word.count('"') % 2 else word.replace('"', "")


def _epilog(found: Command) -> str:
    r"""Examples and manual; `\b` keeps typer from joining the lines."""
    examples = "\n".join(["\b", "Examples:", *(f"  {line}" for line in found.examples)])
    return f"{examples}\n\n{MANUAL}" if found.examples else MANUAL
