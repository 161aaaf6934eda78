"""The chat loop: read a line, run a command or answer a question, go on whatever happens."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from assistant.batch import BatchFailure
from assistant.command import chat_commands, parse_slash, slashed, split_name, split_words
from assistant.commands.ask import ask_view
from assistant.commands.talk import Leave, Said
from assistant.jobs.view import view
from assistant.sanitize import without_passwords
from assistant.screen import OutputFailed, bold, dim, duration, shortened
from assistant.terminal.complete import expand
from assistant.terminal.echo import silent
from assistant.warmup import WarmUp
from assistant.workspace import log_traceback
from retrieval.errors import GeneratorFailed, UserError
from retrieval.text import detect_language

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.terminal.prompt import Terminal
    from retrieval.types import Answer

PROMPT = "› "
INTERRUPTED_CODE = 130
_LEAVING = ("exit", "quit")
_SMALL_TALK = {
    "fr": "Posez une question sur vos documents ; /help liste les commandes.",
    "en": "Ask something about your documents; /help lists the commands.",
}


@dataclass
class Chat:
    """One session: at a terminal, or one question a line from a file or pipe."""

    app: App
    interactive: bool
    as_json: bool = False
    terminal: Terminal | None = None
    """The prompt of an interactive chat; made when first needed."""
    _asked: set[int] = field(default_factory=set)
    """Exit codes of the questions."""
    _ran: set[int] = field(default_factory=set)
    """Exit codes of the commands."""

    def run(self) -> int:
        """Chat until the input ends or /quit, and return the exit code."""
        warm = WarmUp(self.app)
        if self.interactive:
            self.app.conversation.numbered = True
            self.app.screen.as_typed = slashed
            self._welcome()
            self.terminal = self.terminal or self._prompt(warm)
            terminal = self.terminal
            terminal.when_drawn(lambda: warm.begin(terminal.refresh))
        for number, text in enumerate(map(str.strip, self._lines()), 1):
            if not text:
                continue
            warm.wait()
            try:
                (self._ran if text.startswith("/") else self._asked).add(self._turn(number, text))
            except Leave:
                break
            finally:
                self.app.conversation.keep_lines()
        if self.interactive:
            self._leave()
        codes = self._asked or self._ran
        return 0 if self.interactive else next((code for code in (0, 3, 1) if code in codes), 0)

    def _welcome(self) -> None:
        is_new = not self.app.home.library.is_file()
        about = "nothing is indexed yet: /index PATH reads your documents · " if is_new else ""
        self.app.screen.out(bold("dyag"), dim(f"  {about}/help for commands · Ctrl-D to leave"))

    def _prompt(self, warm: WarmUp) -> Terminal:
        from assistant.terminal.prompt import Terminal

        return Terminal(self.app, bar=lambda: status_line(self.app, warm))

    def _lines(self) -> Iterator[str]:
        if self.terminal is None:
            yield from (raw.decode("utf-8", "replace") for raw in sys.stdin.buffer)
            return
        while True:
            self._tell_of_jobs()
            try:
                yield self.terminal.ask()
            except EOFError:
                return

    def _turn(self, number: int, text: str) -> int:
        """One line, whatever happens; only Ctrl-C, and an output that cannot be written, end a chat that is piped."""
        try:
            code = self._run(text)
            if code == INTERRUPTED_CODE and self.terminal:
                self.terminal.interrupted()  # another Ctrl-C at the prompt is the second one
            return code
        except (OutputFailed, Leave):
            raise
        except UserError as error:
            self._say(error, number, text)
            return 1
        except KeyboardInterrupt:
            if self.terminal is None:
                raise
            self.terminal.interrupted()
            self.app.screen.note("interrupted")
            return 1
        except Exception as error:
            if not self.interactive:
                raise
            log_traceback(self.app.home)
            self.app.screen.error(f"a bug: {type(error).__name__}: {error}; the traceback is in {self.app.home.log}")
            return 1
        finally:
            self.app.screen.flush()

    def _run(self, text: str) -> int:
        if self.interactive and text.casefold() in _LEAVING:
            raise Leave
        if text.startswith("/"):
            return self._command(expand(text, chat_commands()))
        if self.interactive and self._small_talk(text):
            return 0
        if not (self.interactive or self.as_json):
            self.app.screen.out(bold(f"{PROMPT}{text}"))
        with silent() if self.terminal else nullcontext():
            return answer_turn(self.app, text, as_json=self.as_json)

    def _small_talk(self, text: str) -> bool:
        """Whether this was only a courtesy, which is answered without a search."""
        from assistant.rewrite import is_small_talk

        if not is_small_talk(text):
            return False
        spoken = [exchange.answer.language for exchange in self.app.conversation.exchanges]
        self.app.screen.out(dim(_SMALL_TALK[detect_language(text, default=spoken[-1] if spoken else "en")]))
        return True

    def _command(self, line: str) -> int:
        """A slash-command; a long one becomes a job, where there is a prompt to go on with."""
        from assistant.render import show

        call = parse_slash(line)
        if call is None:
            return 0
        if not (self.interactive and call.background):
            return show(_as_typed_here(call.run(self.app)), self.app.screen, as_json=self.as_json or call.as_json)
        asked = call.command.before_job(self.app, call.arguments) if call.command.before_job else ()
        _, given = split_name(split_words(line[1:]), chat_commands())
        words = [*call.command.name.split(), *map(os.path.expanduser, given), *asked]
        job = self.app.jobs.start(line[1:], words)
        begun = "waits for its turn" if job.queue and self.app.jobs.ahead(job) else "has begun"
        self.app.screen.out(f"Job {job.number} {begun}; ask on meanwhile. ", dim("/jobs shows it, /cancel stops it"))
        return 0

    def _tell_of_jobs(self) -> None:
        try:
            ended = self.app.jobs.told()
        except UserError:  # a journal that is busy is read at the next prompt; one that is damaged, said when written
            return
        for job in ended:
            files = self.app.jobs.files(job)
            ending = slashed(view(job, files).ending)
            self.app.screen.prose(bold(f"Job {job.number} ({shortened(job.line)}): {ending}"))
            if "--json" in job.words:  # for a program, as what a server begins
                self.app.screen.out(dim(f"/jobs show {job.number} tells more"))
            else:
                self.app.screen.laid_out(files.result)
            if job.state in ("cancelled", "killed"):
                self.app.screen.out(dim(f"/jobs resume {job.number} goes on with it"))

    def _leave(self) -> None:
        """Say what goes on without the chat."""
        try:
            running, _ = self.app.jobs.glance()
        except UserError:
            running = []
        self.app.jobs.close()
        if running:
            numbers = ", ".join(str(job.number) for job in running)
            name = f"Job {numbers} goes" if len(running) == 1 else f"Jobs {numbers} go"
            self.app.screen.out(f"{name} on without the chat; `dyag jobs` shows how far.")

    def _say(self, error: UserError, number: int, text: str) -> None:
        hint = error.hint
        if isinstance(error, GeneratorFailed):
            hint = f"{hint} /model extractive answers without a model.".strip()
        if self.as_json:
            from assistant.render import plain

            self.app.screen.json(plain(BatchFailure(text[:200], error.message, hint, number)))
        elif self.interactive:
            self.app.screen.error(slashed(error.message), slashed(hint))
        else:
            self.app.screen.error(error.message, hint)


def _as_typed_here(result: Any) -> Any:
    """A confirmation names commands as they are typed in the chat."""
    return replace(result, message=slashed(result.message)) if isinstance(result, Said) else result


def answer_turn(app: App, question: str, *, as_json: bool) -> int:
    """Answer a question in the app's conversation, show and record it; returns the exit code."""
    from assistant.present import finished, show_sources, stream
    from assistant.render import plain

    events = app.conversation.ask(question)
    if as_json:
        answer = finished(events)
        number = app.conversation.keep(answer)
        app.screen.json(plain(ask_view(answer, interaction=number)))
    else:
        done = stream(events, app.screen)
        answer = done.answer
        number = app.conversation.keep(answer)  # before the rest is shown: Ctrl-C there loses nothing
        show_sources(done, app.screen)
        app.screen.out(*([dim(footer(answer, number))] if app.conversation.numbered else []))
    return ask_view(answer).exit_code


