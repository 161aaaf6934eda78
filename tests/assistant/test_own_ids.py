"""A correction that cites a passage by the id of its own file cites it as the library numbers it."""

from __future__ import annotations

from dataclasses import replace

from turns import GITEA, answer

from assistant.commands.rate import unknown_ids, with_own_ids


def test_the_id_of_a_file_stands_for_the_librarys() -> None:
    found = answer(
        passages=(replace(GITEA, external_id="chunk_383"), replace(GITEA, chunk_id=9, external_id="chunk_7"))
    )
    said = with_own_ids("Port 3000 [chunk_383]. Licence MIT [chunk_7]. Autre [chunk_12].", found)
    assert said == "Port 3000 [chunk_7]. Licence MIT [chunk_7]. Autre [chunk_12]."
    assert unknown_ids(said, found) == (12,)
