"""llama.cpp itself loads what is exported, cuts as the original does, and answers with the same tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from families import FAMILIES, tiny_family, unigram_tokenizer
from runs import adapter, finished

from finetune.bases.identity import identity
from finetune.bases.registry import MINI
from finetune.export.gguf.check import TOKENS, Expected, expected
from finetune.export.gguf.export import Exported, export_gguf
from finetune.export.gguf.kinds import Kind
from finetune.export.gguf.read import Gguf
from finetune.runs.manifest import RunBase
from finetune.runs.store import Run

pytestmark = pytest.mark.slow
llama_cpp = pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed", exc_type=ImportError)
RUN = "20261104-153012-a1f3"
NEAR = 0.01
"""Between logits: llama.cpp looks GELU up in a table."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads cost a model this small more than they give."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@contextmanager
def loaded(file: Path) -> Iterator[Any]:
    """The model in llama.cpp, which keeps what it has read in f32."""
    options = {"n_ctx": 256, "n_threads": 1, "verbose": False, "logits_all": True, "type_k": 0, "type_v": 0}
    with closing(llama_cpp.Llama(str(file), **options)) as model:
        yield model


def logits(model: Any, ids: Sequence[int], answer: int) -> Any:
    """By which each token of the answer at the end of `ids` is chosen."""
    import torch

    model.reset()
    model.eval(list(ids[:-1]))
    return torch.tensor(model.scores[len(ids) - 1 - answer : len(ids) - 1])


def greedy(model: Any, prompt: Sequence[int]) -> list[int]:
    """Its own answer, token by token."""
    model.reset()
    model.eval(list(prompt))
    said: list[int] = []
    while len(said) < TOKENS:
        said.append(int(model.scores[model.n_tokens - 1].argmax()))
        model.eval(said[-1:])
    return said


def check(made: Exported, original: Expected) -> None:
    begins = Gguf(made.file).values["tokenizer.ggml.add_bos_token"]
    with loaded(made.file) as model:
        for text, whole, ids in original.cut:
            assert model.tokenize(text.encode(), add_bos=whole and begins, special=True) == ids, text
        for ids, wanted in original.answers:
            assert float((logits(model, ids, len(wanted)) - wanted).abs().max()) < NEAR
            assert greedy(model, ids[: -len(wanted)]) == ids[-len(wanted) :]


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An adapter on the base that is shipped."""
    home = tmp_path_factory.mktemp("mini")
    base = RunBase("mini", "mini", "", identity(MINI), "LlamaForCausalLM")
    return finished(home / "models", RUN, final=adapter(MINI, home / "adapter", scale=0.02), base=base)


def test_a_mini_run_answers_with_the_same_32_greedy_tokens(mini: Run, tmp_path: Path) -> None:
    from finetune.export.merge import merge

    made = export_gguf(mini, tmp_path, tmp_path / "mini.gguf", "f32")
    check(made, expected(merge(mini, tmp_path, tmp_path / "merged", "float32").folder, "mini", 256))


@pytest.mark.parametrize("family", [*FAMILIES, "unigram"])
def test_every_architecture_and_kind_of_tokenizer(tmp_path: Path, family: str) -> None:
    special = {"tokenizer": unigram_tokenizer()} if family == "unigram" else {}
    folder = tiny_family(tmp_path / family, "llama" if special else family, **special)
    run = finished(tmp_path / "models", RUN, final=folder, tuning="full")
    made = export_gguf(run, tmp_path, tmp_path / "model.gguf", "f32")
    check(made, expected(folder, family, 128))


@pytest.mark.parametrize("kind", ["f16", "bf16", "q8_0", "q4_0", "q2_k", "q4_k_m", "q6_k"])
def test_coarser_files_are_loaded_and_answer_nearly_alike(mini: Run, tmp_path: Path, kind: Kind) -> None:
    made = export_gguf(mini, tmp_path, tmp_path / "mini.gguf", kind)
    assert made.bytes < 9_000_000
    model = Gguf(made.file).model()
    original = expected(MINI, "mini", 256)
    with loaded(made.file) as served:
        for ids, wanted in original.answers:
            import torch

            with torch.inference_mode():
                read = model(torch.tensor([ids[:-1]])).logits[0, -len(wanted) :]
            # llama.cpp rounds what it multiplies with as well: nearly the same, not the same.
            same = (logits(served, ids, len(wanted)).argmax(-1) == read.argmax(-1)).float().mean()
            assert float(same) > 0.8
