"""Settings: named values in sections, from five places.

    --set search.top_k=5  >  environment DYAG_SEARCH__TOP_K=5  >  .env  >  dyag.toml  >  default

pydantic-settings reads each place. The places are merged here, value by value, because an error and `dyag config` say
where a value comes from.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from assistant.command import nearest
from assistant.sanitize import without_passwords
from assistant.workspace import SETTINGS_FILE, Home
from retrieval.errors import BadSetting

PREFIX = "DYAG_"
NOT_SETTINGS = {"DYAG_HOME", "DYAG_CACHE", "DYAG_DEBUG", "DYAG_JOB", "DYAG_TOKEN", "DYAG_CHAT_TOKEN"}
SECRET = ("key", "token", "secret", "password")

Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class IndexSettings(Section):
    embedder: str = "minilm"
    """`minilm`, `sentence-transformers:NAME_OR_PATH` or `langchain:module:Class`."""
    vectors: Literal["auto", "exact", "chroma"] = "auto"
    max_file_mb: int = Field(default=100, ge=1)
    parse_seconds: float = Field(default=60.0, gt=0)
    """Longest a parser may work on one file."""
    parse_memory_mb: int = Field(default=3072, ge=64)
    threads: int = Field(default=0, ge=0)
    """0: all cores."""


class SearchSettings(Section):
    dense_weight: Annotated[Share | None, BeforeValidator(lambda value: None if value == "none" else value)] = None
    """Weight of the embeddings' cosine against BM25; none: .4 for a French question, .55 for an English one."""
    top_k: int = Field(default=10, ge=1, le=200)
    candidates: int = Field(default=100, ge=1)
    """Chunks taken from each of the two searches before they are combined."""


class AnswerSettings(Section):
    generator: str = "auto"
    """`provider:model`, or `auto`."""
    mode: Literal["rag", "finetuned", "hybrid"] = "rag"
    refuse_below: Annotated[Share | None, BeforeValidator(lambda value: None if value == "none" else value)] = None
    """Confidence under which the answer is "I don't know"; none: the calibrated default."""
    max_words: int = Field(default=60, ge=1)
    language: Literal["auto", "fr", "en"] = "auto"
    finetuned_model: str = ""
    """`provider:model` for the modes finetuned and hybrid; empty: the promoted one."""


class ModelSettings(Section):
    """How a language model is reached and how it answers; the extractive generator reads none of it."""

    base_url: str = ""
    """An OpenAI-compatible server, such as http://localhost:8000/v1; empty: OPENAI_BASE_URL, else OpenAI."""
    api_key: str = ""
    """Empty: OPENAI_API_KEY."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    max_tokens: int = Field(default=512, ge=1)
    timeout: float = Field(default=120.0, gt=0)
    """Seconds for one answer, every retry included."""
    seed: Annotated[int | None, BeforeValidator(lambda value: None if value == "none" else value)] = None
    context: int = Field(default=0, ge=0)
    """Tokens the model reads, prompt and answer together; 0: asked of the model."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    quantize: Literal["none", "4bit"] = "none"


class PromptSettings(Section):
    """Files that replace the built-in prompts, relative to the workspace; empty: the built-in one."""

    answer_fr: str = ""
    answer_en: str = ""
    finetuned_fr: str = ""
    finetuned_en: str = ""
    rewrite_fr: str = ""
    rewrite_en: str = ""


class ChatSettings(Section):
    followups: Literal["auto", "rules", "off"] = "auto"
    """How a question that leans on earlier ones is rewritten: by the generator (else by rules), by rules, not at all."""
    history: int = Field(default=4, ge=0, le=20)
    """Earlier turns a model is sent."""


class FeedbackSettings(Section):
    author: str = ""
    """Who rates; empty: the name of the user."""
    author_share: float = Field(default=0.5, gt=0, le=1)
    """Largest share of the exported rows that one author may give, where there are several."""


class TrainSettings(Section):
    base_model: str = "mini"
    """What `dyag train` starts from: a shortcut (see `dyag models`), `org/name`, or a folder."""


class ServeSettings(Section):
    """What `dyag serve` starts with, where its command line does not say."""

    host: str = "127.0.0.1"
    port: int = Field(default=5002, ge=0, le=65535)
    """0: any that is free."""
    token: str = ""
    """Admits to everything; empty: DYAG_TOKEN, else none is asked for."""
    chat_token: str = ""
    """Admits to asking and rating only; empty: DYAG_CHAT_TOKEN."""
    hosts: str = ""
    """Names of this server that are answered beside its address, with commas between."""
    dataset_roots: str = ""
    """Folders that datasets may be read from beside `data/`, with commas between."""
    url_hosts: str = ""
    """Hosts that datasets may be fetched from, with commas between."""
    max_body_mb: int = Field(default=4, ge=1)
    max_upload_mb: int = Field(default=200, ge=1)
    """Size of a dataset that is fetched."""
    max_answers: int = Field(default=64, ge=1)
    """Answers that are made at once."""
    max_waiting: int = Field(default=256, ge=0)
    """Questions that wait for their turn; those beyond are turned away with 429."""
    store: str = ""
    """fsspec URL that trained models are copied to."""
    retrain_after: int = Field(default=0, ge=0)
    """Approved corrections that start a retraining; 0: never."""


class Settings(BaseSettings):
    """Every setting, checked; read-only."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        dotenv_filtering="only_existing",
        extra="forbid",
        frozen=True,
    )
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    answer: AnswerSettings = AnswerSettings()
    model: ModelSettings = ModelSettings()
    prompts: PromptSettings = PromptSettings()
    chat: ChatSettings = ChatSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    train: TrainSettings = TrainSettings()
    serve: ServeSettings = ServeSettings()
    models: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_-]*$")], Annotated[str, Field(min_length=1)]] = {}
    """By the task they do; `provider:model`, or the name of a run."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


