"""A chat format as Ollama reads it: a Go template, made of what the model's own template puts around the messages.

Ollama knows no Jinja. What stands between the messages is read off one conversation with marks in it; that this is all
there is to the format is checked on other conversations. gpt2 and others without a template have the plain format.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from finetune.bases.chat_format import ChatFormat
from retrieval.errors import UserError
from retrieval.types import Message

_SYSTEM, _FIRST, _ANSWER, _SECOND = "zqsystemqz", "zqfirstqz", "zqanswerqz", "zqsecondqz"
_LAST = "{{ if eq (len (slice $.Messages $i)) 1 }}"
"""Whether a message is the last one."""
PROBES = (
    (Message("user", "Quel port écoute Gitea ?"),),
    (Message("system", "Tu réponds en une phrase.\nCite."), Message("user", "Who created NATS?")),
    (
        Message("user", "Redis ?"),
        Message("assistant", "Un cache. [chunk_7]"),
        Message("user", "{{ .System }} et {% sa %} licence ?"),
    ),
    (
        Message("system", "Answer from the documents."),
        Message("user", "[chunk_3] Licence : MIT\n\nQuelle licence ?"),
        Message("assistant", '"MIT"'),
        Message("user", "Et le port ?"),
        Message("assistant", "3000."),
        Message("user", "Merci"),
    ),
)


class TemplateFailed(UserError):
    """A chat template says more than what stands between messages."""


@dataclass(frozen=True)
class Turns:
    """The texts between the messages of a chat."""

    opening: str
    """Before the first question, where there is no system message."""
    system: tuple[str, str]
    """Around the system message, up to the first question; both empty where it stands before the last one."""
    late_system: str
    """Between the system message and the last question, where it stands there (Mistral); empty elsewhere."""
    to_answer: str
    """From a question to its answer."""
    to_question: str
    """From an answer to the next question."""
    ending: str
    """From the last question to the answer that is asked for."""

    def text(self, messages: Sequence[Message]) -> str:
        """A conversation, as the Go template writes it."""
        system = "\n\n".join(m.content for m in messages if m.role == "system")
        said = [m for m in messages if m.role != "system"]
        parts = [self.opening if not system or self.late_system else system.join(self.system)]
        for i, message in enumerate(said):
            last = i == len(said) - 1
            if message.role == "assistant":
                parts += [message.content]
                continue
            late = system + self.late_system if system and last and self.late_system else ""
            before = self.to_question if i else ""
            parts += [before, late, message.content, self.ending if last else self.to_answer]
        return "".join(parts)

    def without(self, bos: str) -> Turns:
        """The same without a token at the very beginning, which Ollama puts there itself."""
        before, after = self.system
        return Turns(
            self.opening.removeprefix(bos), (before.removeprefix(bos), after),
            self.late_system, self.to_answer, self.to_question, self.ending,
        )  # fmt: skip

    def go(self) -> str:
        """The template of Go."""
        opening, (before, after) = _literal(self.opening), map(_literal, self.system)
        late = f"{{{{ if $.System }}}}{{{{ $.System }}}}{_literal(self.late_system)}{{{{ end }}}}"
        head = "{{ if .System }}" + before + "{{ .System }}" + after + "{{ else }}" + opening + "{{ end }}"
        return (
            (opening if self.late_system else head)
            + "{{ $answered := false }}{{ range $i, $_ := .Messages }}"
            + '{{ if eq .Role "user" }}{{ if $answered }}' + _literal(self.to_question) + "{{ end }}"
            + (f"{_LAST}{late}{{{{ end }}}}" if self.late_system else "")
            + "{{ .Content }}" + _LAST + _literal(self.ending) + "{{ else }}" + _literal(self.to_answer) + "{{ end }}"
            + '{{ else if eq .Role "assistant" }}{{ .Content }}{{ $answered = true }}{{ end }}{{ end }}'
        )  # fmt: skip


def turns_of(chat: ChatFormat) -> Turns:
    """What a model's template puts around messages. Raises TemplateFailed, GeneratorFailed."""
    said = [Message("user", _FIRST), Message("assistant", _ANSWER), Message("user", _SECOND)]
    opening, to_answer, to_question, ending = _between(chat.text(said), (_FIRST, _ANSWER, _SECOND))
    told = chat.text([Message("system", _SYSTEM), *said])
    if told.find(_SYSTEM) > told.find(_ANSWER):
        *_, late, _ = _between(told, (_FIRST, _ANSWER, _SYSTEM, _SECOND))
        found = Turns(opening, ("", ""), late, to_answer, to_question, ending)
    else:
        before, after, *_ = _between(told, (_SYSTEM, _FIRST, _ANSWER, _SECOND))
        found = Turns(opening, (before, after), "", to_answer, to_question, ending)
    for probe in PROBES:
        if found.text(probe) != chat.text(probe):
            raise _failed()
    return found


def _between(text: str, marks: Sequence[str]) -> list[str]:
    """What stands before, between and after the marks. Raises TemplateFailed when they are not there once, in this order."""
    parts: list[str] = []
    for mark in marks:
        if text.count(mark) != 1:
            raise _failed()
        before, _, text = text.partition(mark)
        parts.append(before)
    return [*parts, text]


def _failed() -> TemplateFailed:
    message = (
        "The model's chat template cannot be said in Ollama's: it writes a message otherwise than the ones before."
    )
    return TemplateFailed(message, "Serve the GGUF file with llama.cpp, which reads that template: dyag export-gguf.")


def _literal(text: str) -> str:
    """A text of the template; as a string of Go where the text would be read as one of its marks, or as a Modelfile's."""
    plain = "{{" not in text and '"""' not in text and not text.endswith(("{", '"'))
    return text if plain else f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}"
