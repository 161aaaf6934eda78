"""French sentences taken apart: subject, finite verb, the rest; a date that opens the sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from finetune.generate.prose import dates
from finetune.generate.prose.dates import Date
from finetune.generate.prose.subjects import Subject, subject

_STEMS = (
    "fond cré lanc publi remport gagn épous quitt obtienn sign ferm achet invent fusionn adopt ratifi intègr "
    "débutt commenc rachet annex enregistr inaugur instaur promulgu proclam démissionn déménag accèd adhèr "
    "abandonn arriv étudi dirig présid nomm élabor dévelop réalis compos rédig organis assassin occup incorpor "
    "récompens".split()
)
EVENTS = frozenset(
    f"{stem}{end}" for stem in _STEMS for end in ("e", "a", "ent", "èrent")
) | frozenset(
    "naît nait naquit meurt mourut décède décéda rejoint rejoignit devient devint épousa obtient obtint reçoit "
    "reçut entra signa ouvre ouvrit vendit découvre découvrit construit construisit conquiert conquit acquiert "
    "acquit intégra débute débuta commença perd perdit bat battit succède succéda sort sortit paraît parut "
    "disparaît disparut apparaît apparut introduit introduisit établit envahit interdit accéda adhéra lança écrit "
    "écrivit traduit fit fonda créa deviennent devinrent rejoignent rejoignirent entrent entrèrent dirigea "
    "plongea développe développa achève acheva retrouve présente présenta".split()
)  # fmt: skip
AUXILIARIES = frozenset("s'est a ont avait avaient est sont était étaient fut furent sera seront eut eurent".split())
_STATES = frozenset(
    "compte comptait comptent comptaient comporte comportait comportent comprend comprenait comprennent emploie "
    "employait emploient accueille accueillait accueillent regroupe regroupait regroupent rassemble rassemblait "
    "rassemblent réunit réunissait réunissent possède possédait possèdent totalise totalisent abrite abritait "
    "abritent contient contenait contiennent couvre couvrait couvrent héberge hébergeait hébergent mesure "
    "mesurait mesurent pèse pesait pèsent coûte coûtait coûtent dure durait durent permet permettait permettent "
    "vise visait visent repose reposait reposent appartient appartenait appartiennent utilise utilisait utilisent "
    "signifie désigne désignent consiste consistent garantit fournit fournissent propose proposait proposent "
    "offre offrait offrent s'étend s'étendait s'appuie s'appelle s'appelait s'adresse sert servait servent "
    "dispose disposait disposent écoute écoutent stocke stockent gère gèrent peut peuvent doit doivent va vont "
    "fait font tient prend rend reste restent existe existent représente représentent constitue constituent "
    "fonctionne fonctionnent".split()
)  # fmt: skip
VERBS = EVENTS | AUXILIARIES | _STATES
_REFLEXIVE = frozenset("trouve trouvait trouvent situe situait situent".split())
_GUARD = frozenset(
    "a ont avait avaient est sont était étaient fut furent sera seront peut peuvent doit "
    "doivent va vont n'a n'est".split()
)


_GOES_ON = re.compile(
    r",? (?:qui|où|dont|ce qui|par|avec|dans|sur|en|à|au|aux|sous|afin|pour|mais|puis|"
    r"avant|après|alors|tandis|grâce|lors|pendant|car|"
    r"notamment|devenant|issue?s?|suite|date|\w+ant)\b(?! [^,]* et (?:l[ea']|les|d[eu']|[A-ZÀ-Þ])[^,]*$)|;"
)


@dataclass(frozen=True)
class Clause:
    """`En 1999, | la CNIL | est | créée par la loi.` without its full stop."""

    subject: Subject
    verb: str
    rest: str
    """All that follows the verb, up to the full stop."""
    date: Date | None
    """The date that opens the sentence."""

    @property
    def core(self) -> str:
        """The rest up to its first comma, semicolon, colon or bracket."""
        return re.split(r",(?!\d)|[;:()]|\s[–—-]\s", self.rest, maxsplit=1)[0].rstrip()

    @property
    def whole(self) -> bool:
        """Whether what follows the core is no further item of a list."""
        left = self.rest[len(self.core) :]
        return not left or _GOES_ON.match(left) is not None


def clause(text: str, title: str, chunk: str) -> Clause | None:
    """The main clause of a plain sentence; None when its subject does not stand alone."""
    date = dates.fronted(text, "fr")
    body = text[date.end :] if date else text
    words = body.rstrip(".").split(" ")
    at = next((i for i, word in enumerate(words[:14]) if i and _finite(words, i)), None)
    if at is None:
        return None
    about = subject(" ".join(words[:at]), title, chunk, "fr")
    if about is None:
        return None
    verb = words[at]
    rest = " ".join(words[at + 1 :])
    if verb == "se" and rest:
        verb, rest = f"se {words[at + 1]}", " ".join(words[at + 2 :])
    return Clause(about, verb, rest, date)


def _finite(words: list[str], i: int) -> bool:
    if words[i] == "se":
        return i + 1 < len(words) and words[i + 1] in _REFLEXIVE
    return words[i].replace("’", "'") in VERBS


_JOINED = frozenset("qui que dont où mais car tandis alors lorsque quand puisque comme puis lequel laquelle".split())


def single(phrase: str) -> bool:
    """Whether a phrase holds no second finite verb, relative clause or conjunction of clauses."""
    low = phrase.lower().replace("’", "'").split()
    opened = ("qu'", "lorsqu'", "puisqu'", "n'", "c'", "s'", "d'où")
    return not any(word in _GUARD or word in _JOINED or word.startswith(opened) for word in low)
