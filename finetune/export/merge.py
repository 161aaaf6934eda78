"""An adapter merged into its base: one safetensors model that transformers loads without peft.

The merged model is loaded again and compared with the unmerged one before its folder appears under its name.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from finetune.bases.chat_format import ChatFormat
from finetune.bases.files import is_adapter, read_json, weights
from finetune.bases.load import Wanted
from finetune.export.card import card
from finetune.runs.digests import keeping, sync_tree
from finetune.runs.manifest import Manifest
from finetune.runs.store import Run
from finetune.runs.use import Trained, check_here, load_trained, trained
from retrieval.errors import BadInput, ModelMissing, NoSpace, UserError
from retrieval.files import sync_folder
from retrieval.types import Message

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
TIES = {"float32": 1e-3, "float16": 0.05, "bfloat16": 0.25}
"""Logits nearer than this are the same to weights of this format: which of the two is taken is chance."""
TOKENS = 24
"""Of each probe's greedy answer."""
MARGIN = 1.2
"""Of disk space: the tokenizer, and what else is written meanwhile."""
PROBES = (
    "Quel port écoute Gitea ?",
    "Who created NATS?",
    "Documents :\n[chunk_7] Licence : MIT\n\nQuestion : Quelle est la licence ?",
    "List three reasons to keep a backup.",
    "Résume en une phrase : Redis garde ses données en mémoire vive. [chunk_12]",
)
Say = Callable[[str], None]


class MergeFailed(UserError):
    """The merged model does not answer as the unmerged one does."""


@dataclass(frozen=True)
class Checked:
    """How near the merged model is to the unmerged one."""

    prompts: int
    tokens: int
    """That were compared, and were the same."""
    ties: int
    """Tokens that differ where two were as likely as each other."""
    difference: float
    """Largest between two logits."""
    effect: float
    """Largest difference that the adapter makes to its base."""


@dataclass(frozen=True)
class Merged:
    """A model that was written."""

    folder: Path
    manifest: Manifest
    dtype: str
    bytes: int
    checked: Checked


def merge(run: Run, home: Path, output: Path, dtype: Dtype = "auto", say: Say = lambda _: None) -> Merged:
    """Write base and adapter of a run as one model into `output`, which must not exist yet.

    `auto`: the format the base is stored in. Raises BadInput, NotFound, TornRun, WrongBase, ModelMissing, NoSpace,
    MergeFailed.
    """
    manifest = _mergeable(run, output)
    say("checking the run and its base")
    model = trained(run, home)
    assert model.base is not None
    stored = _stored(model.base, manifest)
    wanted = stored if dtype == "auto" else dtype
    _check_space(output, model.base, stored, wanted)
    with keeping(output.parent):
        output.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".merge-", dir=output.parent))  # beside it: it is to be renamed
        try:
            return _written(model, manifest, part, output, wanted, say)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _written(model: Trained, manifest: Manifest, part: Path, output: Path, dtype: str, say: Say) -> Merged:
    say("loading the base in full precision")
    expected, lengths = _merged_into(part, model, dtype, say)
    say("checking the merged model")
    found = _logits(_plain(part), [answer.ids for answer in expected], lengths)
    checked = _compared(expected, found, dtype)
    (part / "README.md").write_text(card(manifest, dtype, checked.difference, checked.tokens), encoding="utf-8")
    sync_tree(part)
    if output.exists():
        raise _exists(output)
    part.rename(output)
    sync_folder(output.parent)
    size = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    return Merged(output, manifest, dtype, size, checked)


@dataclass(frozen=True)
class _Answer:
    """What the unmerged model says to one probe."""

    ids: list[int]
    """Prompt and answer."""
    logits: Any
    """Of each token of the answer, (tokens, vocabulary), float32."""
    effect: float
    """Largest difference to the base alone."""


def _merged_into(part: Path, model: Trained, dtype: str, say: Say) -> tuple[list[_Answer], list[int]]:
    """Save the merged model; returns what the unmerged one answers, and the lengths of the prompts."""
    import torch

    # float32 whatever the base is stored in: a sum of small numbers is rounded once, at the end.
    loaded = load_trained(model, Wanted("", device="cpu", dtype="float32"), str(model.folder))
    prompts = [ChatFormat(loaded.tokenizer).ids([Message("user", probe)]) for probe in PROBES]
    say("asking the unmerged model")
    answers = [_answer(loaded.model, prompt[: loaded.context - TOKENS]) for prompt in prompts]
    say("merging and writing")
    merged = loaded.model.merge_and_unload(safe_merge=True).to(getattr(torch, dtype))
    merged.save_pretrained(part)
    loaded.tokenizer.save_pretrained(part)
    del merged, loaded
    gc.collect()
    return answers, [len(answer.ids) - len(answer.logits) for answer in answers]


