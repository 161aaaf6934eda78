"""Questions that a document asks itself, with the answer that follows: headings, bold lines, `Q:` and `A:`, and titles.

## Comment obtenir un badge ?        **When is my card charged?**        Q: Is VAT included?
Le badge est remis par l'accueil.    Cards are charged monthly.          A: Prices are shown without VAT.

They are asked as they stand, with the page they are from unless they name it; who asks may say `je` and `mon`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from finetune.examples import Asked
from finetune.generate.prose.subjects import told_by
from finetune.generate.sections.blocks import Block, blocks, heading_text
from finetune.generate.titles import page, plain
from finetune.sources import SourceChunk, SourceDocument
from retrieval.facts import clean_markup
from retrieval.text import fold, sentence_spans

LONGEST = 160
"""Characters of a question."""
ANSWER = 500
SENTENCES = 3
ITEMS = 12

_QUESTION = re.compile(
    r"\s*(?:#{1,6}\s+(.+\?)[\s#*_]*|(?:\*\*|__)(?:Q\s*[:.]\s*)?(.+\?)\s*(?:\*\*|__)\s*|(?:Q|Question)\s*[:.]\s*(.+\?)\s*)$"
)
_ANSWER = re.compile(r"^\s*(?:\*\*|__)?(?:A|R|Answer|Réponse)\s*[:.](?:\*\*|__)?\s*")
_LABEL = re.compile(r"^(?:Q?\d+\s*[.):–-]\s*|Q\s*[:.]\s*)")
# Whose words these are is not said: the team's, or those of who is spoken to.
_OTHERS = re.compile(r"\b(?:nous|notre|nos|vous|votre|vos|we|our|us|you|your)\b", re.IGNORECASE)
_POINTS = re.compile(
    r"\b(?:ce|cet|cette|ces|celui|celle|ceux|il|elle|ils|elles|cela|ça|this|these|that|those|it|they|them|he|she)\b",
    re.IGNORECASE,
)
_NOBODY = re.compile(
    r"\b(?:faut-il|y a-t-il|existe-t-il|est-il (?:possible|obligatoire|nécessaire)|is (?:it|there)|are there)\b",
    re.IGNORECASE,
)
# "Pourquoi la connexion échoue-t-elle ?" has its noun, "Que fait-il ?" has none.
_INVERTED = re.compile(
    r"(\b(?:l[ae]s?|un|une|mon|ma|mes|des|du|au|aux|leurs?)\s[^?]*|\bl['’][^?]*)-(?:t-)?(?:ils?|elles?|on)\b",
    re.IGNORECASE,
)
_UNPLAIN = re.compile(
    r"[*_<>|\\{}\[\]#=~^]|https?:|\.\.\.|…|\s[,;.]|[\w)\s][.!?:;][A-ZÀ-Þ][a-zà-ÿ'’]|ci-dessous|ci-dessus|\b(?:below|above)\b"
)
_LEANS = re.compile(
    r"(?:C['’]est pourquoi|Ainsi|Cependant|Toutefois|Mais|Donc|Ensuite|De plus|However|Therefore|Thus|But|Moreover)\b"
)
# Half of an enumeration or of a procedure is no answer.
_WHOLE = re.compile(
    r"\b(?:quel(?:le)?s|quelle différence|comment|what are|which|how (?:to|do|can|does))\b", re.IGNORECASE
)


@dataclass(frozen=True)
class _Pair:
    question: str
    body: str
    chunk: SourceChunk
    is_title: bool = False


def faq(document: SourceDocument) -> Iterator[tuple[SourceChunk, Asked]]:
    """Every question that the document asks and answers itself."""
    for pair in _pairs(document):
        question = _asked(pair, document)
        answer, values, quote = _answered(pair, document)
        if question and answer and fold(answer) != fold(question):
            fact = f"{document.key}: asks {fold(pair.question)}"
            kind = "items" if "\n" in answer else "section"
            yield pair.chunk, Asked(question, answer, kind, "sections.faq.1", values, quote, fact)  # type: ignore[arg-type]


def is_question(heading: str) -> bool:
    """Whether a heading is a question that is asked here, and nowhere else."""
    return heading.rstrip().endswith("?")


def _pairs(document: SourceDocument) -> Iterator[_Pair]:
    title = plain(document.title)
    for at, chunk in enumerate(document.chunks):
        lines = chunk.text.split("\n")
        starts = [
            (n, next(filter(None, match.groups()))) for n, line in enumerate(lines) if (match := _QUESTION.match(line))
        ]
        if at == 0 and is_question(title) and not (starts and fold(_bare(starts[0][1])) == fold(title)):
            starts.insert(0, (-1, title))
        ends = (
            [n for n, line in enumerate(lines) if re.match(r"#{1,6}\s", line)] + [n for n, _ in starts] + [len(lines)]
        )
        for n, question in starts:
            end = min(e for e in ends if e > n)
            body = _ANSWER.sub("", "\n".join(lines[n + 1 : end]).strip("\n"))
            yield _Pair(_bare(question), body, chunk, fold(_bare(question)) == fold(title))


def _bare(question: str) -> str:
    return _LABEL.sub("", heading_text(question)).strip()


def _asked(pair: _Pair, document: SourceDocument) -> str:
    """The question as it can be asked; "" where it does not say what it is about."""
    language, bare = document.language, pair.question.rstrip("? \u00a0\u202f")
    mark = " ?" if language == "fr" else "?"
    if len(bare.split()) < 3 or len(bare) > LONGEST or _OTHERS.search(bare):
        return ""
    if pair.is_title:
        return f"{bare}{mark}"
    if _POINTS.search(_INVERTED.sub(r"\1", _NOBODY.sub("", bare))) or re.search(r"[.!?] ", bare):
        return ""
    if fold(plain(document.title)) in fold(bare):
        return f"{bare}{mark}"
    aside = told_by(document.title, language)
    return f"{bare}{aside}{mark}" if aside else ""


def _answered(pair: _Pair, document: SourceDocument) -> tuple[str, tuple[str, ...], str]:
    """The answer, its values and the words of the chunk; empty where the answer is not plain."""
    found = list(blocks(pair.body))
    if not found:
        return "", (), ""
    if found[0].kind == "list":
        return _listed(found[0], document) if len(found) == 1 else ("", (), "")
    if found[0].kind != "text":
        return "", (), ""
    block, end, said = found[0].text, 0, ""
    spans = sentence_spans(block.replace("\n", " "))
    for start, stop in spans[:SENTENCES]:
        text = " ".join(clean_markup(block[start:stop]).split())
        if (
            _UNPLAIN.search(text)
            or text[-1:] not in ".!"
            or len(said) + len(text) > ANSWER
            or (not said and _LEANS.match(text))
        ):
            break
        end, said = stop, f"{said} {text}".strip()
    whole = len(found) == 1 and end == spans[-1][1]
    told = len(said.split()) >= 4 and said[-1] == "." and (whole or not _WHOLE.search(pair.question))
    return (said, (said,), block[spans[0][0] : end]) if told else ("", (), "")


def _listed(block: Block, document: SourceDocument) -> tuple[str, tuple[str, ...], str]:
    items = block.items
    if (
        block.numbered
        or not 2 <= len(items) <= ITEMS
        or any(_UNPLAIN.search(item) or item.endswith(":") for item in items)
    ):
        return "", (), ""
    title = plain(document.title)
    lead = f"{page(title, document.language)}{' :' if document.language == 'fr' else ':'}"
    return "\n".join([f"{lead[:1].upper()}{lead[1:]}", *(f"- {item}" for item in items)]), items, block.text
