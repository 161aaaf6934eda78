"""From one string to what answers: `extractive`, `auto`, or `provider:model`.

openai:MODEL  openai:MODEL@URL     a server of OpenAI's protocol: the URL, else model.base_url, else OPENAI_BASE_URL
ollama:MODEL                       an Ollama server: OLLAMA_HOST, else this machine
hf:SHORTCUT   hf:org/name          transformers in this process; `dyag models` lists the shortcuts
hf:./folder                        the same, from a folder, relative to the workspace
run:ID        run:./folder         a model that was trained here; see `dyag runs`
fake:         fake:script.jsonl    no model at all; see fake_model.py
PROVIDER:MODEL                     whatever LangChain's init_chat_model knows
TASK                               what [models] in dyag.toml says of a task
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.generators.base import ChatModel, Generator, Options
from assistant.sanitize import without_passwords
from retrieval.errors import BadSetting, GeneratorFailed

if TYPE_CHECKING:
    from assistant.app import App
    from assistant.generators.models.ollama_model import OllamaModel
    from assistant.generators.models.openai_model import OpenAIModel
    from assistant.settings import ModelSettings
    from finetune.runs.store import Run

OWN = ("openai", "ollama", "hf", "run", "fake")
LANGCHAIN = (
    "anthropic", "azure_ai", "azure_openai", "bedrock", "bedrock_converse", "cohere", "deepseek", "fireworks", "google_genai",
    "google_vertexai", "groq", "huggingface", "mistralai", "nvidia", "openrouter", "perplexity", "together", "upstage", "xai",
)  # fmt: skip
"""Taken on trust; LangChain is asked about other names, which takes a second."""
SHOWN = 8
"""Models of a server that a message names."""


def load_generator(setting: str, app: App) -> Generator:
    """The generator a setting names. Its model is loaded, or its server asked, when first used or warmed.

    Raises BadSetting, and what `load_model` does.
    """
    from assistant.generators.auto import choose
    from assistant.named_models import model_named

    setting = model_named(app.settings, setting)
    environ, settings = environment(app.home.env), app.settings.model
    name, reason = choose(settings, environ) if setting == "auto" else (setting, "")
    if name == "extractive":
        from assistant.generators.extractive.generator import ExtractiveGenerator

        return ExtractiveGenerator(app.knowledge, reason)
    from assistant.generators.model import ModelGenerator

    options = Options(settings.temperature, settings.max_tokens, settings.timeout, settings.seed)
    return ModelGenerator(load_model(name, settings, environ, app.home.path), app.prompts, options, reason)


def load_model(name: str, settings: ModelSettings, environ: Mapping[str, str], home: Path) -> ChatModel:
    """The model behind `provider:model`; paths are relative to `home`. Raises BadSetting; ModelMissing for a provider
    that LangChain is asked about."""
    provider, colon, model = name.partition(":")
    name = without_passwords(name)  # it is shown, and kept in the journal
    if not colon:
        raise _no_generator(name)
    if provider == "openai":
        return _openai(name, model, settings, environ)
    if provider == "ollama":
        return _ollama(name, model, settings, environ)
    if provider == "hf":
        return _hf(name, model, settings, home)
    if provider == "run":
        return _run(model, settings, environ, home)
    if provider == "fake":
        return _fake(name, model, settings, home)
    return _langchain(name, model, settings)


def environment(env_file: Path) -> Mapping[str, str]:
    """The variables of the workspace's `.env` and of the process, which win."""
    from dotenv import dotenv_values

    written = dotenv_values(env_file) if env_file.is_file() else {}
    return {**{k: v for k, v in written.items() if v is not None}, **os.environ}


def server(settings: ModelSettings, environ: Mapping[str, str]) -> tuple[str, str]:
    """(address, what named it) of the server of OpenAI's protocol; empty for OpenAI's own."""
    if settings.base_url:
        return settings.base_url, "model.base_url"
    return environ.get("OPENAI_BASE_URL", ""), "OPENAI_BASE_URL"


def key_of(settings: ModelSettings, environ: Mapping[str, str]) -> str:
    """The key for it; empty for none, which only OpenAI's own server minds."""
    return settings.api_key or environ.get("OPENAI_API_KEY", "")


def _openai(name: str, model: str, settings: ModelSettings, environ: Mapping[str, str]) -> ChatModel:
    from assistant.generators.models.openai_model import OpenAIModel

    named = re.search(r"@(https?://.+)$", model)
    model, url = (model[: named.start()], named[1]) if named else (model, server(settings, environ)[0])
    made = OpenAIModel(name, model, url, key_of(settings, environ), settings.context)
    if not model:
        raise _no_model(made, "openai:MODEL")
    return made


