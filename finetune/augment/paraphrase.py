"""Other ways to ask a question, without a model: other words and order, another tone, keywords, slips of the hand.

"Quel est le port de Redis ?"  ->  "Pour Redis, quel est le port ?", "port Redis", "Peux-tu me dire quel est le prot de Redis ?"
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from finetune.augment.acronyms import acronyms
from finetune.augment.english import English
from finetune.augment.french import French
from finetune.augment.masked import MASK, NAME, Masked, mask
from finetune.augment.protected import named_in, opens
from finetune.augment.surface import has_words, typos, without_accents, without_mark
from finetune.examples import Example

FOLDED = ("lower", "no-accents")
"""Forms in which names may lose their capitals and accents."""


def paraphrases(
    example: Example, text: str, rng: random.Random, names: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """(form, question) in a varied order; `text` is what the example rests on, `names` stay whole and as they are.

    The form says what was done, "synonym+typo". No question comes twice, nor does the example's own.
    """
    if re.search(MASK, example.question):
        return  # it uses the characters that masks are made of
    seen = {example.question}
    names = [*names, *named_in(text, example.question, example.language)]
    masked = mask(example.question.strip(), example.language, names)
    reworded = _reworded(masked, example)
    slips = _slips(masked, [("", masked.text), *reworded], example, rng)
    shorter = _shortened(masked, acronyms(text))
    for form, question in _in_turn([("", form, said) for form, said in reworded + shorter] + slips, rng):
        said = masked.restore(" ".join(question.split()))
        if said not in seen and has_words(question):
            seen.add(said)
            yield form, said


def _reworded(masked: Masked, example: Example) -> list[tuple[str, str]]:
    """Masked questions with their marks, the first letter large."""
    body = re.sub(r"[\s\u00a0]*\?[\s?]*$|\.$", "", masked.text.strip())
    asks = body != masked.text.strip() or opens(body, example.language)
    if not body or not asks or "\n" in body or re.search(r"[.?!] ", body):
        return []  # several sentences, or a few words for a search
    language = French if example.language == "fr" else English
    forms = language(masked, _lowered(body), definition=example.type == "definition").forms()
    return list(dict.fromkeys((form, _capital(said, form)) for form, said in forms if _same_masks(said, body)))


def _same_masks(said: str, body: str) -> bool:
    return sorted(re.findall(MASK, said)) == sorted(re.findall(MASK, body))


def _shortened(masked: Masked, known: Mapping[str, str]) -> list[tuple[str, str]]:
    """The question with an acronym for what it stands for, as the text explains it."""
    made = []
    said = masked.restore(masked.text)
    for short, long in known.items():
        # Not the other way round: a long name would need an article. Not behind "a" either, which may have to be "an".
        pattern = rf"(?<!\w)(?<!\ba ){re.escape(long)}(?!\w)(?!\s*\(\s*{re.escape(short)})"
        if re.search(pattern, said, re.IGNORECASE):
            made.append(("acronym", re.sub(pattern, lambda _, short=short: short, said, flags=re.IGNORECASE)))  # type: ignore[misc]
    return made


def _slips(
    masked: Masked, bases: list[tuple[str, str]], example: Example, rng: random.Random
) -> list[tuple[str, str, str]]:
    """(kind, form, question): slips of the hand in the question and in some of its other forms."""
    made = []
    for form, said in [bases[0], *rng.sample(bases[1:], min(4, len(bases) - 1))]:
        short, plain = without_mark(said), _plain(masked, said)
        misspelt = _some(typos(masked, said, example.language, rng), 3)
        slips = [
            *(("typo", "typo", slip) for slip in misspelt[:2]),
            *(("typo", "typo+lower", _small(masked, without_mark(slip))) for slip in misspelt[2:]),
            ("lower", "lower", _small(masked, short)),
            ("lower", "lower+no-accents", _small(masked, _plain(masked, short))),
            ("no-accents", "no-accents", plain),
            ("no-mark", "no-mark", short),
        ]
        whole = masked.restore(said)
        made += [(kind, _with(form, slip), other) for kind, slip, other in slips if masked.restore(other) != whole]
    return made


def _with(form: str, slip: str) -> str:
    return f"{form}+{slip}" if form else slip


def _some(found: Iterator[str], count: int) -> list[str]:
    return [slip for slip, _ in zip(found, range(count), strict=False)]


def _small(masked: Masked, said: str) -> str:
    """In small letters, the names too, but for addresses and paths."""
    return re.sub(NAME, lambda m: _folded(masked, m[0], str.lower), said.lower())


def _plain(masked: Masked, said: str) -> str:
    """Without accents, the names too."""
    return re.sub(NAME, lambda m: _folded(masked, m[0], without_accents), without_accents(said))


def _folded(masked: Masked, sign: str, change: Callable[[str], str]) -> str:
    word = masked.restore(sign)
    return sign if re.search(r"[/@_]", word) else change(word)


def _in_turn(made: Sequence[tuple[str, str, str]], rng: random.Random) -> Iterator[tuple[str, str]]:
    """One of each kind after the other, the kinds and what is in them in an order of their own."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for kind, form, said in made:
        kinds.setdefault(kind or form, []).append((form, said))
    queues = list(kinds.values())
    rng.shuffle(queues)
    for queue in queues:
        rng.shuffle(queue)
    while queues:
        queues = [queue for queue in queues if queue]
        for queue in queues:
            yield queue.pop()


def _lowered(said: str) -> str:
    return said if re.match(MASK, said) or re.match(r"I\b", said) else said[:1].lower() + said[1:]


def _capital(said: str, form: str) -> str:
    first = said[:1].upper()
    return said if form == "keywords" or re.match(MASK, said) or len(first) > 1 else first + said[1:]
