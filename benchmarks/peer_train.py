"""The peer's training: trl as its documentation shows it, with nothing but its own defaults (train.py runs this).

    python benchmarks/peer_train.py MODEL ROWS.jsonl OUTPUT JSON

JSON holds what must be the same for a comparison: epochs, batch size, rank, alpha, learning rate, longest row.
It prints the seconds of the training loop.
"""

from __future__ import annotations

import json
import os
import sys

sys.path.pop(0)  # this folder, whose datasets.py would hide the package of that name

if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    model, rows, output, given = sys.argv[1:]
    same = json.loads(given)

    import torch
    from datasets import load_dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(
        output_dir=output,
        num_train_epochs=same["epochs"],
        per_device_train_batch_size=same["batch_size"],
        learning_rate=same["learning_rate"],
        max_length=same["max_length"],
        seed=same["seed"],
        use_cpu=not torch.cuda.is_available(),
        report_to="none",
    )
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=load_dataset("json", data_files=rows, split="train").select_columns(["prompt", "completion"]),
        peft_config=LoraConfig(
            r=same["lora_rank"], lora_alpha=same["lora_alpha"], target_modules="all-linear", task_type="CAUSAL_LM"
        ),
    )
    found = trainer.train().metrics
    print(json.dumps({"seconds": found["train_runtime"], "loss": found["train_loss"]}))
