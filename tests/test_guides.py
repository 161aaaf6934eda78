"""docs/guides.md: what it has one type is typed, in its order, and the two languages say the same."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import cheap_sheets
from fake_ollama import FakeOllama
from guides import ROOT, GuideService, Terminal, Typed, Written, guide_blocks, guide_commands
from tiny_model import tiny_model

from finetune.hosted import submission, wait

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the guides are typed in a shell")
FRENCH, ENGLISH = re.split(r"^## (?:Français|English)$", (ROOT / "docs" / "guides.md").read_text("utf-8"), flags=re.M)[
    1:
]
HOSTED = FRENCH.partition("\n### 2. ")[0]
KEY = "sk-proj-xxxxxxxx"
EXAMPLE_RUN = "20261104-153012-a1f3"

GUIDES = ROOT.parent / "shared" / "guides"
PRACTICAL, ALTIORA = GUIDES / "dyag-practical-guide.md", GUIDES / "altiora-training-guide.md"
NAMES = {"cat": "dataset merge"}
"""What is done otherwise here."""
needs_guides = pytest.mark.skipif(not GUIDES.is_dir(), reason="../shared/guides is not here")
SHEET = "# PostgreSQL\n\nPostgreSQL est une base de données relationnelle.\n\nPort : 5432\nLicence : PostgreSQL\n"
CORRECTION = (
    '{"messages": [{"role": "user", "content": "Quel port écoute Outil3 ?"}, '
    '{"role": "assistant", "content": "Outil3 écoute sur le port 803."}]}\n'
)
INSTRUCTION = '{"instruction": "Quel port écoute Outil3 ?", "output": "Outil3 écoute sur le port 803."}\n'


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with the documents that the guides speak of, in which one types."""
    (tmp_path / "dyag.toml").touch()
    cheap_sheets(tmp_path / "data" / "catalogue")
    (tmp_path / "data" / "catalogue" / "fr-postgresql.md").write_text(SHEET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", str(tmp_path))
    monkeypatch.setenv("DYAG_INDEX__EMBEDDER", "langchain:words:HashEmbeddings")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "tests" / "support"), str(ROOT)]))
    return tmp_path


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[GuideService]:
    """The service that trains, whose jobs have the names of docs/guides.md, looked at often."""
    for module, name in ((wait, "POLL"), (submission, "LOOK"), (submission, "FIRST_WAIT")):
        monkeypatch.setattr(module, name, 0.01)
    monkeypatch.setattr(submission, "SETTLE", 0.05)
    monkeypatch.setattr("finetune.hosted.run.draw", lambda *given: None)  # takes longer than all else
    with GuideService("abc123", "def456", "ghi789") as made:
        made.key = KEY
        monkeypatch.setenv("OPENAI_BASE_URL", made.url)
        yield made


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOllama]:
    with FakeOllama() as made:
        monkeypatch.setenv("OLLAMA_HOST", made.url)
        yield made


def follow(guide: str, terminal: Terminal) -> list[str]:
    """Do what a guide says; returns the names of the commands. Fails at one that exits otherwise than it says."""
    done = []
    for block in guide_blocks(guide):
        if isinstance(block, Written):
            terminal.write(block)
            continue
        ran = terminal.type(block)
        assert ran.code == block.code, f"{block.line}\nexits with {ran.code}\n{ran.out}\n{ran.err}"
        assert "Traceback" not in ran.err, block.line
        if block.name == "runs push":
            terminal.examples[EXAMPLE_RUN] = re.findall(r"\d{8}-\d{6}-\w{4}", ran.out)[0]
        done.append(block.name)
    return done


def test_both_languages_have_one_type_and_write_the_same() -> None:
    french, english = list(guide_blocks(FRENCH)), list(guide_blocks(ENGLISH))
    assert french == english
    assert len(french) > 30


def test_the_part_on_a_service_that_trains_can_be_typed(home: Path, service: GuideService) -> None:
    done = follow(HOSTED, Terminal(home))
    assert {"gen-dataset", "finetune", "chat", "evaluate-finetuned", "compare-models"} <= set(done)
    assert [job.status for job in service.created] == ["succeeded", "succeeded", "cancelled"]
    assert len(service.prompts) > 100  # the evaluations asked the models that were trained


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_whole_guide_can_be_typed(home: Path, service: GuideService, ollama: FakeOllama) -> None:
    done = follow(FRENCH, Terminal(home))
    assert done == [typed.name for typed in guide_commands(ENGLISH)]
    assert {"catalogue-v2:latest", "catalogue-q8:latest"} <= set(ollama.models)
    assert len(ollama.prompts) == 2


# the guides of before -------------------------------------------------------------------------------------------------


@needs_guides
@pytest.mark.parametrize("guide", [PRACTICAL, ALTIORA], ids=lambda guide: guide.stem)
def test_every_command_of_the_guides_of_before_is_in_this_one_with_its_flags(guide: Path) -> None:
    ours, theirs = guide_commands(FRENCH), guide_commands(guide.read_text("utf-8"))
    missing = [typed.line for typed in theirs if not any(
        own.name == NAMES.get(typed.name, typed.name) and typed.flags <= own.flags for own in ours)]  # fmt: skip
    assert theirs
    assert not missing


@needs_guides
@pytest.mark.slow
def test_the_practical_guide_can_be_typed_as_it_is(home: Path, service: GuideService) -> None:
    service.key, service.names = "sk-proj-votre-cle", []
    service.trained("ft-job-abc123", "ft:gpt-4o-mini-2024-07-18:org::abc123")
    service.trained("ftjob-1", "ft:gpt-4o-mini:org::v1")
    service.trained("ftjob-2", "ft:gpt-4o-mini:org::v2")
    terminal = Terminal(home)
    for line in ('echo "OPENAI_API_KEY=sk-proj-votre-cle" >> .env', "dyag index data/catalogue",
                 "dyag chunk --output mon_fichier_chunks.jsonl"):  # fmt: skip
        assert terminal.type(Typed(line)).code == 0
    terminal.write(Written("data/finetuning/corrections.jsonl", CORRECTION))
    for typed in guide_commands(PRACTICAL.read_text("utf-8")):
        ran = terminal.type(typed)
        assert ran.code == 0, f"{typed.line}\n{ran.out}\n{ran.err}"


@needs_guides
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_training_guide_can_be_typed_as_it_is(home: Path, ollama: FakeOllama) -> None:
    tiny_model(home / "qwen3-sfd-analyzer")
    (config,) = re.findall(r"^```json\n(\{\n.*?)^```$", ALTIORA.read_text("utf-8"), flags=re.M | re.S)
    terminal = Terminal(home)
    terminal.write(Written("configs/training_config.json", config))
    terminal.write(Written("data/training/sfd_analysis_dataset.jsonl", "".join(
        INSTRUCTION.replace("3", str(n)) for n in range(12))))  # fmt: skip
    for typed in guide_commands(ALTIORA.read_text("utf-8")):
        ran = terminal.type(typed)
        assert ran.code == 0, f"{typed.line}\n{ran.out}\n{ran.err}"
    assert "qwen3-sfd-analyzer-v2:latest" in ollama.models
