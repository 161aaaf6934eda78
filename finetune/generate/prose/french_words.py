"""French word lists: participles, people, things, agents that are no persons."""

from __future__ import annotations

import re

PARTICIPLE = re.compile(
    r"\w{2,}(?:é|ée|és|ées|(?<![bdp])i|ie|ies|u|ue|us|ues|it|ite|its|ites|is|ise|ises|ert|"
    r"erte|erts|ertes|int|inte|ints|intes|mort|morte|"
    r"clos|close|dissous|dissoute)"
)
"""A word that may be a past participle."""

HAPPENED = frozenset(
    f"{stem}{end}"
    for stem in (
        "n décéd fond cré lanc publi inaugur achev sign adopt promulgu ratifi abrog nomm rachet ferm invent "
        "développ rédig enregistr diffus déploy généralis instaur institu proclam annex assassin exécut emprisonn "
        "condamn couronn sacr tu bless attribu intégr fusionn renomm rebaptis supprim transform déplac transfér "
        "présent annonc arrêt arriv entr rest propos incorpor sélectionn désign récompens expuls libér arrach "
        "organis réalis édit commercialis classé class cité décor"
    ).split()
    for end in ("é", "ée", "és", "ées")
) | frozenset(
    f"{base}{end}"
    for base in (
        "mort ouvert construit bâti détruit découvert écrit traduit devenu parti élu vendu battu introduit "
        "inscrit réélu reconstruit promu établi interdit paru disparu apparu venu revenu sorti rendu conçu reçu "
        "conclu dissout réuni fini admis mis pris remis repris transmis soumis"
    ).split()
    for end in (("", "e", "es") if base.endswith("s") else ("", "e", "s", "es"))
)  # fmt: skip
"""Participles of what happens once: `est né`, `sont fondées`."""

MASCULINE = {"mise": "mis", "mises": "mis", "prise": "pris", "prises": "pris", "dissoute": "dissous", "close": "clos"}

PRESENT = {
    "développé": "développe", "porté": "porte", "géré": "gère", "hébergé": "héberge", "édité": "édite", "dirigé": "dirige",
    "piloté": "pilote", "financé": "finance", "présidé": "préside", "administré": "administre", "exploité": "exploite",
    "maintenu": "maintient", "soutenu": "soutient", "publié": "publie", "coordonné": "coordonne", "animé": "anime",
    "produit": "produit", "distribué": "distribue", "organisé": "organise", "délivré": "délivre", "proposé": "propose",
    "utilisé": "utilise", "copiloté": "copilote", "commercialisé": "commercialise", "fabriqué": "fabrique",
}  # fmt: skip
"""Who does it now: `est géré par` asks `qui gère`."""

AGENCY = frozenset(PRESENT) | frozenset(
    "fondé créé inventé découvert conçu lancé réalisé écrit composé peint dirigé acheté racheté acquis signé "
    "co-fondé cofondé construit commandé initié incubé interprété joué conquis vaincu assassiné tué exécuté "
    "couronné nommé élu inauguré proposé traduit adapté illustré ratifié renommé sculpté annexé aboli mandaté "
    "organisé sponsorisé financé présenté rédigé bâti instauré institué établi introduit développé déployé publié "
    "sorti repris mené lauréat labellisé accompagné soutenu parrainé reconnu imaginé élaboré décrit prononcé "
    "occupé codéveloppé copiloté coordonné opéré".split()
) - {"lauréat"}
"""Participles, in the masculine, whose agent is somebody."""

NO_AGENT = frozenset(
    "loi décret ordonnance arrêté traité accord guerre séisme ouragan cyclone feu incendie article règlement édit "
    "bataille révolution constitution directive décision convention délibération le la les voie train avion route "
    "rail mer air bus métro tramway autoroute rapport exemple ailleurs rapport jugement charte circulaire concile "
    "bombardement bombardements explosion inondation tempête an jour travaux œuvres événements conflits idées "
    "mois semaine contre rue pont fleuve mot mots lettre vote référendum suite nom mur deux trois épidémie peste "
    "crise chute fait".split()
)
"""Heads after `par` that nobody asks `par qui` for."""