def _answer(model: Any, prompt: Sequence[int]) -> _Answer:
    """The greedy answer, by hand: what a model's own configuration says of sampling plays no part."""
    import torch

    ids, given, cache = list(prompt), list(prompt), None
    with torch.inference_mode():
        for _ in range(TOKENS):
            said = model(torch.tensor([given]), past_key_values=cache, use_cache=True)
            given, cache = [int(said.logits[0, -1].argmax())], said.past_key_values
            ids += given
        logits = _of(model, ids, len(prompt))
        with model.disable_adapter():
            effect = float((_of(model, ids, len(prompt)) - logits).abs().max())
    return _Answer(ids, logits, effect)


def _of(model: Any, ids: Sequence[int], prompt: int) -> Any:
    """Logits by which each token after the prompt is chosen."""
    import torch

    return model(torch.tensor([list(ids[:-1])])).logits[0, prompt - 1 :].float()


def _plain(folder: Path) -> Any:
    """As anyone would load it."""
    import torch
    import transformers

    load: Any = transformers.AutoModelForCausalLM.from_pretrained
    return load(
        folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
    ).eval()


def _logits(model: Any, texts: Sequence[Sequence[int]], prompts: Sequence[int]) -> list[Any]:
    import torch

    with torch.inference_mode():
        return [_of(model, ids, prompt) for ids, prompt in zip(texts, prompts, strict=True)]


def _compared(expected: Sequence[_Answer], found: Sequence[Any], dtype: str) -> Checked:
    """Raises MergeFailed."""
    ties, difference = 0, 0.0
    for answer, logits in zip(expected, found, strict=True):
        difference = max(difference, float((answer.logits - logits).abs().max()))
        chosen = logits.argmax(-1)
        best = answer.logits.max(-1).values
        gaps = best - answer.logits.gather(-1, chosen[:, None])[:, 0]
        if float(gaps.max()) > TIES[dtype]:
            raise _failed(f"a token of an answer differs (by {float(gaps.max()):.3g} in its logit)", dtype)
        ties += int((gaps > 0).sum())
    effect = max(answer.effect for answer in expected)
    if difference > max(effect / 2, TIES[dtype]):
        raise _failed(f"logits differ by {difference:.3g}, and the adapter changes them by {effect:.3g}", dtype)
    tokens = sum(len(answer.logits) for answer in expected)
    return Checked(len(expected), tokens - ties, ties, difference, effect)


def _mergeable(run: Run, output: Path) -> Manifest:
    """Raises BadInput for a run without an adapter, and for an output that is there; NotFound for one that is not finished."""
    if output.exists() or output.is_symlink():
        raise _exists(output)
    manifest = run.whole()
    check_here(manifest)
    if not is_adapter(run.folder.final):
        hint = f"Copy it: cp -r {run.folder.final} {output}"
        raise BadInput(f"The run {run.id} has no adapter to merge: its final folder is a whole model.", hint)
    return manifest


def _exists(output: Path) -> BadInput:
    return BadInput(f"{output} is there already.", "Name a folder that does not exist yet with --output.")


def _stored(base: Path, manifest: Manifest) -> str:
    """What the base is stored in. Raises ModelMissing for one that is quantised."""
    config = read_json(base / "config.json", manifest.base.name)
    if config.get("quantization_config"):
        message = f"{manifest.base.name}: its weights are quantised, and an adapter is merged into full ones only."
        raise ModelMissing(message, "Train on the same model in full precision; --quantize 4bit does the rest.")
    said = str(config.get("dtype") or config.get("torch_dtype") or "float32")
    return said if said in BYTES else "float32"


def _check_space(output: Path, base: Path, stored: str, wanted: str) -> None:
    """Raises NoSpace before anything is loaded."""
    size = sum(file.stat().st_size for file in weights(base, base.name)) * BYTES[wanted] / BYTES[stored]
    there = next(path for path in output.absolute().parents if path.exists())
    free = shutil.disk_usage(there).free
    if free < size * MARGIN:
        message = (
            f"The merged model needs {size * MARGIN / 1e9:.2f} GB under {there}, and {free / 1e9:.2f} GB are free."
        )
        raise NoSpace(message, "Free some disk space, or name a folder on another disk with --output.")


def _failed(why: str, dtype: str) -> MergeFailed:
    hint = "Nothing was kept." if dtype == "float32" else "Nothing was kept. Try --dtype float32, which rounds nothing."
    return MergeFailed(f"The merged model does not answer as the unmerged one: {why}.", hint)
