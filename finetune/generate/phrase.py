"""A turn of phrase filled in: what stands in it agrees in gender, number and elision."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from finetune.generate import forms_en, forms_fr
from finetune.generate.nouns import Noun, spoken
from finetune.generate.titles import elide, named, of, quoted
from retrieval.facts import clean_markup
from retrieval.types import Language

QUESTIONS: Mapping[Language, Mapping[str, tuple[str, ...]]] = {"fr": forms_fr.QUESTIONS, "en": forms_en.QUESTIONS}
ANSWERS: Mapping[Language, Mapping[str, tuple[str, ...]]] = {"fr": forms_fr.ANSWERS, "en": forms_en.ANSWERS}
VERBS: Mapping[Language, Mapping[str, str]] = {"fr": forms_fr.VERBS, "en": forms_en.VERBS}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_TWO_STOPS = re.compile(r"([.!?])\.$")
_VOWEL = re.compile(r"[aeiouyàâäéèêëîïôöùûü]|h(?:[éeô]|uma)", re.IGNORECASE)


def words(title: str, noun: Noun, language: Language, *, plural: bool = False) -> dict[str, str]:
    """The placeholders that a title and a field give, by name."""
    made = {"T": named(title, language), "of": of(title, language), "key": quoted(_key(noun.key), language)}
    if language == "fr":
        made["que"] = elide("que", made["T"])
    return made | (_french(noun, plural) if language == "fr" else _english(noun, plural))


def _key(key: str) -> str:
    """A field's own name as it is quoted: as it stands, or as words where it is an identifier."""
    plain = clean_markup(key)
    return spoken(key) if re.search(r"_|[a-zà-ÿ][A-ZÀ-Þ]", plain) else plain


def second(title: str, language: Language) -> dict[str, str]:
    """The placeholders of the other document of a comparison."""
    return {"U": named(title, language), "ofu": of(title, language)}


def _french(noun: Noun, plural: bool) -> dict[str, str]:
    if noun.quoted:
        return {"est": "est"}
    she = noun.gender == "f"
    word = noun.plural if plural and noun.plural else noun.word
    many = plural and bool(noun.plural)
    article = "les " if many else "l'" if _VOWEL.match(word) else "la " if she else "le "
    le = f"{article}{word}"
    superlative = ("la", "e") if she else ("le", "")
    return {
        "np": word,
        "nps": noun.plural or word,
        "le": le,
        "Le": capital(le),
        "du": _contracted(article, word),
        "des": _contracted("les " if many else article, word),
        "quel": ("quelles sont" if she else "quels sont") if many else ("quelle est" if she else "quel est"),
        "Quel": ("Quelles sont" if she else "Quels sont") if many else ("Quelle est" if she else "Quel est"),
        "est": "sont" if many else "est",
        "e": ("e" if she else "") + ("s" if many else ""),
        "il": "elle" if she else "il",
        "Celle": capital(("celles" if she else "ceux") if many else ("celle" if she else "celui")),
        "celle": ("celles" if she else "ceux") if many else ("celle" if she else "celui"),
        "meme": f"les mêmes {word}" if many else f"{'la' if she else 'le'} même {word}",
        "plus_grand": f"{superlative[0]} plus élevé{superlative[1]}",
        "plus_ancien": f"{superlative[0]} plus ancien{'ne' if she else ''}",
        "one": f"{'la' if she else 'le'} {noun.word}" if not _VOWEL.match(noun.word) else f"l'{noun.word}",
    }


def _contracted(article: str, word: str) -> str:
    return {"le ": "du ", "les ": "des "}.get(article, f"de {article}") + word


def _english(noun: Noun, plural: bool) -> dict[str, str]:
    if noun.quoted:
        return {"est": "is"}
    many = plural and bool(noun.plural)
    return {
        "np": noun.plural if many else noun.word,
        "nps": noun.plural or noun.word,
        "est": "are" if many else "is",
        "one": noun.word,
    }


def filled(form: str, values: Mapping[str, str]) -> str:
    """A form with its placeholders replaced once; its first letter is a capital unless a title begins it."""
    text = _PLACEHOLDER.sub(lambda match: values[match[1]], form)
    # "la fiche de X indique Y." where Y ends a sentence already
    text = _TWO_STOPS.sub(r"\1", text)
    return text if form.startswith(("{T}", "{U}", "{v}")) else capital(text)


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def enumerated(values: Sequence[str], language: Language) -> str:
    """`a, b et c`; `a, b and c`."""
    *most, last = values
    return f"{', '.join(most)} {'et' if language == 'fr' else 'and'} {last}" if most else last


def count_word(number: int, language: Language) -> str:
    """A number at the start of a sentence."""
    names = forms_fr.COUNTS if language == "fr" else forms_en.COUNTS
    return names[number] if number < len(names) else str(number)


__all__ = ["ANSWERS", "QUESTIONS", "VERBS", "capital", "count_word", "elide", "enumerated", "filled", "second", "words"]
