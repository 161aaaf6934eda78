"""What headings ask: which heading is a procedure, which a list of something, which a subject of its own."""

from __future__ import annotations

import re

from retrieval.text import fold
from retrieval.types import Language

STEPS: dict[Language, dict[str, str]] = {
    "fr": {
        "installation": "installer",
        "configuration": "configurer",
        "mise a jour": "mettre à jour",
        "desinstallation": "désinstaller",
        "deploiement": "déployer",
        "utilisation": "utiliser",
        "prise en main": "prendre en main",
        "demarrage": "démarrer",
        "demarrage rapide": "démarrer rapidement avec",
        "sauvegarde": "sauvegarder",
        "restauration": "restaurer",
        "inscription": "s'inscrire à",
        "connexion": "se connecter à",
        "compilation": "compiler",
    },
    "en": {
        "installation": "install",
        "install": "install",
        "configuration": "configure",
        "setup": "set up",
        "set-up": "set up",
        "upgrade": "upgrade",
        "upgrading": "upgrade",
        "update": "update",
        "uninstallation": "uninstall",
        "deployment": "deploy",
        "usage": "use",
        "getting started": "get started with",
        "quick start": "get started with",
        "quickstart": "get started with",
        "backup": "back up",
        "restore": "restore",
        "building": "build",
        "installing": "install",
        "configuring": "configure",
    },
}
"""Headings above numbered steps, folded, and the verb that asks for them."""

ITEMS: dict[Language, dict[str, str]] = {
    "fr": {
        "fonctionnalites": "Quelles sont les fonctionnalités {of} ?",
        "fonctionnalites cles": "Quelles sont les fonctionnalités clés {of} ?",
        "fonctionnalites principales": "Quelles sont les fonctionnalités principales {of} ?",
        "principales fonctionnalites": "Quelles sont les principales fonctionnalités {of} ?",
        "objectifs": "Quels sont les objectifs {of} ?",
        "objectif": "Quels sont les objectifs {of} ?",
        "objectifs a 6 mois": "Quels sont les objectifs à 6 mois {of} ?",
        "avantages": "Quels sont les avantages {of} ?",
        "benefices": "Quels sont les bénéfices {of} ?",
        "benefices attendus": "Quels sont les bénéfices attendus {of} ?",
        "beneficiaires": "Qui sont les bénéficiaires {of} ?",
        "prerequis": "Quels sont les prérequis {of} ?",
        "chiffres cles": "Quels sont les chiffres clés {of} ?",
        "ports": "Quels sont les ports {of} ?",
        "composants": "Quels sont les composants {of} ?",
        "cibles": "Quelles sont les cibles {of} ?",
        "partenaires": "Quels sont les partenaires {of} ?",
        "limites": "Quelles sont les limites {of} ?",
        "resultats": "Quels sont les résultats {of} ?",
        "usagers": "Quels sont les usagers {of} ?",
        "utilisateurs": "Quels sont les utilisateurs {of} ?",
        "prochaines etapes": "Quelles sont les prochaines étapes {of} ?",
        "indicateurs d'impact": "Quels sont les indicateurs d'impact {of} ?",
        "points d'attention": "Quels sont les points d'attention {of} ?",
        "chronologie": "Quelle est la chronologie {of} ?",
        "services": "Quels sont les services {of} ?",
    },
    "en": {
        "features": "What are the features {of}?",
        "key features": "What are the key features {of}?",
        "main features": "What are the main features {of}?",
        "goals": "What are the goals {of}?",
        "objectives": "What are the objectives {of}?",
        "requirements": "What are the requirements {of}?",
        "prerequisites": "What are the prerequisites {of}?",
        "limitations": "What are the limitations {of}?",
        "benefits": "What are the benefits {of}?",
        "advantages": "What are the advantages {of}?",
        "components": "What are the components {of}?",
        "partners": "Who are the partners {of}?",
        "use cases": "What are the use cases {of}?",
        "modules": "What are the modules {of}?",
        "services": "What are the services {of}?",
    },
}
"""Headings above lists, folded, and what they ask."""

SUBJECTS: dict[Language, dict[str, tuple[str, ...]]] = {
    "fr": {
        "contexte": ("Quel est le contexte {of} ?", "Dans quel contexte s'inscrit {name} ?"),
        "probleme": ("À quel problème répond {name} ?", "Quel problème est à l'origine {of} ?"),
        "problematique": ("À quelle problématique répond {name} ?",),
        "constat": ("Quel constat est à l'origine {of} ?",),
        "solution": ("Quelle solution apporte {name} ?", "En quoi consiste la solution {of} ?"),
        "strategie": ("Quelle est la stratégie {of} ?",),
        "objectifs": ("Quels sont les objectifs {of} ?",),
        "objectif": ("Quel est l'objectif {of} ?",),
        "sauvegarde": ("Que faut-il savoir de la sauvegarde {of} ?",),
        "securite": ("Que faut-il savoir de la sécurité {of} ?",),
        "architecture": ("Quelle est l'architecture {of} ?",),
        "budget": ("Que dit la documentation du budget {of} ?",),
        "impact": ("Quel est l'impact {of} ?",),
        "deploiement": ("Que dit la documentation du déploiement {of} ?",),
        "historique": ("Quel est l'historique {of} ?",),
        "fonctionnement": ("Comment fonctionne {name} ?",),
    },
    "en": {
        "context": ("What is the context {of}?",),
        "problem": ("What problem does {name} address?",),
        "solution": ("What solution does {name} offer?",),
        "architecture": ("What is the architecture {of}?",),
        "history": ("What is the history {of}?",),
        "security": ("What should one know about the security {of}?",),
        "backup": ("What should be backed up for {name}?", "How is {name} backed up?"),
        "overview": ("Can you give an overview {of}?",),
    },
}
"""Headings above text, folded, and what they ask."""

_OPENING: dict[Language, str] = {
    "fr": r"(?:\d+(?:\.\d+)*[.)]?\s+)?(?:(?:le|la|les|l'|notre|nos|un|une)\s*\b)?",
    "en": r"(?:\d+(?:\.\d+)*[.)]?\s+)?(?:(?:the|our|a|an)\s)?",
}


def key(heading: str, language: Language) -> str:
    """A heading for these tables: folded, without article, number and closing marks."""
    text = fold(heading.replace("’", "'")).strip(" .!?:")
    return re.sub(rf"^{_OPENING[language]}", "", text, count=1).strip()
