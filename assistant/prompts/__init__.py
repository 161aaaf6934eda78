"""What a language model is told, in files one can read and replace.

A file holds the system message, a line `---`, and the user message. `{documents}`, `{question}` and `{history}` in it are
replaced once: a document that holds `{question}` stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.prompts.fence import fenced
from assistant.prompts.refusals import is_refusal
from retrieval.errors import BadSetting
from retrieval.types import Language, Message

if TYPE_CHECKING:
    from assistant.settings import PromptSettings

__all__ = ["Prompt", "Prompts", "fenced", "is_refusal", "load_prompts"]

FOLDER = Path(__file__).parent
LANGUAGES: tuple[Language, ...] = ("fr", "en")
NEEDED = {
    "answer": ("documents", "question"),
    "finetuned": ("question",),
    "rewrite": ("history", "question"),
}
"""Placeholders that each kind of prompt must hold."""
_PLACEHOLDER = re.compile(r"\{(documents|question|history)\}")
_SEPARATOR = re.compile(r"^---[ \t]*\n", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """One prompt file: two messages with placeholders."""

    system: str
    user: str

    def messages(self, **values: str) -> tuple[Message, Message]:
        """The system and the user message, placeholders replaced by these values."""
        return Message("system", _filled(self.system, values)), Message("user", _filled(self.user, values))


@dataclass(frozen=True)
class Prompts:
    """The prompts of a workspace, each by language."""

    answer: Mapping[Language, Prompt]
    """From passages."""
    finetuned: Mapping[Language, Prompt]
    """From what the model has learnt, no passages given."""
    rewrite: Mapping[Language, Prompt]
    """A follow-up to a question of its own."""


def load_prompts(settings: PromptSettings, home: Path) -> Prompts:
    """The built-in prompts, or the files the settings name, relative to the workspace `home`.

    Raises BadSetting for a file that cannot be read or lacks the separator or a placeholder.
    """

    def of_kind(kind: str) -> Mapping[Language, Prompt]:
        return {language: _load(kind, language, settings, home) for language in LANGUAGES}

    return Prompts(of_kind("answer"), of_kind("finetuned"), of_kind("rewrite"))


def _load(kind: str, language: Language, settings: PromptSettings, home: Path) -> Prompt:
    name = f"{kind}_{language}"
    chosen: str = getattr(settings, name)
    path = home / Path(chosen).expanduser() if chosen else FOLDER / f"{kind}.{language}.md"
    return _parsed(_text(path, name), path, name, NEEDED[kind])


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        message = f"prompts.{name}: {path} cannot be read: {why}."
        raise BadSetting(message, f"Correct prompts.{name}, or remove it to use the built-in prompt.") from error


def _parsed(text: str, path: Path, name: str, needed: tuple[str, ...]) -> Prompt:
    system, *user = _SEPARATOR.split(text + "\n", maxsplit=1)
    if not user:
        message = f"prompts.{name}: {path} has no line `---`."
        raise BadSetting(message, "Write the system message, a line `---`, then the user message.")
    missing = [f"{{{n}}}" for n in needed if n not in _PLACEHOLDER.findall(text)]
    if missing:
        message = f"prompts.{name}: {path} does not hold {' and '.join(missing)}."
        raise BadSetting(message, f"Put {' and '.join(missing)} where the text is to stand.")
    return Prompt(system.strip(), user[0].strip())


def _filled(template: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), template)