def _ollama(name: str, model: str, settings: ModelSettings, environ: Mapping[str, str]) -> ChatModel:
    from assistant.generators.models.ollama_model import OllamaModel

    made = OllamaModel(name, model, environ.get("OLLAMA_HOST", ""), settings.context)
    if not model:
        raise _no_model(made, "ollama:MODEL")
    return made


def _hf(name: str, model: str, settings: ModelSettings, home: Path) -> ChatModel:
    from assistant.generators.models.hf_model import HfModel
    from finetune.bases.files import is_folder, is_path, path_of
    from finetune.bases.load import Wanted
    from finetune.bases.registry import named

    if not model:
        hint = (
            "Write hf:mini, or another name that `dyag models` lists, hf:org/name, hf:./folder or hf:/path/to/folder."
        )
        raise BadSetting(f"{name} names no model.", hint)
    folder = path_of(model, home)
    source = str(folder) if not named(model) and (is_folder(folder) or is_path(model)) else model
    wanted = Wanted(source, settings.device, settings.dtype, settings.quantize, settings.context)
    return HfModel(name, wanted, home)


def _run(run: str, settings: ModelSettings, environ: Mapping[str, str], home: Path) -> ChatModel:
    from assistant.generators.models.run_model import RunModel
    from finetune.bases.load import Wanted
    from finetune.runs.store import Runs
    from finetune.runs.use import trained

    if not run:
        raise BadSetting("run: names no run.", "Write run:ID, run:latest or run:./folder; `dyag runs` lists them.")
    found = Runs(home / "models").find(run)
    if found.manifest is not None and found.manifest.hosted is not None:
        return _hosted(found, settings, environ)
    wanted = Wanted(str(found.folder.final), settings.device, settings.dtype, settings.quantize, settings.context)
    return RunModel(f"run:{found.id}", lambda: trained(found, home), wanted)


def _hosted(run: Run, settings: ModelSettings, environ: Mapping[str, str]) -> ChatModel:
    """A run whose model lies at a service. A manifest alone does not say where a key may be sent: the settings must agree."""
    from assistant.generators.models.openai_server import OPENAI
    from assistant.generators.models.server_text import without_credentials

    hosted = run.whole().hosted
    assert hosted is not None
    url = server(settings, environ)[0] or OPENAI
    if without_credentials(url)[0] != hosted.url:
        hint = f"If that service may have your key and your questions, name it: model.base_url={hosted.url}"
        raise BadSetting(
            f"The model of the run {run.id} lies at {hosted.url}, and the settings name another server.", hint
        )
    return _openai(f"run:{run.id}", hosted.model, settings, environ)


def _fake(name: str, model: str, settings: ModelSettings, home: Path) -> ChatModel:
    from assistant.generators.models.fake_model import FakeModel, load_script

    replies = load_script(home / Path(model).expanduser()) if model else None
    return FakeModel(name, replies, settings.context or FakeModel.window)


def _langchain(name: str, model: str, settings: ModelSettings) -> ChatModel:
    from assistant.generators.models.langchain_model import LangChainModel

    provider = name.partition(":")[0]
    if not re.fullmatch(r"\w+", provider):
        raise _no_generator(name)
    if not model:
        raise BadSetting(f"{name} names no model.", f"Write {provider}:MODEL.")
    if provider not in LANGCHAIN:
        LangChainModel(name, name).context()  # says now that there is no such provider
    return LangChainModel(name, name, settings.context)


def _no_generator(name: str) -> BadSetting:
    from assistant.command import nearest

    hint = nearest(name, ["auto", "extractive", *(f"{provider}:…" for provider in (*OWN, *LANGCHAIN))])
    return BadSetting(f"`{name}` names no generator.", f"{hint} Models are written provider:model.")


def _no_model(asked: OpenAIModel | OllamaModel, form: str) -> BadSetting:
    """What to say of `openai:`: the models there are, if the server tells them."""
    try:
        known = asked.models()
    except GeneratorFailed as fault:
        return BadSetting(f"{asked.name} names no model. {fault.message}", f"Write {form}. {fault.hint}")
    finally:
        asked.close()
    shown = ", ".join(known[:SHOWN]) + (f" and {len(known) - SHOWN} more" if len(known) > SHOWN else "")
    return BadSetting(f"{asked.name} names no model.", f"Write {form}. The server has: {shown or 'none'}.")