PERSONS = frozenset(
    "homme femme personne joueur joueuse footballeur footballeuse écrivain écrivaine romancier romancière poète "
    "poétesse acteur actrice chanteur chanteuse musicien musicienne compositeur compositrice peintre sculpteur "
    "sculptrice artiste architecte ingénieur ingénieure scientifique physicien physicienne chimiste mathématicien "
    "mathématicienne médecin philosophe théologien théosophe historien historienne journaliste réalisateur "
    "réalisatrice cinéaste producteur productrice homme roi reine empereur impératrice prince princesse général "
    "militaire officier soldat amiral politicien politicienne député députée sénateur sénatrice ministre avocat "
    "avocate juriste juge cycliste coureur coureuse pilote nageur nageuse athlète boxeur lutteur catcheur gardien "
    "entraîneur entraîneuse sportif sportive patineur patineuse skieur skieuse astronome biologiste botaniste "
    "géographe explorateur navigateur développeur développeuse informaticien informaticienne entrepreneur "
    "entrepreneuse homme dramaturge essayiste critique pianiste violoniste rappeur rappeuse danseur danseuse "
    "chorégraphe mannequin humoriste animateur animatrice présentateur présentatrice professeur professeure "
    "enseignant psychologue psychiatre neurologue économiste sociologue anthropologue linguiste prêtre évêque "
    "pape moine religieux religieuse saint sainte prophète gourou maître personnage dieu déesse ange démon héros "
    "héroïne auteur auteure autrice dessinateur dessinatrice photographe résistant résistante révolutionnaire "
    "noble seigneur comte comtesse duc duchesse marquis chevalier aristocrate banquier homme scénariste "
    "plasticien plasticienne vidéaste naturaliste zoologiste géologue archéologue diplomate magistrat criminel "
    "tueur tennisman joueuse footballeur basketteur hockeyeur rugbyman judoka".split()
)

THINGS = frozenset(
    "service plateforme application outil site logiciel serveur système base bibliothèque moteur projet programme "
    "dispositif portail produit solution annuaire catalogue référentiel réseau langage protocole format standard "
    "norme fichier outil simulateur espace interface api startup start-up commun association entreprise société "
    "organisation organisme établissement institution agence club équipe groupe parti film album chanson livre "
    "roman série émission pièce opéra symphonie journal magazine revue jeu musée château église basilique "
    "cathédrale monument bâtiment pont gare aéroport ligne route ville commune capitale village pays état région "
    "province département île archipel fleuve rivière lac montagne massif mer langue dialecte religion mouvement "
    "courant doctrine théorie loi traité guerre bataille conflit siège événement compétition tournoi championnat "
    "course finale maladie syndrome virus bactérie molécule composé élément métal espèce genre plante animal "
    "oiseau poisson insecte mammifère abeille champignon race unité mesure méthode technique procédé instrument "
    "machine appareil véhicule avion navire bateau voiture monoplace université école lycée collège institut "
    "académie hôpital parc réserve jardin place quartier rue arme monnaie fête danse sport discipline science "
    "concept notion argument registre gestionnaire distribution cadriciel framework annuaire orchestrateur proxy "
    "répartiteur forge wiki forum blog".split()
)

NO_DEFINITION = frozenset(
    "succès échec exemple enjeu priorité défi problème atout avantage moyen façon manière cas occasion question "
    "première sujet point phénomène risque lieu partie fois peu temps acteur autre membre sorte signe symbole "
    "objectif obstacle frein levier pilier réponse étape source préoccupation nécessité obligation droit chance "
    "fierté honneur chose réalité".split()
)
"""What tells no more than an opinion: `X est un succès`."""

_WORD = r"[a-zà-ÿœ-]{3,}(?![\w'’-])"
_PLURAL = (
    r"(?!(?:depuis|dans|sans|sous|plus|moins|puis|dix|six|deux|trois|alors|après|vers|hors|"
    r"dès|mais|très|pas|toutes?|tous)\b)"
    r"[a-zà-ÿœ-]{2,}[sx](?![\w'’-])"
)
COUNTED = (
    r"(?P<value>(?:(?:environ|près de|plus de|moins de|quelque|au moins|jusqu'à|au total|actuellement|pas moins de) )*"
    r"(?:\d{1,3}(?:[ \u00a0\u202f.]\d{3})+|\d+(?:,\d+)?|deux|trois|quatre|cinq|six|sept|"
    r"huit|neuf|dix|onze|douze|treize|quatorze|quinze|"
    r"seize|vingt|trente|quarante|cinquante|soixante|cent|mille)(?: (?:millions?|milliards?) d(?:e |'))?\s?"
    rf"(?P<noun>{_PLURAL}(?: (?:de |d'){_WORD})?(?: {_PLURAL})*))"
)
"""A number with what it counts, in the plural."""
