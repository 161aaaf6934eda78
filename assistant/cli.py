"""`dyag`: global options, then a command. Exit codes: 0 done, 1 error, 2 usage, 3 no answer found, 130 interrupted."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TextIO

import typer

from assistant import __version__
from assistant.command import GROUPS, MANUAL, BadUsage, Group, by_itself, cli_commands, parse, subcommand
from assistant.screen import OutputFailed, ReaderGone, Screen
from assistant.workspace import Home, find_home, log_traceback
from retrieval.errors import UserError

INTERRUPTED = 130


@dataclass
class Flags:
    """Global options, as typer reads them."""

    home: Path | None = None
    overrides: dict[str, str] = field(default_factory=dict)

    def find_home(self) -> Home:
        return find_home(self.home, os.environ, Path.cwd())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (`sys.argv` by default) and return its exit code."""
    try:
        _open_streams()
        return _guarded(list(sys.argv[1:] if argv is None else argv), Flags(), Screen())
    except ReaderGone:
        _discard(sys.stdout, sys.stderr)
        return 0


def _open_streams() -> None:
    """Stand-ins for streams that are closed (`2>&-`); that of stdout cannot be written, so the command ends at once."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name != "stderr" else "w"))  # noqa: SIM115


def _discard(*streams: TextIO) -> None:
    """The interpreter flushes once more as it exits; that must not fail either."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(nowhere, stream.fileno())


def _guarded(argv: list[str], flags: Flags, screen: Screen) -> int:
    """The edge where errors become a message and an exit code."""
    try:
        if not sys.stdout.writable():
            raise OutputFailed("it is closed")
        code = _run(argv, flags, screen)
        screen.flush()
        return code
    except ReaderGone:
        raise
    except UserError as error:
        screen.error(error.message, error.hint)
        if isinstance(error, OutputFailed):
            _discard(sys.stdout)
        return 2 if isinstance(error, BadUsage) else 1
    except (KeyboardInterrupt, typer.Abort):
        screen.note("dyag: interrupted")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the edge: a bug is logged with its traceback)
        what = " ".join(f"{type(error).__name__}: {error}".split())
        screen.error(f"a bug: {what}; {_log_bug(flags, screen)}")
        return 1


def _run(argv: list[str], flags: Flags, screen: Screen) -> int:
    call = parse(_program(flags), argv or ["--help"], "dyag")
    if call is None:
        return 0
    from assistant.app import App
    from assistant.render import show

    app = App(flags.find_home(), flags.overrides, screen)
    if flags.overrides and call.command.name != "doctor":  # which reports them among its checks
        app.settings  # noqa: B018  (a wrong --set is told by every command, also by one that reads no setting)
    return show(call.run(app), screen, as_json=call.as_json)


def _program(flags: Flags) -> typer.Typer:
    program = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, epilog=MANUAL)

    @program.callback(help="Ask your own documents, and see where each answer comes from.")
    def globals_(
        home: Annotated[Path | None, typer.Option(help="Workspace folder.", show_default=False)] = None,
        settings: Annotated[
            list[str] | None, typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; repeatable.")
        ] = None,
        version: Annotated[
            bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
        ] = False,
    ) -> None:
        flags.home = home
        flags.overrides = dict(map(_override, settings or ()))

    known = cli_commands()  # which declares the groups too
    groups = {
        name: typer.Typer(cls=Group, rich_markup_mode=None, help=help, epilog=MANUAL) for name, help in GROUPS.items()
    }
    for name, found in known.items():
        head, _, own_name = name.partition(" ")
        if name in groups:  # `dyag runs` by itself, beside `dyag runs show`
            by_itself(groups[name], found)
        else:
            subcommand(groups[head] if own_name else program, name, found, free_text=True)
    for name, group in groups.items():
        program.add_typer(group, name=name)
    return program


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"dyag {__version__}")
        raise typer.Exit()


def _override(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise BadUsage(f"--set {text} has no value.", "Write --set section.key=value; `dyag config` lists the keys.")
    return name.strip(), value


def _log_bug(flags: Flags, screen: Screen) -> str:
    """Keep the traceback of the exception being handled, and say where it is."""
    trace = traceback.format_exc()
    if os.environ.get("DYAG_DEBUG") == "1":
        screen.note(trace)
    try:
        home = flags.find_home()
        log_traceback(home)
    except (OSError, UserError):
        screen.note(trace)
        return "the traceback is above"
    return f"the traceback is in {home.log}"


if __name__ == "__main__":
    sys.exit(main())
