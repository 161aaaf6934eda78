"""What people ask for and what sheets call it: names of the same field in French and English.

`qui héberge X` asks for a line that may be called Hébergeur, hosting or Hosted by. Each concept lists words a question uses
and words a key uses; both are compared by folded prefix, so `hebergé` covers hébergée, hébergement and hébergeur.
"""

from __future__ import annotations

import functools
import re

from retrieval.text import fold

# concept: (in questions, in keys); a trailing * is a prefix, several words must follow each other.
CONCEPTS: dict[str, tuple[str, str]] = {
    "status": (
        "phase*, etat d avancement, avancement, statut*, status, stage, ou en est, etape",
        "phase*, statut*, status, stage, avancement, etat, state",
    ),
    "technology": (
        "technolog*, techno*, langage*, language*, framework*, stack, ecrit* en, written in, built with, programm*, code en, "
        "develop* avec, developpe* en, est il developpe, implement*, coded in",
        "techno*, langage*, language*, framework*, stack, ecrit en, written in, built with, programmed in, implementation, cadriciel, "
        "programming language, langage de programmation",
    ),
    "host": ("heberg*, hosted, hosting, hosts, host", "heberg*, host, hosted*, hosting, hebergeur"),
    "incubator": ("incub*", "incub*"),
    "vendor": (
        "editeur*, edite*, editor, vendor, publish*, maint*, maintient, qui developpe, company, entreprise, societe, "
        "fondation, foundation, organisation, stewardship, governance, gouvernance, projects of, projets de",
        "editeur*, editor, vendor, publish*, maint*, company, entreprise, societe, fondation, foundation, organisation, "
        "steward*, governance, gouvernance, developpeur, developer, project of",
    ),
    "creator": (
        "createur*, creator*, auteur*, author*, fondateur*, founder*, a cree, ont cree, ete cree*, created, who made, made by, invent*, concu par, ecrit par, "
        "written by, who wrote, qui a ecrit, who started, who founded, a fonde, a lance, a developpe, who developed",
        "createur*, creator*, auteur*, author*, fondateur*, founder*, original author, cree par, created by, concepteur*",
    ),
    "release": (
        "premiere version, first release*, first version, annee, year, date, sorti*, released, lance*, launched, publie* en, "
        "depuis quand, since when, apparu*, appeared, initial release",
        "premiere version, premiere_version, first release, first_release, initial release, annee*, year, date, sortie, "
        "released, lancement, launched, premiere publication, created, cree en, naissance, premiere parution",
    ),
    "license": ("licen*, sous licence", "licen*"),
    "port": ("port, ports, ecoute, listen*", "port, ports, *port"),
    "config": (
        "fichier* de configuration, fichier* config*, config* file*, configuration file*, se configure, configured, "
        "fichier de conf, where is the configuration, where is it configured, ou est la configuration, ou se trouve la configuration",
        "fichier* de config*, fichier_config*, fichier* conf*, config* file*, config_file, configuration, fichier principal, "
        "main file",
    ),
    "protocol": ("protocol*", "protocol*"),
    "database": (
        "base de donnees, bases de donnees, database*, sgbd, stocke, storage, backend",
        "base de donnees, bases de donnees, base*, database*, sgbd, storage, stockage, backend, bases acceptees",
    ),
    "category": ("categor*, type de, kind of, sorte", "categor*, type, kind, famille, nature"),
    "website": ("site web, site internet, site officiel, website, url, homepage, adresse du site", "site*, url, website, lien, link, homepage"),
    "contact": ("contact*, responsable*, referent*, who is responsible, in charge, qui gere, joindre", "contact*, responsable*, referent*, owner, chef de projet, manager"),
    "price": ("prix, cout*, coute*, tarif*, montant, price*, cost*, budget", "prix, cout*, tarif*, montant, price*, cost*, budget"),
    "users": ("usager*, utilisateur* vis*, public vis*, users, audience, s adresse", "usager*, utilisateur*, users, usertypes, public*, cible*, audience"),
    "sponsor": ("sponsor*, commandit*, finance*, funded", "sponsor*, commandit*, financ*, funded*"),
    "platform": ("plateforme*, platform*, systeme* d exploitation, operating system*", "plateforme*, platform*, systeme*, os, operating system"),
    "place": ("lieu, adresse, address, located, situe*, ville, city", "lieu, adresse, address, location, ville, city, siege"),
    "name": ("nom, name, signifie, meaning of the name, sigle, acronym*", "nom, name, sigle, acronym*, signification, origine du nom"),
    "mission": (
        "a quoi sert, a quoi ca sert, role, but, objectif, mission, purpose, goal, what does, used for, sert",
        "mission, description, resume, summary, objet, objectif*, purpose, but, role, goal, usage, presentation, fonction*",
    ),
}  # fmt: skip


@functools.cache
def _patterns(side: int) -> dict[str, re.Pattern[str]]:
    made = {}
    for concept, sides in CONCEPTS.items():
        parts = [re.escape(p.strip()).replace(r"\*", r"\w*").replace(r"\ ", " ") for p in sides[side].split(",")]
        made[concept] = re.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)")
    return made


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w]+", " ", fold(text).replace("_", " ")).split())


def asked(question: str) -> dict[str, set[str]]:
    """Concepts a question asks for, with the (folded) words that say so."""
    text = _plain(question)
    return {c: set(" ".join(m).split()) for c, p in _patterns(0).items() if (m := p.findall(text))}


@functools.lru_cache(maxsize=4096)
def named(key: str) -> frozenset[str]:
    """Concepts a key stands for."""
    text = _plain(key)
    return frozenset(c for c, p in _patterns(1).items() if p.search(text))
