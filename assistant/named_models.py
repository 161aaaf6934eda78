"""`[models]` in dyag.toml: models that are named by the task they do, and used wherever a model is named.

[models]
sfd_analyzer = "run:20261104-153012-a1f3"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrieval.errors import BadInput
from retrieval.files import disk_errors, private_folder, write_private

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.settings import Settings

TASK = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Named:
    """A task that was given a model."""

    task: str
    before: str
    """The model it had; empty for none."""
    after: str
    overruled: str
    """What the task uses all the same, because --set or the environment says so; empty for nothing."""


def model_named(settings: Settings, name: str) -> str:
    """The model that a task is set to, as `provider:model`; any other name as it is."""
    model = settings.models.get(name, "")
    return name if not model else model if ":" in model else f"run:{model}"


def check_task(name: str) -> None:
    """Raises BadInput for what cannot name a task: it would hide a model, or cannot stand in the settings."""
    from assistant.generators.load import LANGCHAIN, OWN
    from finetune.bases.registry import named

    taken = (*OWN, *LANGCHAIN, "auto", "extractive", "latest", "promoted")
    if not TASK.fullmatch(name) or name in taken or named(name):
        hint = "A task is named with small letters, digits, `_` and `-`, such as sfd_analyzer, and not as a model is."
        raise BadInput(f"`{name[:80]}` cannot be the name of a task.", hint)


def name_model(app: App, task: str, model: str) -> Named:
    """Write into dyag.toml which model a task uses from now on. Raises BadInput, BadSetting, NoAccess, NoSpace."""
    from assistant.settings import load_settings
    from assistant.settings_file import edited

    check_task(task)
    before = app.settings.models.get(task, "")
    file = app.home.settings.resolve()  # through a link, the file that it leads to is changed, and not the link
    with disk_errors(file):
        text = file.read_bytes().decode() if file.exists() else ""
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
        write_private(private_folder(file.parent) / file.name, edited(text, {f"models.{task}": model}).encode())
        file.chmod(mode)
    now = load_settings(app.home, app.overrides, warn=lambda _: None).models.get(task, "")
    return Named(task, before, model, now if now != model else "")
