"""Training: SFT, DPO and KTO with LoRA, QLoRA or all weights; checked before any weight is loaded, resumable at any time."""
