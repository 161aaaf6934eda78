"""Pre-training of `mini`, dyag's own small base model, on material that it makes itself: `python -m finetune.pretrain`."""
