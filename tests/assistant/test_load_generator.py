"""One string names what answers; `auto` takes what somebody has configured on purpose."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_provider import KEY, FakeProvider, refused_port, status
from runs import trained_home
from tiny_model import tiny_model

from assistant.app import App
from assistant.generators import load_generator, load_model
from assistant.generators.auto import Choice, choose
from assistant.generators.load import environment
from assistant.generators.model import ModelGenerator
from assistant.generators.models.fake_model import FakeModel
from assistant.generators.models.hf_model import HfModel
from assistant.generators.models.langchain_model import LangChainModel
from assistant.generators.models.ollama_model import OllamaModel
from assistant.generators.models.openai_model import OpenAIModel
from assistant.settings import ModelSettings
from assistant.workspace import Home
from finetune.runs.use import WrongBase
from retrieval.errors import BadSetting

NOWHERE = Path("/nowhere")


@pytest.fixture(autouse=True)
def no_servers_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[FakeProvider]:
    with FakeProvider() as made:
        yield made


@pytest.fixture
def ollama() -> Iterator[FakeProvider]:
    with FakeProvider(authorization="") as made:
        made.script("/api/tags", status(200, {"models": [{"model": "nomic-embed-text"}, {"model": "qwen3:1.7b"}]}))
        yield made


def listing(*names: str) -> Any:
    return status(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def model(name: str, home: Path = NOWHERE, environ: dict[str, str] | None = None, **settings: Any) -> Any:
    return load_model(name, ModelSettings(**settings), environ or {}, home)


# Names


@pytest.mark.parametrize(
    "name",
    [
        "openai:m@http://me:hunter2@h/v1",
        "openai:@http://me:hunter2@h/v1",
        "http://me:hunter2@h",
        "x@http://me:hunter2@h",
    ],
)
def test_a_password_in_an_address_is_in_no_name_and_no_message(name: str) -> None:
    try:
        said = model(name).name
    except BadSetting as error:
        said = f"{error.message} {error.hint}"
    assert "hunter2" not in said


def test_a_password_in_an_address_logs_in(server: FakeProvider) -> None:
    made = model(f"openai:m@{server.url.replace('//', '//me:hunter2@')}/v1")
    assert made.name == f"openai:m@{server.url.replace('//', '//***@')}/v1"
    assert made._auth == ("me", "hunter2")
    made.close()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("fake:", FakeModel),
        ("hf:org/name", HfModel),
        ("openai:gpt-4o-mini", OpenAIModel),
        ("openai:org/name@http://localhost:8000/v1", OpenAIModel),
        ("ollama:qwen3:1.7b", OllamaModel),
        ("anthropic:claude-sonnet", LangChainModel),
    ],
)
def test_a_name_gives_its_model(name: str, kind: type) -> None:
    made = model(name)
    assert type(made) is kind
    assert made.name == name


def test_the_address_of_a_server() -> None:
    def url(name: str, environ: dict[str, str] | None = None, **settings: Any) -> tuple[str, str]:
        made = model(name, environ=environ, **settings)
        return made._url, made._model

    set_ = {"OPENAI_BASE_URL": "http://env/v1"}
    assert url("openai:m@2@http://own:1/v1", set_, base_url="http://set/v1") == ("http://own:1/v1", "m@2")
    assert url("openai:m@2", set_, base_url="http://set/v1") == ("http://set/v1", "m@2")
    assert url("openai:m", set_) == ("http://env/v1", "m")
    assert url("openai:m") == ("https://api.openai.com/v1", "m")


def test_the_key_of_a_server() -> None:
    assert model("openai:m", environ={"OPENAI_API_KEY": "env"}, api_key="set")._key == "set"
    assert model("openai:m", environ={"OPENAI_API_KEY": "env"})._key == "env"
    assert model("openai:m@http://localhost/v1")._key == ""


def test_an_adapter_in_a_folder_answers_on_the_base_it_was_trained_on_alone(tmp_path: Path) -> None:
    home = trained_home(tmp_path / "home")
    final = next((home / "models" / "runs").iterdir()) / "final"
    alien = shutil.copytree(final, home / "alien")
    config = json.loads((alien / "adapter_config.json").read_text())
    (alien / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "base"}))
    names = [f"hf:./{final.relative_to(home)}", "hf:alien"]
    for name in names:
        assert model(name, home, device="cpu").context() > 0
    shutil.rmtree(home / "base")
    tiny_model(home / "base", seed=1)
    with pytest.raises(WrongBase, match="was trained on base"):
        model(names[0], home, device="cpu").warm()
    tiny_model(home / "base", width=64)
    with pytest.raises(WrongBase, match="does not fit its base"):
        model(names[1], home, device="cpu").warm()


def test_a_folder_is_relative_to_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    sources = {
        name: model(name, tmp_path)._wanted.source for name in ("hf:models/mine", "hf:./models/mine", "hf:org/x")
    }
    mine = str(tmp_path / "models" / "mine")
    assert sources == {"hf:models/mine": mine, "hf:./models/mine": mine, "hf:org/x": "org/x"}
    made = model("hf:./gone", tmp_path, device="cpu", dtype="float16", quantize="4bit", context=9)._wanted
    assert made.source == str(tmp_path / "gone")
    assert (made.device, made.dtype, made.quantize, made.context) == ("cpu", "float16", "4bit", 9)


def test_a_script_is_relative_to_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"text": "hello"}')
    assert model("fake:s.jsonl", tmp_path, context=77).context() == 77
    with pytest.raises(BadSetting, match="cannot be read"):
        model("fake:t.jsonl", tmp_path)


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("extractve", "`extractve` names no generator", "Did you mean extractive"),
        ("gpt-4o", "`gpt-4o` names no generator", "provider:model"),
        ("", "`` names no generator", "provider:model"),
        ("my server:m", "names no generator", "provider:model"),
        ("olama:m", "LangChain knows no provider `olama`", "ollama"),
        ("hf:", "names no model", "hf:org/name"),
        ("anthropic:", "names no model", "anthropic:MODEL"),
    ],
)
def test_a_name_that_is_none(name: str, said: str, hint: str) -> None:
    with pytest.raises(BadSetting) as failed:
        model(name)
    assert said in failed.value.message
    assert hint in failed.value.hint


def test_without_a_model_the_server_is_asked_for_those_it_has(server: FakeProvider, ollama: FakeProvider) -> None:
    server.script("/v1/models", listing(*(f"m{i}" for i in range(10))))
    with pytest.raises(BadSetting, match="openai: names no model") as failed:
        model("openai:", base_url=f"{server.url}/v1", api_key=KEY)
    assert failed.value.hint == "Write openai:MODEL. The server has: m0, m1, m2, m3, m4, m5, m6, m7 and 2 more."
    with pytest.raises(BadSetting) as failed:
        model("ollama:", environ={"OLLAMA_HOST": ollama.url})
    assert failed.value.hint == "Write ollama:MODEL. The server has: nomic-embed-text, qwen3:1.7b."
    with pytest.raises(BadSetting, match="cannot be reached") as failed:
        model("ollama:", environ={"OLLAMA_HOST": f"127.0.0.1:{refused_port()}"})
    assert "ollama serve" in failed.value.hint


def test_variables_of_the_workspace_and_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=written\nOPENAI_BASE_URL='http://w/v1'\nEMPTY\n")
    made = environment(tmp_path / ".env")
    assert (made["OPENAI_API_KEY"], made["OPENAI_BASE_URL"]) == ("written", "http://w/v1")
    assert "EMPTY" not in made
    monkeypatch.setenv("OPENAI_API_KEY", "of the process")
    assert environment(tmp_path / ".env")["OPENAI_API_KEY"] == "of the process"
    assert environment(tmp_path / "gone") == dict(os.environ)


# auto


def test_auto_without_anything_configured() -> None:
    assert choose(ModelSettings(), {}) == Choice("extractive", "auto: no model is configured")


def test_auto_does_not_send_documents_away_because_a_key_lies_around() -> None:
    assert choose(ModelSettings(), {"OPENAI_API_KEY": "sk-x"}).name == "extractive"


def test_auto_takes_a_key_of_dyags_own() -> None:
    assert choose(ModelSettings(api_key="sk-x"), {}) == Choice("openai:gpt-4o-mini", "auto: model.api_key is set")


def test_auto_takes_the_first_chat_model_of_a_server(server: FakeProvider) -> None:
    server.script("/v1/models", listing("a-embed-1", "bge-m3", "qwen", "zephyr"))
    url = f"{server.url}/v1"
    made = choose(ModelSettings(base_url=url, api_key=KEY), {})
    assert made == Choice("openai:qwen", "auto: model.base_url answers, first of 2 models")
    made = choose(ModelSettings(), {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY})
    assert made == Choice("openai:qwen", "auto: OPENAI_BASE_URL answers, first of 2 models")
    server.script("/v1/models", listing("one"))
    assert choose(ModelSettings(base_url=url, api_key=KEY), {}).reason == "auto: model.base_url answers, its only model"


def test_auto_goes_on_when_a_server_does_not_answer(server: FakeProvider, ollama: FakeProvider) -> None:
    gone = f"http://127.0.0.1:{refused_port()}/v1"
    made = choose(ModelSettings(base_url=gone, api_key=KEY), {})
    # The key is for that server: it is no reason to send documents to OpenAI.
    assert made.name == "extractive"
    assert made.reason.startswith("auto: model.base_url was tried: openai: cannot be reached")
    assert KEY not in made.reason
    made = choose(ModelSettings(base_url=gone), {"OLLAMA_HOST": ollama.url})
    assert made.name == "ollama:qwen3:1.7b"
    assert made.reason.startswith("auto: OLLAMA_HOST answers, its only model; model.base_url was tried")
    server.script("/v1/models", listing("bge-m3"))
    made = choose(ModelSettings(base_url=f"{server.url}/v1", api_key=KEY), {"OLLAMA_HOST": "127.0.0.1:1"})
    assert made.name == "extractive"
    assert "model.base_url answers, and lists no chat model; OLLAMA_HOST was tried" in made.reason


# An app's generator


def test_a_generator_with_the_settings_of_its_app(tmp_path: Path) -> None:
    (tmp_path / "mine.md").write_text("Bref.\n---\n{documents}{question}")
    overrides = {
        "model.temperature": "0.5", "model.seed": "3", "model.max_tokens": "9", "prompts.answer_fr": "mine.md",
    }  # fmt: skip
    made = load_generator("fake:", App(Home(tmp_path, "test"), overrides))
    assert isinstance(made, ModelGenerator)
    assert (made.options.temperature, made.options.seed, made.options.max_tokens) == (0.5, 3, 9)
    assert made.prompts.answer["fr"].system == "Bref."
    assert made.reason == ""


def test_auto_says_why(tmp_path: Path, ollama: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", ollama.url)
    made = load_generator("auto", App(Home(tmp_path, "test"), {}))
    assert isinstance(made, ModelGenerator)
    assert (made.name, made.reason) == ("ollama:qwen3:1.7b", "auto: OLLAMA_HOST answers, its only model")