def footer(answer: Answer, number: int | None) -> str:
    """`12 · rag · extractive · 0.1 s`: the number that /good, /bad and /fix take."""
    parts = [f"{number}" if number else "not recorded", answer.mode, answer.generator, duration(answer.seconds)]
    return " · ".join(parts) + "\n"


def status_line(app: App, warm: WarmUp) -> str:
    """`rag · extractive (auto) · 311 chunks`."""
    if "settings" not in app.__dict__:  # they are read behind the prompt too
        return "loading"
    answer = app.settings.answer
    name = answer.generator if answer.mode == "rag" else answer.finetuned_model or promoted_name(app)
    made = app.__dict__.get("generator") if name else None  # what answered may have been rolled back
    shown = without_passwords(name if made is None or made.name == without_passwords(name) else f"{made.name} ({name})")
    parts = [answer.mode, shown or "no promoted model", index_state(app), *(jobs_state(app) or ["no jobs"])]
    return " · ".join([*parts, *(["loading"] if warm.running else [])])


def promoted_name(app: App) -> str:
    """`run:ID`; empty for none, and for a pointer that cannot be read, which the next question tells."""
    try:
        current = app.promotions.current()
    except UserError:
        return ""
    return f"run:{current.id}" if current else ""


def jobs_state(app: App) -> list[str]:
    """`job 3: train 42% loss 1.31 · 2 min 05 s left`, a text for each."""
    try:
        running, ended = app.jobs.glance()
    except UserError:  # a journal that is busy, or cannot be read; the rest of the bar is worth showing
        return ["jobs unknown"]
    shown = [f"job {job.number}: {view(job, app.jobs.files(job)).summary}" for job in running]
    return shown + [f"job {job.number} has ended, Enter shows it" for job in ended]


def index_state(app: App) -> str:
    """`311 chunks`."""
    if not app.home.library.is_file():
        return "no index"
    library = app.__dict__.get("library")
    return f"{library.count_chunks()} chunks" if library else "index"
