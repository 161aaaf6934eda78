"""Whether a question can be understood by somebody who has not read the text it was made from."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.standalone.question import standalone
from retrieval.types import Language

FRENCH_ALONE = """
Quel port écoute PostgreSQL ?
Quel port PostgreSQL utilise-t-il par défaut ?
Qui a créé Redis ?
Quand Redis a-t-il été publié pour la première fois ?
Quand la première version de Grafana est-elle sortie ?
Quand le projet Redis a-t-il démarré ?
Redis est-il gratuit ?
Dans quel langage Gitea est-il écrit ?
Qu'est-ce que GIDAF ?
Qu'est-ce qu'une API ?
Qu'est-ce que le hameçonnage ?
Que signifie RGPD ?
C'est quoi Redis ?
Qui héberge l'application GIDAF ?
Quelle est la licence du logiciel Gitea ?
Quelle est la licence de Gitea ?
Quel est le port par défaut de Grafana ?
Où se trouve le fichier de configuration de Postfix ?
Comment porter plainte après un vol de données personnelles ?
Comment réinitialiser son mot de passe sur FranceConnect ?
Comment peut-on protéger son compte contre le hameçonnage ?
Combien de jours un employeur a-t-il pour répondre à une demande d'accès ?
Que doit faire un administrateur lorsqu'il démarre Redis ?
Que se passe-t-il quand un utilisateur oublie son mot de passe ?
Que se passe-t-il lors d'une panne du nœud primaire de Redis ?
Faut-il déclarer un traitement de données à la CNIL ?
Est-il possible de changer de pharmacie en cours de traitement ?
Est-ce que Nextcloud chiffre les fichiers ?
Est-il obligatoire de désigner un délégué à la protection des données ?
Y a-t-il une limite à la taille d'une chaîne dans Redis ?
Combien de bases numérotées Redis propose-t-il ?
Quelles sont les trois licences de Redis 8 ?
Pourquoi Salvatore Sanfilippo a-t-il écrit Redis ?
Quels mécanismes de persistance Redis propose-t-il ?
Quelle entreprise a changé son nom en 2019 ?
Qui a fondé la Fondation Linux ?
Quelle est la différence entre MariaDB et MySQL ?
Lequel de Redis ou Memcached est le plus ancien ?
Gitea et Forgejo utilisent-ils la même licence ?
Quelles obligations le règlement européen sur l'IA impose-t-il ?
À quoi sert le fichier dump.rdb ?
Que fait la commande « BGSAVE » ?
Que fait la commande `nodetool repair` ?
Quelles données personnelles une mairie peut-elle publier ?
Selon la CNIL, combien de temps conserver les images de vidéosurveillance ?
Que prévoit l'article 5 du RGPD ?
Quel est le contexte de création de Redis ?
Quel jour a lieu la fête nationale française ?
Combien de temps les données d'un candidat non retenu sont-elles conservées ?
Pendant combien de temps peut-on conserver les données d'un prospect ?
Que dit le Code du travail sur le télétravail ?
Citez trois outils utilisés par la DINUM.
Liste les applications qui utilisent Python.
Quelles applications ont pour incubateur la DINUM ?
Peut-on installer Etherpad sans base de données externe ?
Que contient le journal AOF de Redis ?
Ça sert à quoi Redis ?
Qui dirige actuellement l'ANSSI ?
En quelle année le projet Debian a-t-il été lancé ?
Pourquoi ne faut-il pas exposer le port 6379 sur Internet ?
Quels sont les documents nécessaires pour demander un passeport ?
Comment fonctionne le chiffrement asymétrique ?
Qui est chargé de contrôler les fichiers de police ?
Existe-t-il un âge minimal pour voter aux élections municipales ?
À partir de quelle version Keycloak abandonne-t-il WildFly ?
Le mode protégé de Redis refuse-t-il les connexions externes ?
Combien coûte un passeport pour un mineur de 15 ans ?
"""
FRENCH_LEANING = """
Quel port écoute-t-il ?
Quand a-t-il été créé ?
Quelle est sa licence ?
Quels sont ses objectifs ?
Qui l'a créé ?
Qui les utilise ?
Qui le développe ?
Que fait-il ?
À quoi sert-elle ?
Qui héberge cette application ?
Que fait ce logiciel ?
Quelle est la licence de cet outil ?
Quels sont ces trois services ?
Comment fonctionne ce mécanisme ?
Quelle est la licence de l'application ?
Quel est le port du serveur ?
Qui a développé le logiciel ?
Quel est l'objectif du projet ?
Qui est responsable de la plateforme ?
Que permet l'application ?
Quelle est la version de la base de données ?
Quelle est la licence ?
Quel est le port par défaut ?
Quelle est la date de création ?
Quels sont les fichiers de configuration ?
Quel langage est utilisé ?
Qui est l'auteur ?
Combien d'utilisateurs ?
Selon le texte, qui a créé Redis ?
D'après le passage, quel port écoute Gitea ?
D'après ce document, quel est le rôle de la CNIL ?
Dans cet extrait, que fait Redis ?
Quel est le sujet principal du document ?
De quoi parle le texte ?
Que décrit la section ?
Que dit l'auteur de Redis dans ce passage ?
Quelles informations sont données dans le paragraphe ?
Quelle commande est mentionnée ci-dessus ?
Quels outils sont cités ?
Lequel des éléments suivants est un port de Redis ?
Laquelle est la plus ancienne ?
Lequel des deux est le plus rapide ?
Et son port ?
Et pour Gitea ?
Mais pourquoi Redis ?
Comment l'installer ?
Comment le configurer ?
Comment y accéder ?
Peut-on les supprimer ?
Qui en est responsable ?
Combien en existe-t-il ?
Comment ça marche ?
Que signifie cela ?
Comment fonctionne celui-ci ?
Quels autres logiciels utilisent Python ?
Quel est le port qu'il utilise ?
Quelle est la date de sa création ?
Quel est le nom de son fondateur ?
Selon la DINUM, quel est le rôle de l'application ?
Dans quel langage est-elle écrite ?
Quel est le langage dans lequel elle est écrite ?
Qui lui a donné ce nom ?
Pourquoi ?
Que faut-il faire ici ?
Ce dernier est-il obligatoire ?
Quelle est l'URL du site ?
Combien coûte le service ?
Où se trouve le site ?
Quand le projet a-t-il été lancé ?
"""
ENGLISH_ALONE = """
Which port does PostgreSQL listen on?
Who created Redis?
When was Redis first released?
What is Redis?
What is an API?
What are cookies?
What does GDPR stand for?
Define phishing.
What is the default port of Grafana?
Is Gitea free software?
Which language is Apache Kafka written in?
Where is the configuration file of Postfix stored?
What licence does the Gitea project use?
How can users change their password in Nextcloud?
How do I reset my Keycloak password?
What happens when a Kafka broker loses its disk?
What happens when a server loses its leader in a Raft cluster?
Is it possible to run Redis without persistence?
How long does it take to get a passport in France?
Does Cassandra have a master node?
Why did Avinash Lakshman leave Facebook after he wrote Cassandra?
What is the name of the Trojan prophetess after whom Cassandra is named?
How many cells may a single Cassandra partition hold?
Which company moved its headquarters from Paris to Lyon in 1998?
Who gave his name to the Halley comet?
Is there a limit on the size of a Redis string?
What is the difference between MariaDB and MySQL?
Which of Redis and Memcached is older?
What does the command "nodetool repair" do?
What is stored in the topic `__consumer_offsets`?
What does Article 5 of the GDPR require?
According to the CNIL, how long may video surveillance images be kept?
Which wire protocols does Apache ActiveMQ support?
Do MariaDB and MySQL use the same licence?
List the applications that are written in Python.
Name three tools maintained by the Apache Software Foundation.
Explain how TLS certificates are renewed.
What is the role of the data protection officer under the GDPR?
When must a data breach be notified to the supervisory authority?
Must an employer tell employees that their emails are monitored?
Can a minor open a bank account without parental consent?
What should a victim of identity theft do first?
Who can access the medical file of a patient?
What is the capital of France?
Are there any free alternatives to Slack?
What does it mean to be GDPR compliant?
Why is it important to back up the etcd database before an upgrade?
What is the purpose of the application called GIDAF?
Who owns the software that runs on the Mars rover?
What was the cause of the AWS outage in 2017?
Which port should be open for the STOMP protocol?
How many people live in Iceland?
At what temperature does pure gallium melt?
What do tombstones represent in Cassandra?
Which file holds the settings of HAProxy?
How old was Mozart when he died?
What are the main ingredients of a Margherita pizza?
Did Jay Kreps found Confluent with his former colleagues?
What is the maximum length of a Discourse topic title?
In what year did Microsoft buy GitHub?
Is the Redis licence compatible with the GPL?
How are cookies that track visitors regulated?
Which French law governs electronic signatures?
How can I encrypt a Linux disk?
"""
ENGLISH_LEANING = """
Which port does it listen on?
When was it created?
Who created it?
What is its licence?
What are its main features?
What does it do?
Who uses them?
Where do they live?
What did he write?
Where was she born?
What is their role?
Who is his wife?
Who hosts this application?
What does this tool do?
What is the licence of this software?
What are these three services?
How does this mechanism work?
What is the licence of the application?
Who developed the software?
What is the goal of the project?
Who maintains the platform?
What does the application allow?
How do I install the tool?
What is the licence?
What is the default port?
What is the date of creation?
Which language is used?
Who is the author?
How many users?
According to the text, who created Redis?
According to the passage, which port does Gitea listen on?
Based on the document, what is the role of the CNIL?
Based on the information, who wrote Redis?
In this excerpt, what does Redis do?
What is the main topic of the document?
What is the passage about?
What does the author say about Redis?
What information is given in the paragraph?
Which command is mentioned above?
Which tools are listed?
Which of the following is a Redis port?
Which one is older?
Which of the two is faster?
And its port?
And for Gitea?
What about Gitea?
But why Redis?
How do I install it?
How can I reach them?
What does that mean?
What is the purpose of that?
Who works there?
What happens here?
Which other tools use Python?
What else does Redis do?
What is the port it listens on?
What is the name of its founder?
What is the date of its creation?
According to the CNIL, what is the role of the application?
Why?
What happened then?
What is the former called?
What is the URL of the website?
How much does the service cost?
When was the project launched?
Why did the company move?
What does the context say about Redis?
What is described in the section?
"""


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("question", lines(FRENCH_ALONE))
def test_french_questions_that_stand_alone(question: str) -> None:
    assert standalone(question, "fr")


@pytest.mark.parametrize("question", lines(FRENCH_LEANING))
def test_french_questions_that_lean_on_a_text(question: str) -> None:
    assert not standalone(question, "fr")


@pytest.mark.parametrize("question", lines(ENGLISH_ALONE))
def test_english_questions_that_stand_alone(question: str) -> None:
    assert standalone(question, "en")


@pytest.mark.parametrize("question", lines(ENGLISH_LEANING))
def test_english_questions_that_lean_on_a_text(question: str) -> None:
    assert not standalone(question, "en")


def test_a_name_in_lower_case_counts_when_it_is_known() -> None:
    assert not standalone("Quelle est la licence du logiciel écrit par son auteur ?", "fr")
    assert standalone("Comment le serveur etcd est-il sauvegardé ?", "fr", ["etcd"])
    assert standalone("Is the database in etcd encrypted when it is stored?", "en", ["etcd"])
    assert not standalone("Which port does it use?", "en", ["etcd"])


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("question", ["", " ", "?", "¤", "a" * 2000, "\x00"])
def test_what_is_no_question_does_not_stand(question: str, language: Language) -> None:
    assert not standalone(question, language)


@given(st.text(max_size=300), st.sampled_from(["fr", "en"]), st.lists(st.text(max_size=10), max_size=3))
def test_any_text_gets_the_same_verdict_twice(question: str, language: Language, names: list[str]) -> None:
    assert standalone(question, language, names) is standalone(question, language, names)


@given(st.sampled_from([*lines(FRENCH_ALONE), *lines(FRENCH_LEANING)]))
def test_typography_does_not_change_the_verdict(question: str) -> None:
    typeset = question.replace("'", "’").replace(" ?", "\u202f?")
    assert standalone(typeset, "fr") is standalone(question, "fr")


@pytest.mark.parametrize("piece", ["le ", "the a ", "qu'il ", "l'", "il ", "« ", "it it "])
def test_a_long_question_costs_little_time(piece: str) -> None:
    start = time.monotonic()
    for language in ("fr", "en"):
        standalone((piece * 1000)[:1000], language)  # type: ignore[arg-type]
    assert time.monotonic() - start < 15
