"""English questions asked in other words. A question comes masked, without its mark, its first letter small."""

from __future__ import annotations

import re
from collections.abc import Iterator

from finetune.augment import english_words as table
from finetune.augment.english_asked import asks_someone, direct, headed, is_order
from finetune.augment.english_indirect import indirect
from finetune.augment.equivalent import Phrase, Shape, said_otherwise
from finetune.augment.masked import MASK, NAME, Masked

_WORD = rf"(?:{MASK}(?:'s)?|[a-z][a-z'’-]*)"
_PHRASE = rf"(?:(?:the|an?) )?{_WORD}(?: {_WORD}){{0,9}}?"
_AFTER = "in|on|during|at|since|after|before"
_FIELD = re.compile(
    rf"(?P<ask>what|which|who) (?P<is>is|are) (?P<noun>the (?!most\b|least\b|difference|use\b)(?:(?:[a-z-]+|{MASK}) ){{1,4}}?)"
    rf"of (?P<about>(?:the )?{NAME})$"
)
_OWNED = re.compile(rf"(?P<ask>what|who) (?P<is>is|are) (?P<about>{NAME})['’]s (?P<noun>[a-z-]+(?: [a-z-]+){{0,3}})$")
_LIST = re.compile(r"(?:what|which) are (?P<all>the (?!most\b|main\b)[a-z-]+s .+)$")
_WHICH = re.compile(
    r"(?:which|what) (?P<noun>(?:[a-z-]+ )?[a-z-]+s) "
    r"(?P<verb>(?:are|have|use|support|need|require|provide|offer|belong|depend|run|come|listen|store)\b.*)$"
)
_ORDER = re.compile(r"(?:list|name|give me|show me|give|show) (?:a list of )?(?P<all>(?:all )?(?:the )?[a-z-]+s\b.*)$")
_INFINITIVE = re.compile(r"how (?:do I|can I|do you|can you|to|does one|can one|do we|can we) ([a-z]+\b.*)$")
_NO_VERB = ("you", "know", "i", "we", "they")


class English:
    """The other ways to ask one question."""

    def __init__(self, masked: Masked, question: str, *, definition: bool) -> None:
        self.masked = masked
        self.as_asked = re.sub(r"\bi\b", "I", question)
        self.question = direct(self.as_asked)
        self.definition = definition

    def forms(self) -> Iterator[tuple[str, str]]:
        """(form, question) in the order of the tables, each with its mark."""
        for said in self.synonyms():
            yield "synonym", f"{said}?"
            if re.match(r"(?:what|who) is the", said):
                yield from self._field(said)
        if self.question != self.as_asked:
            yield "impersonal", f"{self.question}?"
        yield from self._field(self.question)
        yield from self._lists()
        yield from self._embedded()
        yield from self._steps()
        mark = "." if is_order(self.as_asked) else "?"
        for form, text in table.DIRECT:
            if not (mark == "." and "question" in text) and not ("please" in text and "please" in self.as_asked):
                yield form, text.format(self.as_asked, mark)

    def synonyms(self) -> Iterator[str]:
        plain = re.sub(r"^(what|who|where|when|how)['’]s ", r"\1 is ", self.question)
        yield from said_otherwise(plain, table.CLASSES, Shape(_PHRASE, _PHRASE, _AFTER, self._read))
        for long, short in table.CONTRACTED:
            if re.match(rf"{long} (?:the|an?|{NAME})(?: |$)", self.question) and len(self.question.split()) > 2:
                yield short + self.question[len(long) :]
        for starts in table.STARTS:
            for start in starts:
                if re.match(rf"{start} (?!\w+$)", self.question):
                    yield from (other + self.question[len(start) :] for other in starts if other != start)
        if found := re.match(
            r"((?:in|on|at|for|from|under|with) )?which (?!of\b|one|is\b|are\b|was\b|were\b)", self.question
        ):
            yield f"{found[1] or ''}what {self.question[found.end() :]}"

    def _read(self, said: str, behind: bool) -> Phrase | None:
        """A noun phrase with its article; no clause, and nothing without article but names."""
        pair = re.fullmatch(rf"(?:(?:the|an?) )?{MASK} (?:and|or) (?:(?:the|an?) )?{MASK}", said)
        words = re.findall(rf"{MASK}|[a-z-]+", said)
        if pair is None and set(words) & table.BLOCKED:
            return None
        article = re.match(r"(?:the|an?) ", said)
        if not article and not re.match(MASK, said):
            return None
        last = words[words.index("of") - 1] if "of" in words[1:] else words[-1]
        plural = pair is not None or (re.match(MASK, last) is None and re.search(r"[^s]s$", last) is not None)
        return Phrase(said, plural, said)

    def _field(self, question: str) -> Iterator[tuple[str, str]]:
        """ "What is the port of Redis": asked for, named first, in keywords."""
        if found := _OWNED.match(question):
            noun = f"the {found['noun']}"
            yield "synonym", f"{found['ask']} {found['is']} {noun} of {found['about']}?"
        elif found := _FIELD.match(question):
            noun = found["noun"].strip()
            if found["ask"] != "which" and not found["about"].startswith("the "):
                yield "synonym", f"{found['ask']} {found['is']} {found['about']}'s {noun[4:]}?"
        else:
            return
        about, bare = found["about"], noun[4:]
        name = about.removeprefix("the ")
        yield "keywords", f"{name} {bare}"
        yield "fronted", f"for {about}, {found['ask']} {found['is']} {noun}?"
        for form, text in table.ASKED_FOR if found["ask"] != "who" else ():
            yield form, text.format(f"{noun} of {about}")
        yield "keywords", f"{bare} {name}?"
        yield "keywords", f"{bare} of {about}?"
        yield "fronted", f"{about}: {found['ask']} {found['is']} {noun}?"

    def _lists(self) -> Iterator[tuple[str, str]]:
        if which := _WHICH.match(self.question):
            every = f"the {which['noun']} that {which['verb']}"
            yield "synonym", f"what are {every}?"
        elif found := _LIST.match(self.question) or _ORDER.match(self.question):
            every = found["all"]
        else:
            return
        for form, text in table.LISTED:
            yield form, text.format(every)

    def _embedded(self) -> Iterator[tuple[str, str]]:
        """ "Could you tell me who hosts Redis?", "Can you explain what a realm is?"."""
        head, asked = headed(self.question)
        said = None if asks_someone(self.question) else indirect(asked)
        if said is None:
            return
        for form, text in table.INDIRECT:
            if not head:
                yield form, text.format(said)
            elif not re.match("hi,|any idea", text):
                yield form, f"{head}, {text.format(said)}"
        if head:
            return
        if self.definition or re.match(r"(?:how (?!many|much|long|old|often|far|big|large|tall|fast)|why )", said):
            yield from ((form, text.format(said)) for form, text in table.EXPLAIN)
        found = re.match(r"what (?:is|are) ((?:an? )?[^ ]+(?: [^ ]+){0,2})$", self.question)
        if self.definition and found and "'" not in found[1] and " of " not in found[1]:
            yield "keywords", f"{re.sub('^(?:an?|the) ', '', found[1])} definition"
            yield "informal", f"define {found[1]}."

    def _steps(self) -> Iterator[tuple[str, str]]:
        found = _INFINITIVE.match(self.question)
        if found is None or found[1].split(" ")[0] in _NO_VERB or found[1].startswith("be "):
            return
        for text in table.STEPS:
            yield "synonym", f"{text.format(found[1])}?"
        yield "keywords", f"how to {found[1]}"
