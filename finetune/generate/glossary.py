"""Terms of a glossary: what each means, rather than what a field holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from finetune.examples import Asked
from finetune.generate.ask import fact
from finetune.generate.fields import Field
from finetune.generate.prose.subjects import told_by
from finetune.generate.titles import page, plain, quoted
from finetune.sources import SourceDocument
from retrieval.facts import clean_markup
from retrieval.text import fold

_GLOSSARY = re.compile(
    r"\b(?:glossa\w+|lexique|definitions?|terminolog\w+|acronym\w*|sigles|abbreviations|abreviations|vocabulaire)\b"
)


def is_glossary(document: SourceDocument) -> bool:
    """Whether the fields of a document are terms with their meanings."""
    return _GLOSSARY.search(fold(document.title)) is not None


def about_term(document: SourceDocument, field: Field) -> Iterator[Asked]:
    """What a term means, in every way there is to ask."""
    french, title = document.language == "fr", plain(document.title)
    term, aside = quoted(clean_markup(field.key), document.language), told_by(title, document.language)
    where, meaning = page(title, document.language), field.value.rstrip(".")
    if french:
        asks = [
            f"Que signifie {term}{aside} ?",
            f"Que désigne {term}{aside} ?",
            f"Que veut dire le terme {term}{aside} ?",
        ]
        answer = f"{where[:1].upper()}{where[1:]}, {term} désigne : {meaning}."
    else:
        asks = [f"What does {term} mean{aside}?", f"What is meant by {term}{aside}?", f"How is {term} defined{aside}?"]
        answer = f"{where[:1].upper()}{where[1:]}, {term} means: {meaning}."
    for n, question in enumerate(asks if aside else ()):
        yield Asked(
            question,
            answer,
            "definition",
            f"glossary.{n}",
            field.values,
            field.quote,
            fact(document, "means", field.folded),
        )
