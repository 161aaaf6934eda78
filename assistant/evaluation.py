"""What an evaluation asks: a mode with its generator, a run, an adapter, or any model, as one call `Case -> Response`."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from assistant.answer import Answerer, Done, Sources
from assistant.generators import load_generator
from assistant.generators.base import ChatModel, Cut, Delta, Generator, Options
from assistant.generators.model import ModelGenerator
from assistant.generators.models.faults import truncated
from assistant.modes import Mode, mode_named
from assistant.prompts import is_refusal
from assistant.prompts.fence import unfenced
from eval.types import Case, Cited, Response
from retrieval.citations import check, normalise
from retrieval.errors import BadSetting, GeneratorFailed
from retrieval.text import detect_language, sentences
from retrieval.types import Citation, Language, Message, Passage

if TYPE_CHECKING:
    from assistant.app import App
    from finetune.prices import Price

MOST_WORKERS = 64
STATES = 3
"""Different content words from which a sentence states something that a citation should prove."""


@dataclass(frozen=True)
class Measured:
    """What is measured, ready to be asked by several threads."""

    answer: Callable[[Case], Response]
    warm: Callable[[], None]
    """Load what the first case needs. Raises UserError."""
    mode: str
    model: str
    model_sha256: str
    generation: str
    """Of the index; empty where none is searched."""
    workers: int
    close: Callable[[], None]
    """Free what the models hold."""


def measured(app: App, mode: str, model: str, base: str, workers: int, seed: int) -> Measured:
    """What answers in a mode, by its name: `provider:model`, a run, a folder; empty for the one that is set.

    Raises BadSetting, BadInput, NotFound, ModelMissing, WrongBase, NotPromoted, NoIndex.
    """
    from assistant.identity import model_sha256

    chosen = mode_named(mode)
    first = _generator(app, chosen, model, base, seed)
    count = max(1, min(workers, MOST_WORKERS)) if _is_served(first) else 1
    more = [_generator(app, chosen, model, base, seed) for _ in range(count - 1)]
    askers = [_asker(app, chosen, generator) for generator in (first, *more)]
    pool: queue.SimpleQueue[_Asker] = queue.SimpleQueue()
    for asker in askers:
        pool.put(asker)
    searched = askers[0].answerer is not None
    return Measured(
        answer=partial(_asked, pool),
        warm=askers[0].warm,
        mode=mode,
        model=full_name(first.name, model),
        model_sha256=model_sha256(app, first),
        generation=app.searcher.generation().manifest.name if searched else "",
        workers=count,
        close=partial(_close, askers),
    )


def _close(askers: Sequence[_Asker]) -> None:
    for asker in askers:
        if isinstance(asker.generator, ModelGenerator):
            asker.generator.model.close()


def _asked(pool: queue.SimpleQueue[_Asker], case: Case) -> Response:
    """By one that is free."""
    asker = pool.get()
    try:
        return asker.ask(case)
    finally:
        pool.put(asker)


def _generator(app: App, mode: Mode, name: str, base: str, seed: int) -> Generator:
    if mode.finetuned and name in ("auto", "extractive"):
        raise BadSetting(f"{name} is no fine-tuned model.", "Name a run, a folder, or provider:model with --model.")
    if not name and not base:
        made = app.generator_of(mode)
    elif name in ("auto", "extractive"):
        made = load_generator(name, app)
    else:
        made = ModelGenerator(chat_model(app, name or "promoted", base), app.prompts, _options(app))
    return replace(made, options=replace(made.options, seed=seed)) if isinstance(made, ModelGenerator) else made


def chat_model(app: App, name: str, base: str = "") -> ChatModel:
    """A model by any name one may type: `provider:model`, `ft:…` of OpenAI, a run, a folder, a base of the registry.

    Raises what `load_model` and `trained_model` do.
    """
    from assistant.generators.load import LANGCHAIN, OWN, environment, load_model
    from assistant.named_models import model_named
    from assistant.trained import trained_model
    from finetune.bases.registry import named

    name = model_named(app.settings, name)
    provider, colon, rest = name.partition(":")
    if provider == "ft":
        name, provider = f"openai:{name}", "openai"
    if colon and not named(name) and provider in (*OWN, *LANGCHAIN) and not (base and provider in ("run", "hf")):
        return load_model(name, app.settings.model, environment(app.home.env), app.home.path)
    return trained_model(app, rest if provider in ("run", "hf") else name, base)


def full_name(name: str, typed: str) -> str:
    """`provider:model` of a model, also where a folder or a base was named without its provider."""
    return name if ":" in name or name == "extractive" else f"hf:{typed or name}"


def _options(app: App) -> Options:
    own = app.settings.model
    return Options(own.temperature, own.max_tokens, own.timeout, own.seed)


def _is_served(generator: Generator) -> bool:
    """Whether a server answers, which several may ask at once."""
    from assistant.generators.models.fake_model import FakeModel
    from assistant.generators.models.hf_model import HfModel

    return isinstance(generator, ModelGenerator) and not isinstance(generator.model, HfModel | FakeModel)


def _asker(app: App, mode: Mode, generator: Generator) -> _Asker:
    """A trained model alone answers where nothing has been indexed too."""
    from assistant.generators.models.openai_model import OpenAIModel
    from finetune.prices import load_prices

    needs_index = mode.searches or app.home.library.is_file()
    answerer = app.answerer_of(mode, generator) if needs_index else None
    provider = generator.name.partition(":")[0]
    local = provider in ("hf", "run", "fake", "ollama", "extractive")
    model = generator.model if isinstance(generator, ModelGenerator) else None
    name = model.served if isinstance(model, OpenAIModel) else "" if local else generator.name
    price = load_prices(app.home.data / "prices.toml").of(name) if name else None
    return _Asker(generator, answerer, app.settings.search.top_k, app.language(), price)


@dataclass(frozen=True)
class _Asker:
    """Asks one case after the other."""

    generator: Generator
    answerer: Answerer | None
    """None where nothing is searched."""
    top_k: int
    language: Language | None
    price: Price | None

    def warm(self) -> None:
        (self.answerer or self.generator).warm()

    def ask(self, case: Case) -> Response:
        """Raises GeneratorFailed, also for an answer that broke off before its end, and BadQuestion."""
        model = self.generator
        if isinstance(model, ModelGenerator) and self._is_sent(case.messages):
            return self._alone(case, model, case.messages)
        if self.answerer is None:
            assert isinstance(model, ModelGenerator)  # no other answers without an index
            language = self.language or detect_language(case.question, default=case.language)
            sent = model.prompts.finetuned[language].messages(documents="", question=case.question)
            return self._alone(case, model, tuple(m for m in sent if m.content))
        return self._piped(case, self.answerer)

    def _is_sent(self, messages: Sequence[Message]) -> bool:
        """Whether a case's own messages are what to send: to a model that is asked alone, or with their own documents."""
        alone = self.answerer is None or not self.answerer.mode.searches
        return bool(messages) and (alone or bool(unfenced(_asking(messages))))

    def _piped(self, case: Case, answerer: Answerer) -> Response:
        """By the whole pipeline, as `dyag ask`."""
        start, first = time.perf_counter(), None
        shown: tuple[Passage, ...] | None = None
        done: Done | None = None
        for event in answerer.answer(case.question, self.top_k, language=self.language):
            if isinstance(event, Delta) and event.text.strip() and first is None:
                first = time.perf_counter() - start
            elif isinstance(event, Sources) and shown is None:
                shown = event.passages
            elif isinstance(event, Done):
                done = event
        assert done is not None
        seconds, answer = time.perf_counter() - start, done.answer
        made = Response(
            answer.answer,
            refused=answer.refused,
            cited=_cited(answer.citations, answer.passages),
            phantom=answer.unknown_citations,
            retrieved=tuple(map(_names, shown or ())) if answerer.mode.searches else (),
            sentences=0 if answer.refused else statements(answer.answer, answer.language),
            seconds=seconds,
            first_token_seconds=first,
            stopped=self._ended(answer.partial, done.hint),
        )
        return self._counted(made, answer.messages)

    def _alone(self, case: Case, generator: ModelGenerator, messages: Sequence[Message]) -> Response:
        """By the model, sent exactly these messages; what it may cite are their documents."""
        from assistant.generators.budget import affordable
        from assistant.generators.models.steady import steady

        language = self.language or detect_language(case.question, default=case.language)
        passages = unfenced(_asking(messages))
        options = affordable(generator.options, generator.model.context())
        start, first, text, cut = time.perf_counter(), None, "", Cut("")
        with closing(steady(generator.model, messages, options)) as pieces:
            for piece in pieces:
                if isinstance(piece, Cut):
                    cut = piece
                    continue
                first = time.perf_counter() - start if first is None else first
                text += piece
        seconds = time.perf_counter() - start
        checked = check(text, passages, language)
        refused = is_refusal(checked.text, language)
        made = Response(
            checked.text,
            refused=refused,
            cited=() if refused else _cited(checked.citations, passages),
            phantom=checked.unknown,
            sentences=0 if refused else statements(checked.text, language),
            seconds=seconds,
            first_token_seconds=first,
            stopped=self._ended(cut.reason, cut.hint),
        )
        return self._counted(made, messages)

    def _ended(self, partial: str, hint: str) -> bool | None:
        """Whether the model ended by itself; None without a model. Raises GeneratorFailed when it was broken off."""
        if not isinstance(self.generator, ModelGenerator):
            return None
        too_long = truncated(self.generator.name, 0).message.partition("(")[0]
        if partial and not partial.startswith(too_long):
            raise GeneratorFailed(f"{partial}.", hint)
        return not partial

    def _counted(self, made: Response, messages: Sequence[Message]) -> Response:
        """With its tokens and what they cost."""
        from assistant.generators.models.tokens import PER_MESSAGE, estimate

        said = (Message("assistant", made.text),)
        if not isinstance(self.generator, ModelGenerator):
            return replace(made, tokens=estimate(said) - PER_MESSAGE)
        count = self.generator.model.count
        tokens = max(0, count(said) - count((Message("assistant", ""),)))
        prompt = count(messages) if messages else 0
        price = self.price
        cost = (prompt * price.input + tokens * price.output) / 1e6 if price else None
        return replace(made, prompt_tokens=prompt, tokens=tokens, cost=cost)


def statements(text: str, language: Language) -> int:
    """Sentences that state something, which a citation should prove."""
    from retrieval.lexical import analyze

    plain, _ = normalise(text, {})
    return sum(len(set(analyze(sentence, language))) >= STATES for sentence in sentences(plain))


def _asking(messages: Sequence[Message]) -> str:
    return "\n".join(m.content for m in messages if m.role != "assistant")


def _cited(citations: Sequence[Citation], passages: Sequence[Passage]) -> tuple[Cited, ...]:
    known = {p.chunk_id: _names(p) for p in passages}
    return tuple(Cited(known.get(c.chunk_id, (f"chunk_{c.chunk_id}",)), c.supported) for c in citations)


def _names(passage: Passage) -> tuple[str, ...]:
    """Every name that a chunk goes by in a file of cases."""
    names = (f"chunk_{passage.chunk_id}", passage.external_id, passage.document)
    return tuple(dict.fromkeys(name for name in names if name))