SECTIONS: dict[str, type[Section]] = {
    "index": IndexSettings,
    "search": SearchSettings,
    "answer": AnswerSettings,
    "model": ModelSettings,
    "prompts": PromptSettings,
    "chat": ChatSettings,
    "feedback": FeedbackSettings,
    "train": TrainSettings,
    "serve": ServeSettings,
}
TASKS = "models."
"""Settings that begin so are named by the user."""
NAMES = tuple(f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields)
T = TypeVar("T")
Warn = Callable[[str], None]


@dataclass(frozen=True)
class Setting:
    """One setting as `section.key`, its value and the place that gave it."""

    name: str
    value: Any
    origin: str

    @property
    def shown(self) -> Any:
        """The value, or `***` for a secret, and for the password in an address."""
        if self.value and self.name.endswith(SECRET):
            return "***"
        return without_passwords(self.value) if isinstance(self.value, str) else self.value

    @property
    def place(self) -> str:
        return "--set" if self.origin == "flag" else self.origin


def load_settings(home: Home, overrides: Mapping[str, str], warn: Warn) -> Settings:
    """The settings in force in a workspace. `overrides`: from `--set`. `warn` is told of variables that set nothing.

    Raises BadSetting, which names the place, the setting, its value and what is allowed.
    """
    return _checked(_given(home, overrides, warn))


def origins(home: Home, overrides: Mapping[str, str], warn: Warn) -> list[Setting]:
    """Every setting in force and where it comes from: `flag`, `environment DYAG_…`, `.env`, `dyag.toml`, `default`."""
    given = _given(home, overrides, warn)
    values = _flat(_checked(given).model_dump())
    return [Setting(name, value, given[name].origin if name in given else "default") for name, value in values.items()]


def _given(home: Home, overrides: Mapping[str, str], warn: Warn) -> dict[str, Setting]:
    """What is set anywhere, by name; the last place wins."""
    dotenv = _read(home.env, lambda: DotEnvSettingsSource(Settings, env_file=home.env))
    toml = _read(home.settings, lambda: TomlConfigSettingsSource(Settings, toml_file=home.settings).toml_data)
    dotenv_values = _read(home.env, dotenv)
    environment = _read("The environment", EnvSettingsSource(Settings))
    _warn_of_strays({name.upper() for name in (*os.environ, *dotenv.env_vars)}, warn)
    given = [
        *(Setting(name, value, SETTINGS_FILE) for name, value in _flat(toml).items()),
        *(Setting(name, value, ".env") for name, value in _known(dotenv_values).items()),
        *(Setting(name, value, f"environment {variable(name)}") for name, value in _known(environment).items()),
        *(Setting(name, value, "flag") for name, value in overrides.items()),
    ]
    return {setting.name: setting for setting in given}


def _checked(given: Mapping[str, Setting]) -> Settings:
    nested: dict[str, dict[str, Any]] = {}
    for setting in given.values():
        if setting.name not in NAMES and not setting.name.startswith(TASKS):
            message = f"{setting.place}: there is no setting {setting.name} (value: {setting.shown})."
            raise BadSetting(message, nearest(setting.name, NAMES))
        section, _, key = setting.name.partition(".")
        nested.setdefault(section, {})[key] = setting.value
    try:
        return Settings.model_validate(nested)
    except ValidationError as error:
        bad = given[".".join(map(str, error.errors()[0]["loc"][:2]))]
        message = f"{bad.place}: {bad.name} cannot be {bad.shown!r}."
        raise BadSetting(message, f"Allowed: {_allowed(bad.name)}.") from error


def _allowed(name: str) -> str:
    """`a whole number, at least 1, at most 200`."""
    section, _, key = name.partition(".")
    if name.startswith(TASKS):
        return "a name of small letters, and a text: provider:model, or the name of a run"
    schema = SECTIONS[section].model_json_schema()["properties"][key]
    *others, schema = reversed(schema.get("anyOf", [schema]))
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    limits = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}
    kind = {"integer": "a whole number", "number": "a number", "string": "a text"}[schema["type"]]
    words = [kind, *(f"{words} {schema[limit]:g}" for limit, words in limits.items() if limit in schema)]
    return ", ".join(words) + (", or none" if others else "")


def _warn_of_strays(variables: set[str], warn: Warn) -> None:
    known = {*map(variable, NAMES), *NOT_SETTINGS}
    for name in sorted(variables - known - set(map(variable, SECTIONS))):
        if name.startswith(PREFIX) and not name.startswith(variable(TASKS)):
            warn(f"dyag: the variable {name} sets nothing. {nearest(name, known)}")


def _read(where: object, read: Callable[[], T]) -> T:
    try:
        return read()
    except (OSError, ValueError) as error:
        raise BadSetting(f"{where} cannot be read: {error}", "Correct it, then try `dyag config`.") from error


def _flat(nested: Mapping[str, Any]) -> dict[str, Any]:
    """`{"search": {"top_k": 5}}` as `{"search.top_k": 5}`."""
    flat: dict[str, Any] = {}
    for section, values in nested.items():
        flat |= {f"{section}.{key}": v for key, v in values.items()} if isinstance(values, dict) else {section: values}
    return flat


def _known(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Without the variables that match no setting: they were warned of, and may belong to another version."""
    return {
        name: value for name, value in _flat(variables).items() if name in (*NAMES, *SECTIONS) or name.startswith(TASKS)
    }


def variable(name: str) -> str:
    """The environment variable that sets a setting: `DYAG_SEARCH__TOP_K`."""
    return PREFIX + name.replace(".", "__").upper()
