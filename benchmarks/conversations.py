"""Conversations over application sheets, made when they are needed: a question about a sheet, then follow-ups.

The first turn is a question of the set. The forms of the later turns come in two lists: `dev`, with which the rules were
written, and `held`, written afterwards. What each list gave when it was first tried, before the gaps it showed were
closed, is in docs/experiments.md.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.common import Query

Forms = dict[str, tuple[str, ...]]
FIELDS = ("incubator", "phase", "mission", "techno")

FOLLOW: dict[str, Forms] = {
    "dev": {
        "incubator": (
            "Qui l'incube ?", "Quel est son incubateur ?", "Par qui est-il incubé ?", "Et son incubateur ?",
            "Quel incubateur le porte ?", "Qui porte ce projet ?", "et l'incubateur ?",
            "Elle est portée par quel incubateur ?", "Quel incubateur s'en occupe ?", "Et côté incubateur ?",
            "Qui est derrière cette startup ?", "son incubateur c'est lequel ?",
            "Il dépend de quel incubateur ?", "Qui en est l'incubateur ?",
            "Quel organisme l'héberge en incubation ?", "Dans quel incubateur se trouve-t-il ?",
            "Qui en est à l'origine ?", "Sous quel incubateur ?", "Et niveau incubateur ?",
            "c'est quoi son incubateur", "Elle vient de quel incubateur ?", "et l'incubateur alors ?",
        ),
        "phase": (
            "Dans quelle phase est-il ?", "Et sa phase ?", "Où en est-il ?", "Quelle est sa phase ?",
            "où en est ce projet ?", "Est-il déjà en production ?", "Elle en est à quelle étape ?",
            "Quel est son stade d'avancement ?", "Et l'avancement ?", "Ce service est dans quelle phase ?",
            "Il est abandonné ?", "Quelle phase ?", "Est-elle toujours active ?",
            "A-t-il dépassé la phase de construction ?", "Où en est le projet ?",
            "Quel est le statut de cette startup ?", "elle est encore en vie ?",
            "Et son état d'avancement, c'est quoi ?", "Phase actuelle ?", "Est-ce terminé ?",
            "A-t-elle été abandonnée ?",
        ),
        "mission": (
            "À quoi sert-il ?", "Quel est son but ?", "C'est quoi ?", "Et à quoi ça sert ?",
            "Quelle est la mission de cette application ?", "Que fait-elle exactement ?", "Ça sert à quoi ?",
            "Peux-tu m'en dire plus ?", "Quel problème cherche-t-elle à résoudre ?", "Et son objectif ?",
            "Quelle est la finalité du produit ?", "Qu'apporte ce service ?", "Pour quoi faire ?",
            "Quel est l'objectif de ce produit ?", "Elle sert à quoi au juste ?", "Ça consiste en quoi ?",
            "Quelle est leur mission ?", "Dis-m'en plus sur ce projet", "À quel besoin répond-il ?",
            "Pourquoi a-t-il été créé ?", "et ça fait quoi ?",
        ),
        "techno": (
            "Avec quels langages est-il développé ?", "Quelles technologies utilise-t-il ?",
            "Et les technologies ?", "C'est écrit en quoi ?", "Sur quelle pile technique repose-t-il ?",
            "Elle tourne avec quoi ?", "Et le langage ?", "Quels outils techniques emploie-t-elle ?",
            "En quel langage ?", "Quel framework utilisent-ils ?", "Est-elle écrite en Python ?",
            "Et côté technique, c'est développé avec quoi ?", "Les technos ?", "Sur quoi est-ce construit ?",
            "Et les langages utilisés ?",
        ),
        "sponsor": (
            "Qui la sponsorise ?", "Et son sponsor ?", "Comment y accéder ?", "Qui en est responsable ?",
            "Qui le finance ?", "Par quelle collectivité est-elle soutenue ?", "À qui s'adresse-t-elle ?",
            "Depuis quand existe-t-il ?", "Quels sont ses sponsors ?", "Qui les finance ?",
            "Peut-on le tester ?", "Comment la contacter ?", "Qui y travaille ?", "Quels en sont les usagers ?",
        ),
    },
    "held": {
        "incubator": (
            "Quelle structure l'accompagne ?", "Il appartient à quel incubateur ?", "Et celui qui l'incube ?",
            "De quel incubateur dépend cette startup ?", "Par quel incubateur ?",
        ),
        "phase": (
            "Il est rendu où ?", "Est-ce encore en construction ?", "et le statut ?",
            "Ce produit a-t-il été arrêté ?", "À quel stade sont-ils ?",
        ),
        "mission": (
            "Que propose cette plateforme ?", "Et son rôle ?", "Ça permet de faire quoi ?",
            "Qu'est-ce que c'est exactement ?", "Son but ?",
        ),
        "techno": (
            "Quels langages y sont utilisés ?", "Et techniquement, sur quoi repose-t-elle ?",
            "Est-il codé en JavaScript ?", "Quel langage ?",
        ),
        "sponsor": (
            "Qui sont ses partenaires ?", "Combien ça coûte ?", "Qui s'en sert ?", "Où puis-je l'essayer ?",
            "Qui le pilote ?",
        ),
    },
}  # fmt: skip
SWAP: dict[str, tuple[str, ...]] = {
    "dev": (
        "Et pour {} ?", "Et {} ?", "Même question pour {}", "et {} ?", "Qu'en est-il de {} ?",
        "Et du côté de {} ?", "Pareil pour {} ?", "{} ?", "Quid de {} ?", "et concernant {} ?", "idem avec {}",
        "Et concernant {} ?", "et si on parle de {} ?", "Même chose pour {} ?", "Et {}, alors ?",
        "La même pour {} ?", "et chez {} ?", "Ok, et {} ?",
    ),
    "held": (
        "Et au niveau de {} ?", "et {}, ça donne quoi ?", "Et pour ce qui est de {} ?", "Qu'en est-il pour {} ?",
        "Et avec {} ?", "{}, pareil ?",
    ),
}  # fmt: skip
NAMED: dict[str, tuple[str, ...]] = {
    "dev": (
        "Quel est l'incubateur de {} ?", "À quoi sert {} ?", "Qui a créé {} et son équipe ?",
        "Dans quelle phase {} est-il ?", "Je voudrais connaître l'incubateur de {}",
        "{} est-il encore en construction ?", "Que propose {} à ses usagers ?",
        "Qui sont les partenaires de {} et leur rôle ?", "et sinon, c'est quoi {} ?", "Donne-moi la phase de {}",
        "{} utilise quelles technologies ?", "Où en est {} aujourd'hui ?", "Et dis-moi, {} c'est pour qui ?",
        "Parle-moi de {} et de ses objectifs",
    ),
    "held": (
        "Dis-moi quel est le but de {}", "Qui utilise {} et pourquoi ?", "Comment contacter l'équipe de {} ?",
        "Sinon, où en est {} ?",
    ),
}  # fmt: skip
NEW: dict[str, tuple[str, ...]] = {
    "dev": (
        "Qu'est-ce qu'une startup d'État ?", "Quels logiciels utilisent Ruby on Rails ?",
        "Comment fonctionne l'approche beta.gouv.fr ?",
        "Il faut combien de temps pour lancer un service numérique ?",
        "Quelles startups aident les collectivités à gérer les déchets ?",
        "Y a-t-il un service pour trouver un logement social ?",
        "Est-il possible de déclarer ses revenus en ligne ?",
        "Existe-t-il une application pour les demandeurs d'emploi ?",
        "Combien de temps faut-il pour créer une entreprise ?",
        "Comment protéger les données personnelles des citoyens ?", "Qui peut demander une aide au logement ?",
        "Combien de projets sont en phase de construction ?", "Quel service permet de trouver un stage ?",
        "Existe-t-il un outil pour signer des documents ?",
        "Comment aider les agriculteurs à déclarer leurs surfaces ?",
        "Quelles aides pour rénover son logement ?", "Il y a quoi pour les personnes handicapées ?",
        "Y a-t-il une cantine bio près de chez moi ?",
    ),
    "held": (
        "Quelles startups sont portées par la DINUM ?", "Où trouver la liste des incubateurs ?",
        "Comment est mesuré l'impact d'une startup d'État ?", "Y a-t-il des services pour les chômeurs ?",
        "Faut-il un compte pour déclarer un chantier ?", "Quels projets ont été abandonnés ?",
    ),
}  # fmt: skip
ORACLE = {
    "incubator": "Quel est l'incubateur de {} ?", "phase": "Dans quelle phase est {} ?", "mission": "À quoi sert {} ?",
    "techno": "Quelles technologies utilise {} ?", "sponsor": "Qui sponsorise {} ?",
}  # fmt: skip
SHORT_TITLE = 6
"""Words of a title that one would type."""


@dataclass(frozen=True)
class Talk:
    """A conversation whose last turn is measured."""

    kind: str
    turns: tuple[str, ...]
    gold: str
    """The document asked about; empty for a new subject."""
    oracle: str
    """The last turn as a question of its own."""
    leans: bool


def conversations(
    queries: Sequence[Query], titles: dict[str, str], forms: str, count: int, seed: int = 3
) -> list[Talk]:
    """`count` conversations of every kind."""
    rng = random.Random(seed)
    asked = [q for q in queries if len(q.documents) == 1 and q.type in FIELDS]
    short = [d for d, title in titles.items() if len(title.split()) <= SHORT_TITLE]
    makers = (_about, _three, _swap, _swap_then, _named, _new)
    return [make(rng, rng.choice(asked), titles, short, forms) for make in makers for _ in range(count)]


def _about(rng: random.Random, first: Query, titles: dict[str, str], short: list[str], forms: str) -> Talk:
    gold, field = _gold(first), _other_field(rng, first.type)
    turns = (first.text, rng.choice(FOLLOW[forms][field]))
    return Talk("another field", turns, gold, ORACLE[field].format(titles[gold]), True)


def _three(rng: random.Random, first: Query, titles: dict[str, str], short: list[str], forms: str) -> Talk:
    gold, field = _gold(first), _other_field(rng, first.type)
    last = _other_field(rng, field)
    turns = (first.text, rng.choice(FOLLOW[forms][field]), rng.choice(FOLLOW[forms][last]))
    return Talk("two fields on", turns, gold, ORACLE[last].format(titles[gold]), True)


def _swap(rng: random.Random, first: Query, titles: dict[str, str], short: list[str], forms: str) -> Talk:
    other = _other_sheet(rng, first, short)
    turns = (first.text, _typed(rng, SWAP[forms], titles[other]))
    return Talk("another sheet", turns, other, ORACLE[first.type].format(titles[other]), True)


def _swap_then(rng: random.Random, first: Query, titles: dict[str, str], short: list[str], forms: str) -> Talk:
    other, field = _other_sheet(rng, first, short), _other_field(rng, first.type)
    turns = (first.text, _typed(rng, SWAP[forms], titles[other]), rng.choice(FOLLOW[forms][field]))
    return Talk("sheet, then field", turns, other, ORACLE[field].format(titles[other]), True)


def _named(rng: random.Random, first: Query, titles: dict[str, str], short: list[str], forms: str) -> Talk:
    other = _other_sheet(rng, first, short)
    text = rng.choice(NAMED[forms]).format(titles[other])
    return Talk("control: named", (first.text, text), other, text, False)


def _new(rng: random.Random, first: Query, titles: dict[str, str], short: list[str], forms: str) -> Talk:
    text = rng.choice(NEW[forms])
    return Talk("control: new subject", (first.text, text), "", text, False)


def _typed(rng: random.Random, forms: Sequence[str], title: str) -> str:
    """A form with a title, one time in five all in lower case."""
    made = rng.choice(forms).format(title)
    return made.lower() if rng.random() < 0.2 else made


def _gold(query: Query) -> str:
    return next(iter(query.documents))


def _other_field(rng: random.Random, field: str) -> str:
    return rng.choice([f for f in ("incubator", "phase", "mission", "techno", "sponsor") if f != field])


def _other_sheet(rng: random.Random, query: Query, short: list[str]) -> str:
    return rng.choice([d for d in short if d not in query.documents])
