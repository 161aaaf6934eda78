"""`dyag`: global options, then a command. Exit codes: 0 done, 1 error, 2 usage, 3 no answer found, 130 interrupted."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from assistant import __version__
from assistant.command import MANUAL, BadUsage, commands, parse, subcommand
from assistant.screen import ReaderGone, Screen
from assistant.workspace import Home, find_home
from retrieval.errors import UserError
from retrieval.files import private_folder

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
        return _guarded(list(sys.argv[1:] if argv is None else argv), Flags(), Screen())
    except ReaderGone:
        # The interpreter flushes once more as it exits; that must not fail either.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere, stream.fileno())
        return 0


def _guarded(argv: list[str], flags: Flags, screen: Screen) -> int:
    """The edge where errors become a message and an exit code."""
    try:
        code = _run(argv, flags, screen)
        screen.flush()
        return code
    except ReaderGone:
        raise
    except UserError as error:
        screen.error(error.message, error.hint)
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

    for name, found in commands().items():
        subcommand(program, name, found)
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
        log = flags.find_home().log
        private_folder(log.parent)
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
            file.write(f"--- {datetime.now().astimezone().isoformat(timespec='seconds')} dyag {__version__}\n{trace}")
    except (OSError, UserError):
        screen.note(trace)
        return "the traceback is above"
    return f"the traceback is in {log}"


if __name__ == "__main__":
    sys.exit(main())
