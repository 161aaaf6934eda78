"""French questions asked in other words. A question comes masked, without its mark, its first letter small."""

from __future__ import annotations

import re
from collections.abc import Iterator

from finetune.augment import french_words as table
from finetune.augment.equivalent import Phrase, Shape, said_otherwise
from finetune.augment.french_asked import GIVE, direct, headed, is_order, tone
from finetune.augment.french_indirect import declared, indirect
from finetune.augment.masked import MASK, NAME, Masked

_WORD = rf"(?:{MASK}|[a-zà-ÿœ][a-zà-ÿœ'’-]*(?:['’]{MASK})?)"
_ARTICLE = r"(?:l['’]|(?:le|la|les|un|une) )"
_PHRASE = rf"{_ARTICLE}?{_WORD}(?: {_WORD}){{0,9}}?"
_OF = rf"(?:d['’]|de |du |des ){_PHRASE}"
_AFTER = "en|depuis|dans|pour|sur|avec|pendant|lors|selon|sous|chez|vers|entre"
_FIELD = re.compile(
    rf"(?:(?P<ask>quel(?:le)?s?|qui) (?P<is>est|sont)|{GIVE}) (?P<noun>(?:l['’]|le |la |les )(?!plus\b|moins\b)[^,]+?) "
    rf"(?P<of>(?:de |d['’]|du |des ){_ARTICLE}?{NAME})$"
)
_LIST = re.compile(r"(?:quels|quelles) sont (?P<all>les .+)$")
_WHICH = re.compile(
    r"(?:quels|quelles) (?P<noun>[a-zà-ÿœ-]+[sx](?: [a-zà-ÿœ-]+[sx])?) "
    r"(?P<verb>(?:ne |n['’]|se |s['’])?(?:sont|ont|font|vont|[a-zà-ÿœ]+ent)\b(?!-).*)$"
)
_ORDER = re.compile(
    rf"(?:(?:citez?|donnez?|énumère|nommez?)(?:-moi)?|{GIVE}) "
    r"(?:(?P<all>les .+)|la liste (?P<of>des .+))$"
)
_INFINITIVE = re.compile(r"comment ((?:ne |n['’]|se |s['’]|en |y )*(?!faire\b)[a-zà-ÿœ]+(?:er|ir|oir|re|ire)(?: .+)?)$")


