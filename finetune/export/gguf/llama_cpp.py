"""K-quants, which llama.cpp makes: through llama-cpp-python, where that is installed."""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
from pathlib import Path
from typing import Any

from finetune.export.gguf.kinds import KQuant
from retrieval.errors import ModelMissing, UserError

INSTALL = "Install it (pip install llama-cpp-python), or use --quantize q8_0 or q4_0, which need nothing more."


class QuantizeFailed(UserError):
    """llama.cpp did not write the file."""


def library() -> Any:
    """The module llama_cpp. Raises ModelMissing."""
    try:
        return importlib.import_module("llama_cpp")
    except (ImportError, OSError, RuntimeError) as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == "llama_cpp"
        why = "is not installed" if missing else f"cannot be loaded: {error}"
        raise ModelMissing(f"K-quants are made by llama-cpp-python, which {why}.", INSTALL) from None


def quantize(source: Path, file: Path, kind: KQuant) -> None:
    """Write a file in f32 once more as a K-quant. Raises ModelMissing, QuantizeFailed."""
    llama = library()
    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL + 1)  # or it prints a line for each weight
    options = llama.llama_model_quantize_default_params()
    options.ftype = getattr(llama, f"LLAMA_FTYPE_MOSTLY_{kind.upper()}")
    code = llama.llama_model_quantize(os.fsencode(source), os.fsencode(file), ctypes.byref(options))
    if code or not file.is_file():
        hint = "Is the disk full? Another --quantize may do: q8_0 and q4_0 are written without llama.cpp."
        raise QuantizeFailed(f"llama.cpp did not write the model as {kind} (code {code}).", hint)
