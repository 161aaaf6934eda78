"""Make the material, train `mini` on it and write its folder: two cores need hours, in the background.

python -m finetune.pretrain --hours 2 --output models/mini
python -m finetune.pretrain --hours 2 --output models/mini --resume
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import BadInput, UserError

if TYPE_CHECKING:
    from finetune.pretrain.plan import Plan


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0, or 1 with a message."""
    options = _parser().parse_args(arguments)
    # Each worker computes on one core; threads within an operation would wait for each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        _run(options)
    except UserError as error:
        print(f"{error}\n{error.hint}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    from finetune.pretrain.folder import publish, read_figures
    from finetune.pretrain.loop import Trainer

    work = options.work or options.output.with_name(f"{options.output.name}-training")
    trainer = Trainer.begin(_plan(options), work, lambda line: print(line, flush=True))
    if options.publish:
        trainer.read()
    elif options.resume:
        trainer.load()
    elif trainer.has_state:
        raise BadInput(f"{work} holds a run.", "Go on with --resume, or name another folder with --work.")
    if not options.publish:
        trainer.run()
    publish(trainer.model, trainer.coder.tokenizer, options.output, trainer.told(), read_figures(options.figures))


def _plan(options: argparse.Namespace) -> Plan:
    from finetune.pretrain.model import Shape
    from finetune.pretrain.plan import Plan

    if bool(options.hours) == bool(options.steps) and not options.publish:
        raise BadInput("How long to train is not said.", "Give --hours or --steps, one of them.")
    shape = Shape(options.layers, options.width, options.heads, options.inner, options.vocabulary)
    return Plan(
        seed=options.seed, hours=options.hours, steps=options.steps, tokens=options.tokens, muon=options.muon, adam=options.adam,
        workers=options.threads, circuits=not options.plain, shape=shape,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m finetune.pretrain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = made.add_argument
    add("--hours", type=float, default=0.0, help="train so long; the material's order then follows the clock")
    add("--steps", type=int, default=0, help="train so many steps; the same seed then gives the same weights")
    add("--seed", type=int, default=1)
    add("--output", type=Path, default=Path("models/mini"), help="the model's folder (default: %(default)s)")
    add("--work", type=Path, help="checkpoints and log (default: beside the output, with -training)")
    add("--resume", action="store_true", help="go on from the last checkpoint")
    add("--publish", action="store_true", help="write the folder from the last checkpoint and train no further")
    add("--figures", type=Path, help="what `benchmarks/mini.py --json` printed, for the card")
    add("--threads", type=int, default=2, help="cores (default: %(default)s)")
    add("--tokens", type=int, default=5120, help="of a batch (default: %(default)s)")
    add("--muon", type=float, default=0.02, help="learning rate of the matrices (default: %(default)s)")
    add("--adam", type=float, default=0.004, help="learning rate of embeddings and norms (default: %(default)s)")
    add("--plain", action="store_true", help="begin at random, without the circuits that copy")
    for name, default in (("layers", 4), ("width", 256), ("heads", 4), ("inner", 704), ("vocabulary", 4096)):
        add(f"--{name}", type=int, default=default, help="(default: %(default)s)")
    return made


if __name__ == "__main__":
    raise SystemExit(main())