class French:
    """The other ways to ask one question."""

    def __init__(self, masked: Masked, question: str, *, definition: bool) -> None:
        self.masked = masked
        self.as_asked = question
        self.definition = definition
        # "de APAX" stays as its author writes it.
        self._open = any(
            masked.elides(found[1]) for found in re.finditer(rf"\bde ({NAME})", question) if found[1] != question[:1]
        )
        self.question = self._elided(direct(question))

    def forms(self) -> Iterator[tuple[str, str]]:
        """(form, question) in the order of the tables, each with its mark."""
        for said in self.synonyms():
            yield "synonym", f"{said} ?"
            if said.startswith("quel"):
                yield from self._field(said)
        if self.question != self.as_asked:
            yield "impersonal", f"{self.question} ?"
        yield from self._field(self.question)
        yield from self._lists()
        yield from self._embedded()
        yield from self._steps()
        yield from self._courtesies()

    def _courtesies(self) -> Iterator[tuple[str, str]]:
        """The question as it is, with a word before or after it that suits whom it speaks to."""
        own, order = tone(self.as_asked), is_order(self.as_asked)
        for form, said_to, text in table.DIRECT:
            fits = own in ("", said_to) or not said_to
            if fits and not (order and re.match("petite|dis,", text)):
                yield form, text.format(self.as_asked, "." if order else " ?")

    def _elided(self, question: str) -> str:
        """ "de" before a name as it has to be."""
        if self._open or question == self.as_asked:
            return question
        return re.sub(rf"\bde ({NAME})$", lambda found: self.of(found[1]), question)

    def synonyms(self) -> Iterator[str]:
        shape = Shape(_PHRASE, _OF, _AFTER, self._read)
        yield from said_otherwise(self.question, table.CLASSES, shape)
        if re.match(table.FIXED, self.question):
            return
        for starts in table.STARTS:
            for start in starts:
                if re.match(rf"{start} (?!que\b)", self.question):
                    yield from (other + self.question[len(start) :] for other in starts if other != start)

    def _read(self, said: str, behind: bool) -> Phrase | None:
        """A noun phrase with its article; no clause, and nothing without article but names."""
        text = said
        if behind:
            text = re.sub(r"^(?:de |d['’])", "", re.sub(r"^des ", "les ", re.sub(r"^du ", "le ", said)))
        words = re.findall(rf"{MASK}|[a-zà-ÿœ-]+", text)
        article = re.match(_ARTICLE, text)
        if set(words[1 if article else 0 :]) & table.BLOCKED and not self._pair(text):
            return None
        if not article and not re.match(MASK, text):
            return None
        return Phrase(text, text.startswith("les ") or self._pair(text), self.of(text))

    @staticmethod
    def _pair(text: str) -> bool:
        return re.fullmatch(rf"{_ARTICLE}?{MASK} (?:et|ou) {_ARTICLE}?{MASK}", text) is not None

    def of(self, phrase: str) -> str:
        """`du fichier`, `des chèques`, `d'Apache`, `de la base`."""
        if phrase.startswith("les "):
            return f"des {phrase[4:]}"
        if phrase.startswith("le "):
            return f"du {phrase[3:]}"
        if re.match(r"l['’]|la ", phrase):
            return f"de {phrase}"
        return f"d'{phrase}" if self.masked.elides(phrase) and not self._open else f"de {phrase}"

    def _field(self, question: str) -> Iterator[tuple[str, str]]:
        """ "Quel est le port de Redis": asked for, named first, in keywords."""
        found = _FIELD.match(question)
        if found is None or re.search(rf"{MASK}|\b(?:qui|que|dont|entre)\b", found["noun"]):
            return
        asked, noun = found["ask"] and f"{found['ask']} {found['is']} ", found["noun"]
        about = re.sub(r"^(?:de |d['’])", "", re.sub(r"^des ", "les ", re.sub(r"^du ", "le ", found["of"])))
        bare, name = (re.sub(_ARTICLE, "", text, count=1) for text in (noun, about))
        person = found["ask"] == "qui" or re.match(table.PEOPLE, bare) is not None
        given = not person and re.match(table.ABSTRACT, bare) is None
        yield "keywords", f"{bare} {name}"
        for form, text in table.ASKED_FOR:
            if given or re.search("indiquer|connaître", text):
                yield form, text.format(f"{noun} {found['of']}")
        yield "keywords", f"{name} {bare} ?"
        if asked:
            yield "fronted", f"pour {about}, {asked}{noun} ?"
            yield "fronted", f"{about} : {asked}{noun} ?"
        if not person:
            yield "informal", f"c'est quoi {noun} {found['of']} ?"
            yield "keywords", f"{bare} {found['of']} ?"

    def _lists(self) -> Iterator[tuple[str, str]]:
        which, order = _WHICH.match(self.question), _ORDER.match(self.question)
        if which:
            every = f"les {which['noun']} qui {which['verb']}"
            yield "synonym", f"{self.question.split(' ')[0]} sont {every} ?"
        elif order:
            every = order["all"] or f"les {order['of'][4:]}"
        elif found := _LIST.match(self.question):
            every = found["all"]
        else:
            return
        for form, text in table.LISTED:
            yield form, text.format(every, de=f"des {every[4:]}")

    def _embedded(self) -> Iterator[tuple[str, str]]:
        """ "Pouvez-vous me dire qui héberge Redis ?", "Est-ce que Redis est libre ?"."""
        head, asked = headed(self.question)
        said = indirect(asked, definition=self.definition)
        wrappers = [*table.INDIRECT]
        if said and re.match(r"ce qu|comment |pourquoi |à quoi |en quoi ", said):
            wrappers += table.EXPLAIN
        for form, text in wrappers if said else ():
            if not head:
                yield form, text.format(said)
            elif not re.match(r"(?:bonjour|salut),", text):
                yield form, f"{head}, {text.format(said)}"
        if head:
            return
        if self.definition and said and (found := re.match(r"ce (?:qu['’]est|que sont) (.+)", said)):
            yield from self._defined(found[1])
        yield from declared(self.question)

    def _defined(self, thing: str) -> Iterator[tuple[str, str]]:
        yield "informal", f"c'est quoi {thing} ?"
        yield "keywords", f"définition {self.of(thing)}"
        yield "fronted", f"{thing}, c'est quoi ?"
        yield "keywords", f"{re.sub(_ARTICLE, '', thing, count=1)} définition"
        yield "formal", f"pouvez-vous me donner une définition {self.of(thing)} ?"

    def _steps(self) -> Iterator[tuple[str, str]]:
        if found := _INFINITIVE.match(self.question):
            yield from (("synonym", f"{text.format(found[1])} ?") for text in table.STEPS)
            yield "keywords", found[1]
