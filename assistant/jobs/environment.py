"""What a job is given: environment variables, and a command line of which the journal keeps no password."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from assistant.sanitize import without_passwords
from assistant.settings import SECRET, variable

WORDS = "DYAG_JOB"
"""The command line as JSON, where the journal's has a password replaced: only the user can read a process's environment."""
HIDDEN = "***"
_KEPT = {
    "training": {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"},
    "hosted": {"OPENAI_API_KEY", "OPENAI_BASE_URL", variable("model.api_key"), variable("model.base_url")},
}
"""What jobs of a queue are given all the same: a gated base model is fetched with it; it opens the service that trains."""
_REPORTERS = {"wandb": "WANDB_", "mlflow": "MLFLOW_"}
"""What the variables of a reporter begin with: the one that `--report-to` names logs in with them."""
_NAMES = re.compile(r"(?:KEYS?|TOKEN|SECRETS?|PASSW(?:OR)?D|PASSPHRASE|CREDENTIALS?)(?=_|$)", re.IGNORECASE)
_PROXY = re.compile(r"_proxy$", re.IGNORECASE)
_OPTION = re.compile(rf"--[\w-]*(?:{'|'.join(SECRET)})", re.IGNORECASE)


def environment(
    queue: str, words: Sequence[str], settings: Mapping[str, str], environ: Mapping[str, str]
) -> dict[str, str]:
    """The variables of a job of this queue and command line: the chat's, and the settings changed there.

    A command line is there for everybody to read, so settings go by the environment. A training runs for hours with code
    of many hands in it, and asks no provider: it is given no key, and no address with a password but that of a proxy and
    what the reporter that it is told to use needs. A hosted training is given the key of its service, and no other.
    """
    given = {**environ, **{variable(name): value for name, value in settings.items()}}
    if queue not in _KEPT:
        return given
    reporters = tuple(_REPORTERS[name] for name in _reported(words) if name in _REPORTERS)
    return {
        name: value
        for name, value in given.items()
        if name in _KEPT[queue] or name.startswith(reporters) or not _is_secret(name, value)
    }


def _reported(words: Sequence[str]) -> list[str]:
    """The reporters that a command line names: `--report-to wandb,mlflow`, `--report-to=wandb`."""
    texts = []
    for word, after in zip(words, (*words[1:], ""), strict=True):
        option, separator, value = word.partition("=")
        texts += [value if separator else after] if option == "--report-to" else []
    return [name.strip() for text in texts for name in text.split(",")]


def _is_secret(name: str, value: str) -> bool:
    return bool(_NAMES.search(name)) or (without_passwords(value) != value and not _PROXY.search(name))


def public_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Those that the journal may keep."""
    return {
        name: value
        for name, value in settings.items()
        if not name.endswith(SECRET) and without_passwords(value) == value
    }


def public_words(words: Sequence[str]) -> tuple[str, ...]:
    """The command line as the journal keeps it: `--api-key ***`, `http://***@host`."""
    shown = [without_passwords(word) for word in words]
    for i, word in enumerate(words):
        option, separator, _ = word.partition("=")
        if not _OPTION.fullmatch(option):
            continue
        if separator:
            shown[i] = f"{option}={HIDDEN}"
        elif i + 1 < len(words):
            shown[i + 1] = HIDDEN
    return tuple(shown)
