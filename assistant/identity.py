"""What decides an answer, beside the question: enough to tell two evaluations apart, and to use an answer again."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant import __version__
from assistant.jobs.environment import public_settings

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.generators.base import Generator
    from eval.types import Identity

_LIBRARIES = ("torch", "transformers", "peft")
_ANSWERS = ("max_words", "refuse_below", "language")
_MODELS = ("temperature", "max_tokens", "context", "dtype", "quantize")


def answer_key(identity: Identity) -> str:
    """The same for evaluations whose answers to one question are the same."""
    decides = (
        identity.mode,
        identity.model,
        identity.model_sha256,
        identity.generation,
        dict(identity.settings),
        dict(identity.versions),
    )
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def model_sha256(app: App, generator: Generator) -> str:
    """Of the weights of a model on this machine; empty for any other."""
    from assistant.generators.model import ModelGenerator
    from assistant.generators.models.hf_model import HfModel
    from assistant.generators.models.run_model import RunModel
    from finetune.bases.found import find_base

    model = generator.model if isinstance(generator, ModelGenerator) else None
    if isinstance(model, RunModel):
        return _weights(model.checked().folder)
    if isinstance(model, HfModel):
        return _weights(find_base(model.name.removeprefix("hf:"), app.home.path).folder)
    return ""


def _weights(folder: Path) -> str:
    from finetune.bases.files import is_adapter
    from finetune.bases.identity import identity
    from finetune.runs.digests import digest

    return digest(folder / "adapter_model.safetensors") if is_adapter(folder) else identity(folder)


def settings_of(app: App, seed: int) -> dict[str, Any]:
    """The settings that an answer depends on, by name, and what stands for the prompts."""
    from assistant.generators.load import environment, server
    from assistant.sanitize import without_passwords

    own = app.settings
    found: dict[str, Any] = {f"search.{name}": value for name, value in own.search.model_dump().items()}
    found |= {f"answer.{name}": getattr(own.answer, name) for name in _ANSWERS}
    found |= {f"model.{name}": getattr(own.model, name) for name in _MODELS}
    found |= {"model.seed": seed, "index.embedder": own.index.embedder}
    found["model.base_url"] = without_passwords(server(own.model, environment(app.home.env))[0])
    return found | {"prompts": hashlib.sha256(repr(app.prompts).encode()).hexdigest()[:12]}


def versions_of(*, local: bool) -> dict[str, str]:
    """Of dyag and python; of the libraries that compute, where a model runs in this process."""
    found = {"dyag": __version__, "python": platform.python_version()}
    return found | ({name: version(name) for name in _LIBRARIES} if local else {})


def command_line(app: App, words: Sequence[str], options: Mapping[str, object]) -> str:
    """`dyag --set … eval CASES --mode …`: what was asked for, that is not the default."""
    sets = [part for name, value in public_settings(app.overrides).items() for part in ("--set", f"{name}={value}")]
    given = [part for name, value in options.items() if value not in ("", 0, None) for part in (name, str(value))]
    return shlex.join(["dyag", *sets, *words, *given])
