"""How the weights of a GGUF file are written, and what each way may cost."""

from __future__ import annotations

from typing import Literal, get_args

Own = Literal["f32", "f16", "bf16", "q8_0", "q4_0"]
"""What the package `gguf` writes."""
KQuant = Literal["q2_k", "q3_k_s", "q3_k_m", "q3_k_l", "q4_k_s", "q4_k_m", "q5_k_s", "q5_k_m", "q6_k"]
"""What llama.cpp makes of a file in f32."""
Kind = Literal[
    "f32", "f16", "bf16", "q8_0", "q4_0",
    "q2_k", "q3_k_s", "q3_k_m", "q3_k_l", "q4_k_s", "q4_k_m", "q5_k_s", "q5_k_m", "q6_k",
]  # fmt: skip
K_QUANTS: tuple[str, ...] = get_args(KQuant)

BYTES = {"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 1.07, "q4_0": 0.7, "q6_k": 0.9}
"""Of one weight in the file; of another K-quant at most as many as of q6_k."""
DIVERGENCE = {"f32": 1e-4, "f16": 1e-3, "bf16": 0.02, "q8_0": 0.02, "q6_k": 0.1, "q5_k_m": 0.2, "q5_k_s": 0.2}
"""Mean of a token's Kullback-Leibler divergence (nats) from the original above which a file is refused."""
COARSE = 1.0
"""The same for what has four bits or fewer."""


def bytes_of(kind: Kind) -> float:
    """Of one weight, at most."""
    return BYTES.get(kind, BYTES["q6_k"])


def divergence_of(kind: Kind) -> float:
    """Above which a file of this kind is refused, in nats."""
    return DIVERGENCE.get(kind, COARSE)
