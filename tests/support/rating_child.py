"""Asks, rates and corrects without end, until it is killed; a line on standard output says what is safely kept.

`turn N ID`, `rated N ID`, `fixed N ID` once each is kept, and `forgetting SESSION`, `forgot SESSION` around a deletion.
"""

from __future__ import annotations

import sys
from pathlib import Path

from turns import answer

from assistant.journal.store import Journal


def say(*words: object) -> None:
    print(*words, flush=True)


def main(path: Path) -> None:
    journal = Journal(path)
    number = 0
    while True:
        session = journal.new_session()
        say("session", session)
        for _ in range(8):
            number += 1
            turn = journal.record(session, answer(f"question {number}", f"answer {number} " * 40), {}, "ana")
            say("turn", number, turn)
            journal.rate(turn, "ana", "bad", f"reason {number}")
            say("rated", number, turn)
            journal.correct(turn, "ana", f"correction {number} " * 40)
            say("fixed", number, turn)
        if session % 3 == 0:
            say("forgetting", session)
            journal.forget([session])
            say("forgot", session)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
