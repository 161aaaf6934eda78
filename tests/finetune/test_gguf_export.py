"""A run as a GGUF file: merged, checked, told; or one message and nothing left."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import run as dyag
from families import bytes_tokenizer, tiny_family
from runs import adapter, begun, finished, manifest
from tiny_model import tiny_model

from finetune.bases.identity import identity
from finetune.bases.registry import MINI
from finetune.export.gguf import export as exporting
from finetune.export.gguf import llama_cpp
from finetune.export.gguf.export import export_gguf
from finetune.export.gguf.metadata import metadata
from finetune.export.gguf.read import Gguf
from finetune.export.kept import EXPORTS, keep_export, kept_exports
from finetune.runs.digests import TornRun, digest
from finetune.runs.manifest import RunBase
from finetune.runs.store import Run, Runs
from retrieval.errors import BadInput, ModelMissing, NoAccess, NoSpace, NotFound

RUN = "20261104-153012-a1f3"
PROMPT = [[5, 90, 100, 41, 120, 17, 99, 310]]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads cost a model this small more than they give."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("gguf")
    finished(home / "models", RUN, final=tiny_model(home / "base"), tuning="full")
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "home")


def run(home: Path) -> Run:
    return Runs(home / "models").find(RUN)


def adapted(home: Path, found: Run) -> Any:
    """Logits of base and adapter, as peft gives them."""
    import peft
    import torch
    import transformers

    base = transformers.AutoModelForCausalLM.from_pretrained(home / "base", dtype=torch.float32)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # peft asks transformers by a name that it no longer likes
        model = peft.PeftModel.from_pretrained(base, str(found.folder.final)).eval()
        said = model(torch.tensor(PROMPT)).logits
        with model.disable_adapter():
            assert float((model(torch.tensor(PROMPT)).logits - said).abs().max()) > 0.1
    return said


def read(file: Path) -> Any:
    import torch

    with torch.inference_mode():
        return Gguf(file).model()(torch.tensor(PROMPT)).logits


# adapters -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [{}, {"use_rslora": True}, {"use_dora": True}], ids=["lora", "rslora", "dora"])
def test_an_adapter_is_merged_as_peft_has_it(home: Path, config: dict[str, Any]) -> None:
    base = RunBase("base", str(home / "base"), "", identity(home / "base"), "LlamaForCausalLM")
    final = adapter(home / "base", home / "adapter", seed=3, **config)
    found = finished(home / "models", "20261105-000000-0001", final=final, base=base)
    export_gguf(found, home, home / "out.gguf", "f32")
    assert float((adapted(home, found) - read(home / "out.gguf")).abs().max()) < 1e-3


def test_an_architecture_that_is_not_written_is_named_before_anything_is_merged(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tiny_family(home / "other", "qwen3")
    own = RunBase("other", str(base), "", identity(base), "Qwen3ForCausalLM")
    found = finished(home / "models", "20261105-000000-0001", final=adapter(base, home / "adapter"), base=own)
    monkeypatch.setattr(exporting, "merge", lambda *_: pytest.fail("merged"))
    with pytest.raises(BadInput, match="other is a Qwen3ForCausalLM, which is not written as GGUF") as error:
        export_gguf(found, home, home / "out.gguf")
    assert "LlamaForCausalLM" in error.value.hint


def test_mini_goes_into_a_file_with_its_licence_and_comes_back(tmp_path: Path) -> None:
    base = RunBase("mini", "mini", "", identity(MINI), "LlamaForCausalLM")
    found = finished(tmp_path / "models", RUN, final=adapter(MINI, tmp_path / "adapter", scale=0.02), base=base)
    made = export_gguf(found, tmp_path, tmp_path / "mini.gguf", "f32")
    assert made.checked.difference < 1e-3
    assert (made.checked.same, made.checked.tokens) == (96, 96)
    values = Gguf(made.file).values
    said = {"general.license": "apache-2.0", "tokenizer.ggml.pre": "smollm", "general.base_model.0.name": "mini"}
    assert said.items() <= values.items()
    assert values["tokenizer.ggml.tokens"][values["tokenizer.ggml.eos_token_id"]] == "<|im_end|>"
    assert values["tokenizer.chat_template"] == (MINI / "chat_template.jinja").read_text(encoding="utf-8")


# what is told -------------------------------------------------------------------------------------------------------


def test_the_file_tells_its_run_and_nothing_of_this_machine(home: Path) -> None:
    export_gguf(run(home), home, home / "out.gguf")
    values = Gguf(home / "out.gguf").values
    assert values["dyag.run.id"] == RUN
    assert values["dyag.dataset.sha256"] == "1" * 64
    assert values["general.dataset.0.name"] == "dataset_train.jsonl"
    assert "general.license" not in values  # nobody knows that of a folder
    assert str(home).encode() not in (home / "out.gguf").read_bytes()


def test_a_base_of_the_hub_is_named_with_its_page_and_its_revision() -> None:
    told = metadata(manifest(RUN, RunBase("llama3.2:1b", "meta-llama/Llama-3.2-1B-Instruct", "abc", "", "")), False)
    assert told["general.base_model.0.organization"] == "meta-llama"
    assert told["general.base_model.0.repo_url"] == "https://huggingface.co/meta-llama/Llama-3.2-1B-Instruct"
    assert (told["general.base_model.0.version"], told["general.license"]) == ("abc", "llama3.2")
    assert "general.license.link" in told


@pytest.mark.parametrize(
    ("source", "swallows", "name"),
    [
        ("phi3", True, "Phi-3-mini-4k-instruct, fine-tuned"),
        ("/srv/my-model", True, "my-model, fine-tuned (phi-3)"),
        ("/srv/no-phi3", False, "no-phi 3, fine-tuned"),
    ],
)
def test_the_name_says_phi3_where_llama_cpp_is_to_read_it_so(source: str, swallows: bool, name: str) -> None:
    assert metadata(manifest(RUN, RunBase(source, source, "", "", "")), swallows)["general.name"] == name


def test_the_figures_are_kept_in_the_run_which_stays_whole(home: Path) -> None:
    first = export_gguf(run(home), home, home / "one.gguf", "q8_0")
    export_gguf(run(home), home, home / "two.gguf")
    kept = kept_exports(run(home).path)
    assert [(made["kind"], Path(made["file"]).name) for made in kept] == [("q8_0", "one.gguf"), ("f16", "two.gguf")]
    assert kept[0]["checked"]["difference"] == first.checked.difference
    assert kept[0]["sha256"] == digest(home / "one.gguf")
    assert run(home).whole().id == RUN


def test_a_list_of_exports_that_is_torn_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / EXPORTS).write_text('[{"kind": ')
    keep_export(tmp_path, {"kind": "f16"})
    assert kept_exports(tmp_path) == [{"kind": "f16"}]


def test_the_command_shows_where_it_is_and_how_near(home: Path) -> None:
    done = dyag("export-gguf", "latest", home=home)
    assert done.code == 0, done.err
    assert f"{RUN}-f16.gguf" in done.out
    assert "17 texts are cut into the same tokens" in done.out
    assert (home / "models" / "gguf" / f"{RUN}-f16.gguf").is_file()
    again = dyag("export-gguf", "latest", home=home)
    assert again.code != 0
    assert "is there already" in again.err


def test_the_command_as_json(home: Path) -> None:
    done = dyag("export-gguf", RUN, "--quantize", "q8_0", "--output", home / "m.gguf", "--json", home=home)
    assert (done.code, done.json["quantize"], done.json["sha256"]) == (0, "q8_0", digest(home / "m.gguf"))


# refused ------------------------------------------------------------------------------------------------------------


def test_an_output_that_is_there_is_left_alone(home: Path) -> None:
    (home / "out.gguf").write_bytes(b"mine")
    with pytest.raises(BadInput, match="is there already"):
        export_gguf(run(home), home, home / "out.gguf")
    assert (home / "out.gguf").read_bytes() == b"mine"


def test_a_file_that_appears_meanwhile_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = exporting.check

    def check(*args: Any) -> Any:
        (home / "out.gguf").write_bytes(b"mine")
        return found(*args)

    monkeypatch.setattr(exporting, "check", check)
    with pytest.raises(BadInput, match="is there already"):
        export_gguf(run(home), home, home / "out.gguf")
    assert (home / "out.gguf").read_bytes() == b"mine"
    assert kept_exports(run(home).path) == []


def test_a_run_without_a_manifest_and_a_torn_one_are_refused(home: Path) -> None:
    begun(home / "models", "20261106-000000-0002")
    with pytest.raises(NotFound, match="is not finished"):
        export_gguf(Runs(home / "models").find("20261106"), home, home / "out.gguf")
    (run(home).folder.final / "model.safetensors").write_bytes(b"")
    with pytest.raises(TornRun):
        export_gguf(run(home), home, home / "out.gguf")
    assert not (home / "out.gguf").exists()


def test_k_quants_without_llama_cpp_are_refused_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    monkeypatch.setattr(exporting, "trained", lambda *_: pytest.fail("begun"))
    with pytest.raises(ModelMissing, match="llama-cpp-python") as error:
        export_gguf(run(home), home, home / "out.gguf", "q4_k_m")
    assert "pip install llama-cpp-python" in error.value.hint


def test_a_llama_cpp_that_lacks_a_package_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llama_cpp.py").write_text("import no_such_package_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "llama_cpp", raising=False)
    with pytest.raises(ModelMissing, match="cannot be loaded: No module named 'no_such_package_at_all'"):
        llama_cpp.library()


def test_too_little_disk_is_said_before_anything_is_loaded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(home)._replace(free=1000)
    monkeypatch.setattr(exporting.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(exporting, "expected", lambda *_: pytest.fail("loaded"))
    with pytest.raises(NoSpace, match=r"0\.00 GB are free"):
        export_gguf(run(home), home, home / "out.gguf")


def test_a_disk_that_fills_up_while_weights_are_written_leaves_nothing(home: Path) -> None:
    resource = pytest.importorskip("resource", reason="only Unix limits the size of files")
    before = sorted(home.iterdir())
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, usual[1]))  # no file may be longer
    try:
        with pytest.raises(NoSpace) as error:
            export_gguf(run(home), home, home / "out.gguf", "f32")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "Nothing was kept" in error.value.hint
    assert sorted(home.iterdir()) == before


def test_a_folder_that_is_a_file_is_said(home: Path) -> None:
    (home / "file").write_text("mine")
    with pytest.raises(NoAccess):
        export_gguf(run(home), home, home / "file" / "out.gguf")


def test_a_weight_that_half_cannot_hold_is_named(home: Path) -> None:
    import torch
    import transformers

    folder = home / "base"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        model.model.layers[0].mlp.up_proj.weight[0, 0] = 1e5
    model.save_pretrained(folder)
    whole = finished(home / "models", "20261105-000000-0001", final=folder, tuning="full")
    with pytest.raises(BadInput, match=r"layers\.0\.mlp\.up_proj\.weight is too large for f16"):
        export_gguf(whole, home, home / "out.gguf", "f16")


def test_a_tokenizer_that_cuts_like_none_is_refused(home: Path) -> None:
    folder = tiny_family(home / "whole", "llama3", tokenizer=bytes_tokenizer("unlike any"))
    whole = finished(home / "models", "20261105-000000-0001", final=folder, tuning="full")
    with pytest.raises(BadInput, match="cuts texts as none does"):
        export_gguf(whole, home, home / "out.gguf")


KILLED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from finetune.export.gguf.export import export_gguf
from finetune.runs.store import Runs
home = Path(sys.argv[1])
export_gguf(Runs(home / "models").find(sys.argv[2]), home, home / "out.gguf", "f32", lambda what: print(what, flush=True))
"""


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["merging and writing", "asking the model", "writing the file", "reading it back"])
def test_a_kill_leaves_no_file_or_a_whole_one(home: Path, stage: str) -> None:
    base = RunBase("base", str(home / "base"), "", identity(home / "base"), "LlamaForCausalLM")
    found = finished(home / "models", "20261107-000000-0001", final=adapter(home / "base", home / "adapter"), base=base)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(home), found.id], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        assert any(line.strip() == stage for line in child.stdout)
        child.kill()
    assert not (home / "out.gguf").exists()
    assert not (found.path / EXPORTS).exists()
    made = export_gguf(found, home, home / "out.gguf", "f32")
    assert kept_exports(found.path)[0]["sha256"] == made.sha256 == digest(home / "out.gguf")
