"""A transformers model in memory: device, number format, 4-bit weights. safetensors only, no code of others."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.bases.context import context_of
from finetune.bases.files import find, read_json, weights
from finetune.bases.found import OWN_CODE, check_whole
from finetune.bases.memory import free_memory as _free
from retrieval.errors import BadSetting, ModelMissing

SHARE = 0.5
"""Part of the free memory that float32 may take on a CPU before the stored format is kept."""
BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0, "4bit": 0.75}
"""Of one weight in memory; 4-bit with its scales, and some layers that stay as they are."""


@dataclass(frozen=True)
class Loaded:
    """A model ready to answer."""

    model: Any
    tokenizer: Any
    context: int
    """Tokens it reads, prompt and answer together."""


@dataclass(frozen=True)
class Wanted:
    """How a model is to be loaded; the values are those of the settings under [model]."""

    source: str
    """A folder, or `org/name`."""
    device: str = "auto"
    dtype: str = "auto"
    """`auto`: bfloat16 (else float16) on a GPU. On a CPU what the weights are stored in if it computes in bfloat16, else
    float32: half as fast as bfloat16 where the processor has that, three times as fast where it has not. float32 gives
    way to bfloat16 when it would take more than half of the free memory."""
    quantize: str = "none"
    context: int = 0


def load(wanted: Wanted, name: str) -> Loaded:
    """Load a whole model. Raises ModelMissing, BadSetting, BadInput for an adapter: it is used on its own base only."""
    folder = find(wanted.source, name)
    check_whole(folder, name)
    with quietly(), failures(name, folder):
        import transformers

        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        model = _model(folder, wanted, name).eval()
        known = wanted.context or context_of(model.config.get_text_config().to_dict(), tokenizer)
        return Loaded(model, tokenizer, known)


def _model(base: Path, wanted: Wanted, name: str) -> Any:
    import torch
    import transformers

    _check_kernels(base, name)
    device = _device(wanted.device)
    stored = _stored(base, name)
    size = sum(file.stat().st_size for file in weights(base, name)) / BYTES[stored]
    dtype = _dtype(device, stored, size) if wanted.dtype == "auto" else wanted.dtype
    quantized = _quantization(dtype, device) if wanted.quantize == "4bit" else None
    _check_memory(size * BYTES["4bit" if quantized else dtype], device, name)
    load: Any = transformers.AutoModelForCausalLM.from_pretrained
    model, info = load(
        base,
        dtype=getattr(torch, dtype),
        device_map={"": device},
        quantization_config=quantized,
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
    )
    if info["missing_keys"] or info["mismatched_keys"]:
        some = ", ".join(sorted(map(str, [*info["missing_keys"], *info["mismatched_keys"]]))[:2])
        message = f"{name}: the weights do not belong to this configuration; {some} and maybe others are missing."
        raise ModelMissing(message, f"Fetch or export the model again: {base}.")
    return model


def _device(wanted: str) -> str:
    import torch

    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there[wanted]:
        raise BadSetting(f"model.device is {wanted}, and torch finds no such device here.", "Use auto or cpu.")
    return wanted


def _dtype(device: str, stored: str, size: float) -> str:
    """What `auto` means for `size` weights."""
    import torch

    if device != "cpu":
        return "bfloat16" if device == "cuda" and torch.cuda.is_bf16_supported() else "float16"
    can: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if stored != "float32" and (can.get("avx512_bf16") or can.get("amx_bf16")):
        return "bfloat16"
    return "float32" if size * BYTES["float32"] <= SHARE * _free("cpu") else "bfloat16"


def _stored(base: Path, name: str) -> str:
    config = read_json(base / "config.json", name)
    texts = config.get("text_config") or {}
    stored = str(config.get("dtype") or config.get("torch_dtype") or texts.get("dtype") or texts.get("torch_dtype"))
    return stored if stored in BYTES else "float32"


def _check_kernels(base: Path, name: str) -> None:
    """Raises ModelMissing for a configuration that has transformers fetch code from the Hub, as attention `org/name`."""
    config = read_json(base / "config.json", name)
    chosen = (str(value) for key, value in config.items() if "attn_implementation" in key or "kernel" in key)
    if any("/" in value for value in chosen):
        raise ModelMissing(f"{name}: its configuration names code on the Hub.", OWN_CODE)


def _quantization(dtype: str, device: str) -> Any:
    import torch
    import transformers

    if device == "mps":
        raise BadSetting("model.quantize=4bit does not work on mps.", "Use model.device=cpu, or model.quantize=none.")
    quantization: Any = transformers.BitsAndBytesConfig
    return quantization(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=getattr(torch, dtype),
    )


def _check_memory(needed: float, device: str, name: str) -> None:
    """Raises ModelMissing before a system that runs out of memory ends the program."""
    free = _free(device)
    if needed > free:
        raise too_big(name, f"it needs about {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free on {device}")


def too_big(name: str, why: str) -> ModelMissing:
    return ModelMissing(
        f"{name} does not fit into memory: {why}.",
        "Set model.quantize=4bit or model.dtype=bfloat16, use a smaller model, or end other programs.",
    )


@contextmanager
def quietly() -> Iterator[None]:
    """No telemetry; no bar, log or warning of a library between the lines of a chat."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    for library in ("bitsandbytes", "accelerate", "torch", "peft"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def failures(name: str, folder: Path) -> Iterator[None]:
    """What the libraries raise about a folder they cannot use, as one message."""
    import torch
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    unfit = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise too_big(name, "it was filled while the model was loaded") from None
    except ImportError as error:
        raise ModelMissing(
            f"{name} needs a package that is not installed: {_line(error)}.", "Install it with pip."
        ) from None
    except (*unfit, SafetensorError, StrictDataclassError) as error:
        hint = f"Check that {folder} holds a whole model that generates text."
        if "remote code" in str(error) or "trust_remote_code" in str(error):
            hint = OWN_CODE
        raise ModelMissing(f"{name} cannot be loaded: {_line(error)}.", hint) from error


def _line(error: Exception) -> str:
    """The first sentence of a library's message."""
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
