"""French turns of phrase: questions that ask the same, and what a question is wrapped in."""

from __future__ import annotations

CLASSES: tuple[tuple[str, ...], ...] = (
    ("qui héberge {x}", "qui assure l'hébergement {de}", "quel est l'hébergeur {de}"),
    ("qui développe {x}", "qui assure le développement {de}", "qui s'occupe du développement {de}"),
    ("qui maintient {x}", "qui assure la maintenance {de}", "qui s'occupe de la maintenance {de}"),
    ("qui finance {x}", "qui assure le financement {de}"),
    ("qui exploite {x}", "qui assure l'exploitation {de}"),
    ("qui pilote {x}", "qui assure le pilotage {de}"),
    ("qui gère {x}", "qui assure la gestion {de}", "qui s'occupe {de}"),
    ("qui administre {x}", "qui assure l'administration {de}"),
    ("qui édite {x}", "quel est l'éditeur {de}"),
    ("qui incube {x}", "quel incubateur porte {x}", "quel est l'incubateur {de}"),
    ("qui dirige {x}", "qui est à la tête {de}"),
    ("qui a créé {x}", "qui est à l'origine {de}", "qui est le créateur {de}", "quel est le créateur {de}"),
    ("qui a fondé {x}", "qui est le fondateur {de}", "quel est le fondateur {de}"),
    ("qui a écrit {x}", "qui est l'auteur {de}", "quel est l'auteur {de}"),
    ("qui est responsable {de}", "qui est le responsable {de}", "quel est le responsable {de}"),
    ("à quoi sert {s}", "quelle est l'utilité {de}", "quel est le but {de}", "à quoi ça sert, {s}"),
    ("à quoi servent {x}",),
    ("que fait {s}", "que permet de faire {s}"),
    ("que signifie {s}", "que veut dire {s}", "quelle est la signification {de}"),
    ("combien coûte {s}", "quel est le prix {de}"),
    ("dans quelle phase se trouve {s}", "dans quelle phase est {s}", "quelle est la phase {de}", "à quelle phase en est {s}"),
    ("quel est l'état d'avancement {de}", "où en est {s}"),
    ("où se trouve {s}", "où se situe {s}"),
    ("où se trouvent {x}", "où se situent {x}"),
    ("quel port écoute {s}", "sur quel port écoute {s}", "quel est le port {de}", "quel port utilise {s}"),
    ("quelle est la licence {de}", "quelle licence utilise {s}"),
    ("quelles technologies utilise {s}", "sur quelles technologies repose {s}", "quelles sont les technologies {de}"),
    ("quel est le statut {de}", "quel statut a {s}"),
    ("quelle est la version {de}", "quelle version a {s}", "en quelle version est {s}"),
    ("quelle est la date de création {de}", "de quand date la création {de}"),
    ("quelle est la date de lancement {de}", "de quand date le lancement {de}"),
    ("quel est le langage {de}", "quel langage utilise {s}"),
    ("quels sont les langages {de}", "quels langages utilise {s}"),
    ("quels sont les avantages {de}", "quels avantages présente {s}"),
    ("quel est le rôle {de}", "quel rôle joue {s}"),
    ("quel est l'objectif {de}", "quel est le but {de}", "quel objectif poursuit {s}"),
    ("quel est le nom {de}", "comment s'appelle {s}"),
    ("qui utilise {x}", "qui se sert {de}", "qui sont les utilisateurs {de}"),
    ("quelle est la différence entre {x}", "quelles sont les différences entre {x}", "quelle différence y a-t-il entre {x}"),
)  # fmt: skip
STARTS: tuple[tuple[str, ...], ...] = (
    ("comment", "de quelle manière", "de quelle façon"),
    ("pourquoi", "pour quelle raison"),
    ("où", "à quel endroit"),
    ("quand", "à quel moment"),
)
FIXED = (
    r"(?:où en\b|comment (?:s['’]appel|se nomm|ça|va\b|vont|faire|dit-on|appelle|se fait-il|définir|écrit-on|est-ce)|"
    r"pourquoi pas|quand même|où (?:faut|en est)|(?:quand|où|pourquoi|comment)$)"
)
"""Beginnings that are no place, manner or time."""
STEPS = (
    "comment faire pour {}",
    "quelle est la marche à suivre pour {}",
    "quelles sont les étapes pour {}",
    "que faut-il faire pour {}",
    "comment fait-on pour {}",
)
"""For "comment" with an infinitive."""
INDIRECT: tuple[tuple[str, str], ...] = (
    ("formal", "pouvez-vous me dire {} ?"),
    ("informal", "peux-tu me dire {} ?"),
    ("impersonal", "j'aimerais savoir {}."),
    ("formal", "pourriez-vous m'indiquer {} ?"),
    ("informal", "dis-moi {}."),
    ("impersonal", "je voudrais savoir {}."),
    ("formal", "savez-vous {} ?"),
    ("informal", "tu sais {} ?"),
    ("formal", "pourriez-vous me dire {}, s'il vous plaît ?"),
    ("impersonal", "je cherche à savoir {}."),
    ("formal", "bonjour, je souhaiterais savoir {}."),
    ("informal", "tu peux me dire {} ?"),
    ("impersonal", "peut-on savoir {} ?"),
    ("formal", "dites-moi {}, s'il vous plaît."),
    ("informal", "salut, sais-tu {} ?"),
)
EXPLAIN: tuple[tuple[str, str], ...] = (
    ("informal", "peux-tu m'expliquer {} ?"),
    ("formal", "pouvez-vous m'expliquer {} ?"),
    ("informal", "explique-moi {}."),
    ("formal", "pourriez-vous m'expliquer {}, s'il vous plaît ?"),
)
"""For what a thing is, how and why."""
DIRECT: tuple[tuple[str, str, str], ...] = (
    ("polite", "", "{}, svp{}"),
    ("polite", "vous", "bonjour, {}{}"),
    ("polite", "vous", "{}, s'il vous plaît{}"),
    ("informal", "tu", "salut, {}{}"),
    ("polite", "", "{}{} Merci d'avance."),
    ("informal", "tu", "{}, s'il te plaît{}"),
    ("informal", "", "petite question : {}{}"),
    ("informal", "tu", "dis, {}{}"),
)
"""Form, tone, and the question with its mark."""
ASKED_FOR: tuple[tuple[str, str], ...] = (
    ("formal", "pouvez-vous m'indiquer {} ?"),
    ("impersonal", "je cherche {}."),
    ("formal", "pourriez-vous me donner {}, s'il vous plaît ?"),
    ("informal", "donne-moi {}."),
    ("informal", "il me faudrait {}."),
    ("formal", "je souhaiterais connaître {}."),
)
"""For a thing with its article: "le port de Redis"."""
LISTED: tuple[tuple[str, str], ...] = (
    ("informal", "liste {}."),
    ("informal", "peux-tu lister {} ?"),
    ("formal", "pouvez-vous me donner la liste {de} ?"),
    ("impersonal", "je cherche {}."),
    ("informal", "donne-moi la liste {de}."),
    ("formal", "pourriez-vous énumérer {} ?"),
    ("keywords", "liste {de}"),
)
"""For several things with their article: "les applications qui …", `{de}` "des applications qui …"."""
ABSTRACT = (
    r"(?:but|utilité|rôle|objectif|signification|sens|intérêt|phase|état|origine|cause|raison|durée|métier|point)s?\b"
)
"""Nouns that one asks to know, and not to be given."""
PEOPLE = (
    r"(?:\w+(?:eur|trice|euse|eurs|trices)|responsable|maire|chef|ministre|président\w*|contact|propriétaire|père|mère|"
    r"fils|fille|frère|sœur|femme|mari|roi|reine|pape|titulaire|gestionnaire|pilote|partenaire|équipe|membre|médecin|élève)s?\b"
)
"""Nouns for who and not what: "c'est quoi" and "donne-moi" do not go with them."""
BLOCKED = frozenset(
    "qui que qu quoi dont où est sont était étaient fut furent a ont avait avaient sera seront peut peuvent doit doivent il elle "
    "ils elles on je j tu nous vous se s ne n et ou mais donc car si quand lorsque comme pas y en sert fait font va vont ce "
    "c ça cela celui celle ceux après avant afin puis aussi lui leur l'on lorsqu puisque "
    "par avec dans sur sous sans pour chez vers selon entre depuis pendant lors quel quelle quels quelles".split()
)
"""Words that no plain noun phrase holds."""
