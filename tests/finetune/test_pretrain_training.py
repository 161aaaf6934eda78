"""Pre-training on a model a hundred times smaller: tokenizer, batches, loop, what is kept and what is published."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.bases.chat_format import ChatFormat
from finetune.pretrain import tokenizer as tokens
from finetune.pretrain.__main__ import main
from finetune.pretrain.batches import buffer, tensors
from finetune.pretrain.curriculum import STAGES, row
from finetune.pretrain.encode import GIVEN, ID, ID_FIRST, REFUSAL, SAID, VALUE, VALUE_FIRST, Coder
from finetune.pretrain.folder import publish
from finetune.pretrain.looks import HOME_ID, ID_LOOK, VALUE_LOOK
from finetune.pretrain.loop import Trainer
from finetune.pretrain.model import Shape, build
from finetune.pretrain.muon import Muon, orthogonal
from finetune.pretrain.plan import Plan
from finetune.pretrain.pointer import Pointer
from retrieval.errors import BadInput
from retrieval.types import Message

TINY = Shape(layers=4, width=32, heads=4, inner=48, vocabulary=700, context=2048)
SPECIAL = {"begin": 1, "end": 2, "pad": 0}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tokens.train(1, TINY.vocabulary, rows=30)


@pytest.fixture
def run(tokenizer: Any, tmp_path: Path) -> Any:
    """Makes a trainer of a tiny model in a folder of its own."""

    def made(name: str = "run", **changed: Any) -> Trainer:
        folder = tmp_path / name
        if not folder.exists():
            tokenizer.save_pretrained(folder / "tokenizer")
        plan = Plan(**({"steps": 4, "tokens": 700, "rows": 12, "warm": 2, "shape": TINY} | changed))
        return Trainer.begin(plan, folder, lambda line: None)

    return made


def weights(trainer: Trainer) -> torch.Tensor:
    return torch.cat([weight.detach().flatten() for weight in trainer.model.parameters()])


# tokenizer -----------------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.text())
def test_any_text_comes_back_from_its_tokens(tokenizer: Any, text: str) -> None:
    import unicodedata

    said = unicodedata.normalize("NFC", text)
    if any(token in said for token in tokens.SPECIAL):
        return
    ids = tokenizer(said, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=False) == said


def test_digits_are_tokens_of_their_own(tokenizer: Any) -> None:
    assert tokenizer.tokenize("chunk_40417")[-5:] == list("40417")


def test_the_end_of_a_turn_is_not_the_padding(tokenizer: Any) -> None:
    assert tokenizer.eos_token == tokens.END
    assert tokenizer.pad_token == tokens.PAD
    assert tokenizer.convert_tokens_to_ids([tokens.PAD, tokens.BEGIN, tokens.END]) == [0, 1, 2]


def test_the_template_keeps_the_system_message_and_ends_an_answer(tokenizer: Any) -> None:
    form = ChatFormat(tokenizer)
    text = form.text([Message("system", "SYSTEM"), Message("user", "QUESTION")])
    assert text == "<|im_start|>system\nSYSTEM<|im_end|>\n<|im_start|>user\nQUESTION<|im_end|>\n<|im_start|>assistant\n"
    assert form.ends(None) == [2]


def test_rows_are_tokenized_as_the_template_writes_them(tokenizer: Any) -> None:
    for i in range(20):
        made = row(random.Random(i), STAGES[i % 5])
        chat = [{"role": m.role, "content": m.content} for m in made.messages]
        text = tokenizer.apply_chat_template(chat, tokenize=False)
        assert Coder(tokenizer).encoded(made).ids == tokenizer(text, add_special_tokens=False)["input_ids"]


def test_the_kinds_mark_the_values_and_the_ids_of_answers(tokenizer: Any) -> None:
    coder = Coder(tokenizer)
    made = next(r for i in range(99) if (r := row(random.Random(i), STAGES[1])).pairs[0].gold)
    encoded = coder.encoded(made)
    cited = [made.ids[at] for pair in made.pairs for at in pair.gold]
    digits = [i for i, kind in zip(encoded.ids, encoded.kinds, strict=True) if kind in (ID, ID_FIRST)]
    assert tokenizer.decode(digits).replace("\n", "") == "".join(map(str, cited))
    copied = tokenizer.decode(
        [i for i, kind in zip(encoded.ids, encoded.kinds, strict=True) if kind in (VALUE, VALUE_FIRST)]
    )
    assert made.pairs[0].values[0].strip() in copied
    assert encoded.kinds[0] == GIVEN
    ends = [k for i, k in zip(encoded.ids, encoded.kinds, strict=True) if i == 2 and k == SAID]
    assert len(ends) == len(made.pairs)


def test_the_points_are_where_the_values_and_ids_stand(tokenizer: Any) -> None:
    seen = 0
    for i in range(40):
        encoded = Coder(tokenizer).encoded(row(random.Random(i), STAGES[i % 5]))
        for point in encoded.points:
            assert point.found < point.at
            said, found = (tokenizer.decode([encoded.ids[at]]) for at in (point.at + 1, point.found))
            if point.look == VALUE_LOOK:
                assert found.strip().lower()[:1] == said.strip().lower()[:1]
            elif point.look == HOME_ID:
                assert found.isdigit()
            elif point.look == ID_LOOK:
                assert encoded.kinds[point.at + 1] == ID_FIRST
            seen += 1
    assert seen > 100


# batches -------------------------------------------------------------------------------------------------------------


def test_a_buffer_is_the_same_for_the_same_numbers_and_keeps_to_its_room(tokenizer: Any) -> None:
    coder = Coder(tokenizer)
    one, other, next_one = (buffer(coder, 1, number, 0.3, 3000, 24) for number in (0, 0, 1))
    assert one == other
    assert one != next_one
    for batch in one:
        ids, kinds, _ = tensors(batch, 0)
        assert ids.shape == kinds.shape
        assert ids.numel() <= 3000 or len(batch) == 1
        assert bool((kinds[ids == 0] == GIVEN).all())


def test_refusals_are_told_from_answers(tokenizer: Any) -> None:
    kinds = {kind for i in range(60) for kind in Coder(tokenizer).encoded(row(random.Random(i), STAGES[2])).kinds}
    assert REFUSAL in kinds


# model ---------------------------------------------------------------------------------------------------------------


def test_the_model_is_a_plain_llama_with_tied_embeddings() -> None:
    model = build(TINY, 1, SPECIAL)
    assert type(model).__name__ == "LlamaForCausalLM"
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert (model.config.eos_token_id, model.config.pad_token_id) == (2, 0)


def test_the_circuits_copy_before_any_training() -> None:
    """What follows a repeated token is far likelier with them than without."""
    shape = Shape(layers=3, width=128, heads=2, inner=64, vocabulary=500)
    drawn = torch.randint(3, 500, (4, 40), generator=torch.Generator().manual_seed(0))
    twice = torch.cat([drawn, drawn], 1)

    def rank(circuits: bool) -> float:
        logits = build(shape, 1, SPECIAL, circuits=circuits)(input_ids=twice).logits[:, 42:-1]
        wanted = logits.gather(-1, twice[:, 43:, None])
        return (logits > wanted).sum(-1).float().median().item()

    assert rank(circuits=True) < rank(circuits=False) / 3


def test_an_orthogonal_update_has_singular_values_near_one() -> None:
    drawn = torch.randn(2, 24, 40, generator=torch.Generator().manual_seed(0))
    for shaped in (drawn, drawn.mT):
        found = torch.linalg.svdvals(orthogonal(shaped).float())
        assert found.min() > 0.5
        assert found.max() < 1.5


def test_muon_goes_downhill() -> None:
    weight = torch.nn.Parameter(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)))
    aim = torch.eye(8)
    first = ((weight - aim) ** 2).sum().item()
    optimizer = Muon([weight], lr=0.05)
    for _ in range(90):
        ((weight - aim) ** 2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert ((weight - aim) ** 2).sum().item() < first / 4


def test_a_pointer_learns_where_to_look() -> None:
    model = build(TINY, 1, SPECIAL)
    pointer = Pointer(model)
    ids = torch.randint(3, 700, (2, 30), generator=torch.Generator().manual_seed(0))
    points = torch.tensor([[0, VALUE_LOOK, 20, 5], [1, HOME_ID, 25, 11]])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(30):
        model.model(input_ids=ids)
        loss = pointer.loss(points)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 4


# loop ----------------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights(run: Any) -> None:
    one, other, third = run("one"), run("other"), run("third", seed=2)
    for trainer in (one, other, third):
        trainer.run()
    assert torch.equal(weights(one), weights(other))
    assert not torch.equal(weights(one), weights(third))


def test_a_resumed_run_ends_as_an_uninterrupted_one(run: Any) -> None:
    whole = run("whole")
    whole.run()
    stopped = run("stopped")
    stopped.run(stop=lambda: stopped.step >= 2)
    assert stopped.step == 2
    resumed = run("stopped")
    resumed.load()
    resumed.run()
    assert resumed.step == whole.step == 4
    assert torch.equal(weights(resumed), weights(whole))


def test_one_worker_or_two_learn_the_same(run: Any) -> None:
    one, two = run("one", workers=1, steps=2), run("two", workers=2, steps=2)
    one.run()
    two.run()
    assert torch.allclose(weights(one), weights(two), atol=0.02)


def test_the_loss_falls(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = run(steps=25, tokens=1500, rows=40)
    batch = trainer._next()  # the same one again: others are easier or harder
    monkeypatch.setattr(trainer, "_next", lambda: batch)
    losses = [trainer._one()["loss"] for _ in range(25)]
    trainer.workers.close()
    assert losses[-1] < losses[0] - 2


def test_hours_end_a_run(run: Any) -> None:
    trainer = run(steps=0, hours=0.2 / 3600)
    trainer.run()
    assert 0 < trainer.step < 50
    assert trainer.progress >= 1


def test_the_log_says_how_far_it_is(run: Any, tmp_path: Path) -> None:
    run("logged").run()
    lines = [json.loads(line) for line in (tmp_path / "logged" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["step"] == 4
    assert lines[-1]["loss"] > 0


# what is written -----------------------------------------------------------------------------------------------------


def test_what_is_published_loads_and_answers(run: Any, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    trainer = run()
    trainer.run()
    folder = tmp_path / "mini"
    for _ in range(2):  # the second replaces the first
        publish(trainer.model, trainer.coder.tokenizer, folder, trainer.told())
    names = {path.name for path in folder.iterdir()}
    assert {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    } < names
    assert {"chat_template.jinja", "README.md"} < names
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("mini.")]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    read = AutoTokenizer.from_pretrained(folder)
    assert read.chat_template == tokens.TEMPLATE
    assert model.dtype == torch.float32
    half = torch.cat([w.detach().bfloat16().flatten() for w in trainer.model.parameters()])
    assert torch.equal(torch.cat([w.detach().bfloat16().flatten() for w in model.parameters()]), half)
    ids = torch.tensor([ChatFormat(read).ids([Message("user", "?")])])
    made = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=3)
    assert made.shape[1] > ids.shape[1]


def test_the_card_has_the_figures_it_is_given(run: Any, tmp_path: Path) -> None:
    trainer = run()
    figures = [{"set": "sheets", "measure": "cites", "share": "0.123"}]
    publish(trainer.model, trainer.coder.tokenizer, tmp_path / "mini", trainer.told(), figures)
    card = (tmp_path / "mini" / "README.md").read_text(encoding="utf-8")
    assert "| sheets | cites | 0.123 |" in card
    assert "{" not in card


def test_the_command_trains_publishes_and_refuses_to_run_over_a_run(tokenizer: Any, tmp_path: Path, capsys) -> None:
    tokenizer.save_pretrained(tmp_path / "mini-training" / "tokenizer")
    small = "--layers 4 --width 32 --heads 4 --inner 48 --vocabulary 700 --tokens 700".split()
    command = ["--steps", "2", "--output", str(tmp_path / "mini"), *small]
    assert main(command) == 0
    assert (tmp_path / "mini" / "model.safetensors").is_file()
    assert main(command) == 1
    assert "--resume" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0


def test_the_command_wants_hours_or_steps(tmp_path: Path, capsys) -> None:
    assert main(["--output", str(tmp_path / "mini")]) == 1
    assert "--hours or --steps" in capsys.readouterr().err


def test_nothing_is_read_where_nothing_was_saved(run: Any) -> None:
    with pytest.raises(BadInput, match="no checkpoint"):
        run().load()


def test_a_checkpoint_of_another_size_is_refused(run: Any) -> None:
    run("sized").save()
    with pytest.raises(BadInput, match="another size"):
        run("sized", shape=Shape(layers=4, width=32, heads=4, inner=64, vocabulary=700)).load()


def test_help_loads_no_torch() -> None:
    code = "import sys\nimport finetune.pretrain.__main__ as m\nm._parser().format_help()\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
