"""What a correction rests on: the chunks it cites, and the values that an evaluation looks for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from turns import CANTEEN, GITEA

from assistant.feedback.gold import gold

GO = replace(
    GITEA,
    text="Licence : MIT\nÉcrit en : Go et TypeScript\nPort : 3000\n"
    "Depuis 2016, Lunny Xiao le maintient. La base est sous AGPLv3 ou RSALv2.",
)


@pytest.mark.parametrize(
    ("question", "text", "answers"),
    [
        ("Quel port écoute Gitea ?", "Gitea écoute sur le port 3000 [chunk_7].", ("3000",)),
        ("Quel port, sous licence MIT ?", "Le port 3000, licence MIT [chunk_7].", ("3000",)),
        ("Quelle licence ?", "La licence MIT, port 3000 [chunk_7].", ("MIT",)),  # the field that is asked for
        ("En quoi est-ce écrit ?", "En Go et TypeScript [chunk_7].", ("Go et TypeScript",)),
        ("Est-ce écrit en Go ?", "Oui, et en TypeScript [chunk_7].", ("TypeScript",)),
        ("Depuis quand ?", "Depuis 2016 [chunk_7].", ("2016",)),
        ("Qui le maintient ?", "C’est Lunny Xiao qui le fait [chunk_7].", ("Lunny Xiao",)),
        ("Quels outils ?", "Ce sont Gitea et Cantine [chunk_7][chunk_9].", ("Gitea", "Cantine")),
        # The title of one document names what is asked about.
        ("Qui l’écrit ?", "Gitea, licence MIT [chunk_7].", ("MIT",)),
        ("Et la base ?", "La base est sous AGPLv3 [chunk_7].", ("AGPLv3",)),  # not its 3
        ("Combien de sauvegardes ?", "On en garde 300 [chunk_7].", ()),  # 3000 is another number
        ("Quel port ?", "Le port 8080 [chunk_7].", ()),
        ("Quel port ?", "Le port 3000.", ()),
        ("Quel port ?", "Le port 3000 [chunk_99].", ()),
    ],
)
def test_the_values_that_a_correction_states(question: str, text: str, answers: tuple[str, ...]) -> None:
    assert gold(text, (GO, CANTEEN), question, "fr").answers == answers


def test_chunks_and_documents_are_those_cited_in_the_order_of_the_text() -> None:
    found = gold("À midi [chunk_9]. MIT [chunk_7]. Encore [chunk_9].", (GITEA, CANTEEN), "Quand ?", "fr")
    assert (found.chunks, found.documents) == ((9, 7), ("docs/rows.jsonl#faq-7", "docs/fr-gitea.md"))
