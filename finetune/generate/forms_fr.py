"""Turns of phrase in French, for questions about a field and for their answers.

{T} GIDAF   {of} de GIDAF   {le} la licence, les sponsors   {du} de la licence   {np} licence   {quel} quelle est, quels sont
{est} est, sont   {e} the ending of a participle   {key} « usertypes »   {v} the value   {meme} la même licence
A name whose gender nobody knows is never the subject of a verb that agrees with it.
"""

from __future__ import annotations

from collections.abc import Mapping

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "which": (
        "{Quel} {le} {of} ?",
        "Pour {T}, {quel} {le} ?",
        "Pouvez-vous me donner {le} {of} ?",
        "Peux-tu me dire {quel} {le} {of} ?",
        "Indiquez {le} {of}.",
        "J'aimerais connaître {le} {of}.",
        "D'après la documentation, {quel} {le} {of} ?",
        "Concernant {T}, pouvez-vous préciser {le} ?",
        "Je cherche {le} {of}.",
        "Sait-on {quel} {le} {of} ?",
        "{T} : {quel} {le} ?",
        "Rappelle-moi {le} {of}.",
    ),
    "quoted": (
        "Que dit la fiche {of} à la rubrique {key} ?",
        "Pour {T}, qu'indique la documentation sous {key} ?",
        "Quelle information la fiche {of} donne-t-elle pour {key} ?",
        "Dans la documentation {of}, que lit-on pour {key} ?",
        "Pouvez-vous me donner l'information {key} {of} ?",
        "À propos {of}, que précise la rubrique {key} ?",
    ),
    "who": (
        "Qui {est} {le} {of} ?",
        "Pouvez-vous me dire qui {est} {le} {of} ?",
        "Sait-on qui {est} {le} {of} ?",
        "Pour {T}, qui {est} {le} ?",
    ),
    "when": (
        "Quelle date la documentation donne-t-elle pour {le} {of} ?",
        "{Quel} {le} {of} ?",
        "À quand remonte {le} {of} ?",
        "Pouvez-vous m'indiquer {le} {of} ?",
    ),
    "when-quoted": (
        "Quelle date la fiche {of} donne-t-elle pour {key} ?",
        "Pour {T}, à quelle date la rubrique {key} renvoie-t-elle ?",
        "Dans la documentation {of}, quelle date est indiquée pour {key} ?",
    ),
    "amount": (
        "À combien s'élève {le} {of} ?",
        "Quel chiffre la documentation donne-t-elle pour {le} {of} ?",
        "Pouvez-vous me donner {le} {of} ?",
    ),
    "number-quoted": (
        "Quel chiffre la fiche {of} donne-t-elle pour {key} ?",
        "Pour {T}, combien la documentation indique-t-elle sous {key} ?",
        "Quelle valeur chiffrée trouve-t-on pour {key} dans la documentation {of} ?",
    ),
    "items": (
        "Quels sont tous les éléments que la documentation {of} cite comme {nps} ?",
        "{Quel} {le} {of} ?",
        "Listez {le} {of}.",
        "Pouvez-vous énumérer {le} {of} ?",
        "Donne-moi la liste complète {des} {of}.",
        "Quelle est la liste {des} {of} ?",
        "Pour {T}, {quel} {le} ?",
    ),
    "items-quoted": (
        "Que liste la fiche {of} sous {key} ?",
        "Quels éléments la documentation {of} donne-t-elle pour {key} ?",
        "Listez ce que la fiche {of} indique à la rubrique {key}.",
        "Pour {T}, quelles sont les valeurs de {key} ?",
    ),
    "bool": (
        "La fiche {of} indique-t-elle {key} ?",
        "Pour {T}, la rubrique {key} vaut-elle « oui » ?",
        "D'après la documentation, {key} est-il vrai pour {T} ?",
    ),
    "yes-no": (
        "Est-ce que {le} {of} est {v} ?",
        "{Le} {of} est-{il} {v} ?",
        "Peut-on dire que {le} {of} est {v} ?",
        "Confirmez-vous que {le} {of} est {v} ?",
    ),
    "yes-no-quoted": (
        "La fiche {of} indique-t-elle « {v} » pour {key} ?",
        "Lit-on « {v} » à la rubrique {key} de la documentation {of} ?",
    ),
    "among": (
        "Est-ce que {v} figure parmi {le} {of} ?",
        "{v} fait-il partie {des} {of} ?",
        "La documentation {of} compte-t-elle {v} parmi {le} ?",
    ),
    "among-quoted": (
        "La fiche {of} cite-t-elle « {v} » sous {key} ?",
        "« {v} » figure-t-il sous {key} dans la fiche {of} ?",
    ),
    "cell": (
        "Dans la documentation {of}, que vaut « {column} » pour « {row} » ?",
        "Pour « {row} », qu'indique le tableau {of} dans la colonne « {column} » ?",
        "D'après le tableau de la fiche {of}, quelle valeur « {column} » correspond à « {row} » ?",
    ),
    "record": (
        "À quelle date {verb} {one} « {name} » {of} ?",
        "Quand {verb} {one} « {name} » {of} ?",
        "Pour {T}, quand {verb} {one} « {name} » ?",
        "Peux-tu me dire quand {verb} {one} « {name} » {of} ?",
        "Savez-vous à quelle date {verb} {one} « {name} » {of} ?",
        "D'après la documentation {of}, quand {verb} {one} « {name} » ?",
    ),
    "same": (
        "Est-ce {que} et {U} ont {meme} ?",
        "{T} et {U} ont-ils {meme} ?",
        "Peut-on dire {que} et {U} ont {meme} ?",
    ),
    "same-quoted": (
        "Les fiches {of} et {ofu} donnent-elles la même valeur pour {key} ?",
        "Pour {key}, {T} et {U} indiquent-ils la même chose ?",
    ),
    "differ": (
        "Comparez {le} {of} et {ofu}.",
        "Quelle différence y a-t-il entre {le} {of} et {celle} {ofu} ?",
        "{Quel} {le} {of}, et {celle} {ofu} ?",
    ),
    "differ-quoted": (
        "Comparez ce que les fiches {of} et {ofu} indiquent pour {key}.",
        "Qu'indiquent respectivement {T} et {U} pour {key} ?",
    ),
    "more": ("Entre {T} et {U}, pour qui {le} est {plus_grand} ?", "De {T} et {U}, qui a {le} {plus_grand} ?"),
    "older": ("Entre {T} et {U}, pour qui {le} est {plus_ancien} ?", "De {T} et {U}, qui a {le} {plus_ancien} ?"),
    "list": (
        "Quelles fiches ont {v} pour {np} ?",
        "Listez les fiches qui ont {v} pour {np}.",
        "Dans la documentation, qui a {v} pour {np} ?",
        "Citez toutes les fiches dont {le} est {v}.",
    ),
    "list-quoted": (
        "Quelles fiches indiquent « {v} » pour {key} ?",
        "Listez les fiches qui indiquent « {v} » à la rubrique {key}.",
    ),
    "list-closed": (
        "Parmi {names}, qui a {v} pour {np} ?",
        "Entre {names}, lesquels ont {v} pour {np} ?",
    ),
    "list-closed-quoted": ("Parmi les fiches {ofs}, lesquelles indiquent « {v} » pour {key} ?",),
    # What one asks of a known field, beside the turns above.
    "concept.host": ("Qui héberge {T} ?", "Qui assure l'hébergement {of} ?", "Savez-vous qui héberge {T} ?"),
    "concept.hosting": ("Comment se fait l'hébergement {of} ?",),
    "concept.incubator": ("Qui incube {T} ?", "Quel organisme incube {T} ?", "Dans quel incubateur se trouve {T} ?"),
    "concept.vendor": ("Qui édite {T} ?", "Savez-vous qui édite {T} ?"),
    "concept.company": ("Quelle entreprise se trouve derrière {T} ?",),
    "concept.creator": ("Qui a créé {T} ?", "À qui doit-on la création {of} ?", "Pouvez-vous me dire qui a créé {T} ?"),
    "concept.founder": ("Qui a fondé {T} ?", "Sait-on qui a fondé {T} ?"),
    "concept.maintainer": ("Qui maintient {T} ?", "Qui assure la maintenance {of} ?"),
    "concept.sponsor": ("Qui sponsorise {T} ?", "Qui soutient {T} en tant que sponsor ?"),
    "concept.licence": ("Sous quelle licence distribue-t-on {T} ?", "Quelle licence s'applique à {T} ?"),
    "concept.port": ("Sur quel port écoute {T} ?", "Quel port utilise {T} ?", "Quel port faut-il ouvrir pour {T} ?"),
    "concept.language": ("Dans quel langage le code {of} est-il écrit ?", "En quoi {T} est développé ?"),
    "concept.technology": (
        "Quelles technologies utilise {T} ?",
        "Sur quelles technologies repose {T} ?",
        "Avec quelles technologies fonctionne {T} ?",
    ),
    "concept.framework": ("Sur quel framework repose {T} ?",),
    "concept.database": ("Avec quelle base de données fonctionne {T} ?", "Où {T} stocke ses données ?"),
    "concept.config": ("Dans quel fichier se configure {T} ?", "Où se configure {T} ?"),
    "concept.release": ("De quand date la première version {of} ?", "Quand la première version {of} est-elle sortie ?"),
    "concept.created": ("De quand date la création {of} ?", "Depuis quand existe {T} ?"),
    "concept.status": ("Où en est {T} ?", "Dans quel état se trouve {T} ?"),
    "concept.category": ("Dans quelle catégorie classe-t-on {T} ?", "Quel genre d'outil est {T} ?"),
    "concept.website": ("À quelle adresse trouve-t-on {T} en ligne ?", "Où trouver le site {of} ?"),
    "concept.repository": ("Où se trouve le code source {of} ?", "À quelle adresse consulter le code {of} ?"),
    "concept.users": ("À qui s'adresse {T} ?", "Quel public vise {T} ?", "Pour qui est fait {T} ?"),
    "concept.topic": ("Quelles thématiques aborde {T} ?", "De quoi traite {T} ?"),
    "concept.price": ("Combien coûte {T} ?",),
    "concept.place": ("Où se situe {T} ?", "Où se trouve {T} ?"),
    "concept.platform": ("Sur quelles plateformes fonctionne {T} ?",),
    "concept.duration": ("Combien de temps dure {T} ?",),
}

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "known": (
        "{Le} {of} {est} {v}.",
        "{Le} indiqué{e} pour {T} {est} {v}.",
        "D'après la documentation, {le} {of} {est} {v}.",
        "La fiche {of} précise que {le} {est} {v}.",
    ),
    "translated": ("{Le} {of} ({key}) {est} {v}.", "Pour {T}, {le} ({key}) {est} {v}."),
    "place": ("La fiche {of} donne pour {np} : {v}.", "Pour {T}, {le} indiqué{e} est : {v}."),
    "quoted": (
        "La fiche {of} indique pour {key} : {v}.",
        "À la rubrique {key}, la documentation {of} indique : {v}.",
        "Pour {T}, la rubrique {key} précise : {v}.",
    ),
    "yes": ("Oui, {le} {of} {est} bien {v}.", "Oui : {le} {of} {est} {v}."),
    "no": ("Non, {le} {of} n'est pas {w} mais {v}.", "Non : {le} {of} {est} {v}, et non {w}."),
    "no-plain": ("Non, {le} {of} {est} {v}.",),
    "yes-quoted": ("Oui, la fiche {of} indique « {v} » pour {key}.",),
    "no-quoted": ("Non, la fiche {of} indique « {v} » pour {key}, et non « {w} ».",),
    "yes-among": ("Oui, {w} figure parmi {le} {of}, à savoir {v}.",),
    "no-among": ("Non, {w} ne figure pas parmi {le} {of}, à savoir {v}.",),
    "yes-among-quoted": ("Oui, la fiche {of} cite « {w} » sous {key}, avec : {v}.",),
    "no-among-quoted": ("Non, la fiche {of} ne cite pas « {w} » sous {key}, mais : {v}.",),
    "bool-true": ("Oui, la fiche {of} indique « {quote} ».",),
    "bool-false": ("Non, la fiche {of} indique « {quote} ».",),
    "cell": (
        "Pour « {row} », la documentation {of} indique « {column} » : {v}.",
        "D'après le tableau {of}, « {column} » vaut {v} pour « {row} ».",
    ),
    "record": ("{One} « {name} » {of} {verb} à la date suivante : {v}.", "Pour {T}, {one} « {name} » {verb} le {v}."),
    # Of two documents each has a sentence of its own, so that each citation proves its sentence.
    "same-yes": ("Oui : {le} {of} {est} {v}",),
    "same-no": ("Non : {le} {of} {est} {v}", "Non, {le} {of} {est} {v}"),
    "differ": ("{Le} {of} {est} {v}",),
    "other-same": ("{Celle} {ofu} {est} {v} également", "Pour {U}, {le} {est} {v} aussi"),
    "other": ("{Celle} {ofu} {est} {w}", "Pour {U}, {le} {est} {w}"),
    "same-yes-quoted": ("Oui : pour {key}, la fiche {of} indique « {v} »",),
    "same-no-quoted": ("Non : pour {key}, la fiche {of} indique « {v} »",),
    "differ-quoted": ("Pour {key}, la fiche {of} indique « {v} »",),
    "other-same-quoted": ("Celle {ofu} indique « {v} » également",),
    "other-quoted": ("Celle {ofu} indique « {w} »",),
    "list": ("{count} fiches ont {v} pour {np} : {cited}.", "Les fiches qui ont {v} pour {np} sont {cited}."),
    "list-quoted": ("{count} fiches indiquent « {v} » pour {key} : {cited}.",),
    "list-one": ("Parmi les fiches citées, seule celle {of} a {v} pour {np}",),
    "list-one-quoted": ("Parmi les fiches citées, seule celle {of} indique « {v} » pour {key}",),
}

COUNTS = ("Aucune", "Une", "Deux", "Trois", "Quatre", "Cinq", "Six", "Sept", "Huit", "Neuf", "Dix")
VERBS = {
    "start": "commence",
    "debut": "commence",
    "begin": "commence",
    "end": "se termine",
    "fin": "se termine",
    "date": "a lieu",
}
AND = "et"
