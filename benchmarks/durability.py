"""Does an index survive being killed at any moment? kill -9 of `dyag index`, over and over, on a corpus that changes.

    python benchmarks/durability.py [--kills N] [--seed N]

Each round adds, edits and removes files, starts `dyag index` or `dyag index --rebuild` in a process of its own and kills
it after a delay drawn between 0 and the time the command takes. Runs that finish first are not counted as kills. Then:

unreadable   the library does not open, or PRAGMA integrity_check finds something
unanswered   a canary document is not found by its question, without any repair (in process every time, by a fresh
             `dyag search` every tenth), right after the kill and again after the next sync
lost         a document of the last finished sync, whose file still exists, is not there, or only as it was before that
             sync (a version in between is right: a killed sync may have committed it before the file changed again)
size         bytes under data/ right after a kill, against a control workspace that indexes the same changes and is never
             killed; and against an index from scratch, which no history of edits (tombstones, cached vectors) weighs on
orphans      processes of the killed command that still run 10 s later
left behind  more in data/index/ after a finished sync than the pointer, the live generation and one other
failed       a command that was not killed ended with an error

After every other kill on average a sync runs to its end and must show exactly the files, so kills come alone and in
chains. At the end the library must equal one made from scratch: same documents, same chunk texts.

No peer: the hand-written stack has no notion of a generation; field-notes.md tells what kill -9 does to Chroma alone.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common
from benchmarks.common import folder_bytes, make_app, note, table, verdict
from retrieval.embed import Embedder
from retrieval.errors import UserError
from retrieval.library import Library
from retrieval.search import Searcher

FEWEST, MOST = 30, 60
EXCESS = 2.0
"""Bound on data/ against the control: a half-built generation and a rollback journal beside what is there anyway."""
CANARIES = {
    "canary-heron.md": (
        "# Heron\n\nThe heron ledger is kept in vault 7719 of the northern archive.",
        "heron ledger vault",
    ),
    "canary-loutre.md": (
        "# Loutre\n\nLa loutre ouvre le portillon 4482 du canal de service.",
        "loutre portillon canal",
    ),
}
WORDS = (
    "archive bridge canal delta engine forest garden harbour island journal kernel ladder market network orchard "
    "planet quarry river signal tunnel valley window yard zenith amber bronze copper granite marble silver"
).split()


@dataclass
class Corpus:
    """Files that change from round to round; `marks` holds the number of each file's present version."""

    folder: Path
    random: random.Random
    marks: dict[str, int] = field(default_factory=dict)
    _made: int = 0

    def start(self) -> None:
        self.folder.mkdir(parents=True)
        for name, (text, _) in CANARIES.items():
            (self.folder / name).write_text(text, encoding="utf-8")
        for _ in range(FEWEST + 10):
            self._write(f"note-{self._made:04d}.md")

    def change(self) -> None:
        """Add, edit and remove a few files."""
        names = sorted(self.marks)
        for name in self.random.sample(names, 3):
            self._write(name)
        if len(names) > FEWEST:
            for name in self.random.sample(names, self.random.randint(0, 2)):
                (self.folder / name).unlink()
                del self.marks[name]
        if len(names) < MOST:
            for _ in range(self.random.randint(0, 3)):
                self._write(f"note-{self._made:04d}.md")

    def _write(self, name: str) -> None:
        self._made += 1
        body = " ".join(self.random.choices(WORDS, k=40))
        (self.folder / name).write_text(f"# {name}\n\nmark{self._made}: {body}.\n", encoding="utf-8")
        self.marks[name] = self._made


@dataclass
class Trial:
    """The workspace under attack and what was found so far."""

    home: Path
    control: Path
    """A workspace that indexes the same changes and is never killed."""
    corpus: Corpus
    embedder: Embedder
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Versions shown by the last finished sync."""
    counts: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    """Most bytes under data/ after a kill."""
    excess: float = 0.0
    """The same against the control at that moment."""

    def change(self) -> None:
        """Change the files; the control follows at once."""
        self.corpus.change()
        self.undisturbed(self.control)

    def undisturbed(self, home: Path) -> None:
        """A sync of a workspace to its end, in this process with the model already loaded."""
        app = make_app(home)
        app.embedder = self.embedder
        with app.writer(lambda stage, done, total: None) as sync:
            sync.run([self.corpus.folder])

    def complain(self, what: str, detail: str) -> None:
        self.counts[what] += 1
        note(f"{what}: {detail}")

    # what a user would run ---------------------------------------------------------------------------------------

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("dyag")), "--home", str(self.home), *arguments]

    def start(self, rebuild: bool) -> subprocess.Popen[bytes]:
        arguments = ["index", str(self.corpus.folder), *(["--rebuild"] if rebuild else [])]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            self.command(*arguments), stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
        )

    def duration(self, rebuild: bool) -> float:
        """Seconds the command takes when it is left alone, on a changed corpus."""
        self.change()
        start = time.monotonic()
        if self.start(rebuild).wait():
            raise SystemExit("benchmark: `dyag index` failed before anything was killed")
        self.acknowledged = dict(self.corpus.marks)
        return time.monotonic() - start

    def attack(self, rebuild: bool, delay: float) -> bool:
        """Start an index and kill it after `delay` seconds; False when it finished first."""
        child = self.start(rebuild)
        try:
            if child.wait(delay):
                self.complain("failed", f"`dyag index` left alone ended with {child.returncode}")
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            self.counts["kills"] += 1
            self.counts["rebuilds"] += rebuild
            self._look_around()
            self._orphans(child.pid)
            return True
        self.acknowledged = dict(self.corpus.marks)
        return False

    def _look_around(self) -> None:
        """Count what the kill interrupted, to show that kills landed everywhere."""
        if self.home.joinpath("data/library.sqlite3-journal").exists():
            self.counts["in a transaction"] += 1
        if list(self.home.glob("data/index/*.building")):
            self.counts["while building"] += 1
        size = folder_bytes(self.home / "data")
        self.largest = max(self.largest, size)
        self.excess = max(self.excess, size / folder_bytes(self.control / "data"))

    def _orphans(self, session: int) -> None:
        deadline = time.monotonic() + 10
        while left := _session(session):
            if time.monotonic() > deadline:
                self.complain("orphans", f"{left}")
                for pid in left:
                    os.kill(pid, signal.SIGKILL)
                return
            time.sleep(0.02)

    # checks ------------------------------------------------------------------------------------------------------

    def check(self, when: str) -> None:
        """Everything that must hold at any moment."""
        try:
            library = Library(self.home / "data/library.sqlite3")
            found = library.query("PRAGMA integrity_check")
        except (UserError, OSError) as error:
            self.complain("unreadable", f"{when}: {error}")
            return
        if found != [("ok",)]:
            self.complain("unreadable", f"{when}: {found}")
        self._answers(library, when)
        self._nothing_lost(library, when)
        library.close()

    def _answers(self, library: Library, when: str) -> None:
        needed: list[str] = []
        searcher = Searcher(library, self.home / "data/index", self.embedder, needed.append)
        for name, (_, question) in CANARIES.items():
            try:
                best = searcher.search(question, 1).passages
            except UserError as error:
                self.complain("unanswered", f"{when}: {error} {needed}")
                continue
            if not best or Path(best[0].document).name != name:
                self.complain("unanswered", f"{when}: {name} was not found")

    def _nothing_lost(self, library: Library, when: str) -> None:
        shown = versions(library)
        for name, version in self.acknowledged.items():
            if name in self.corpus.marks and shown.get(name, 0) < version:
                self.complain("lost", f"{when}: {name} shows {shown.get(name)}, acknowledged {version}")

    def fresh_process(self) -> None:
        """The canaries again, as a user would ask."""
        for name, (_, question) in CANARIES.items():
            done = subprocess.run(self.command("search", question, "-k", "1"), capture_output=True, text=True)
            if done.returncode or name not in done.stdout:
                self.complain("unanswered", f"fresh process: {done.stdout} {done.stderr}")

    def sync(self) -> None:
        """A sync to its end, which must show exactly the files."""
        self.undisturbed(self.home)
        self.acknowledged = dict(self.corpus.marks)
        self.counts["finished syncs"] += 1
        library = Library(self.home / "data/library.sqlite3")
        shown = versions(library)
        library.close()
        if shown != {**self.corpus.marks, **dict.fromkeys(CANARIES, 0)}:
            self.complain("wrong after sync", "the library does not show the files")
        left = [p.name for p in (self.home / "data/index").iterdir()]
        # The pointer, the live generation, and at most one other, which the next build sweeps.
        if len(left) > 3:
            self.complain("left behind", str(left))


def _session(session: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (OSError, psutil.Error):
            continue
    return found


def texts_by_file(library: Library) -> dict[str, list[str]]:
    """Live chunk texts of each file, in order."""
    sql = """SELECT f.path, c.text FROM chunks c JOIN documents d ON d.id=c.document_id JOIN files f ON f.id=d.file_id
             WHERE c.deleted_at IS NULL AND d.deleted_at IS NULL ORDER BY f.path, d.id, c.position"""
    found: dict[str, list[str]] = {}
    for path, text in library.query(sql):
        found.setdefault(Path(path).name, []).append(text)
    return found


def versions(library: Library) -> dict[str, int]:
    """The version of each file that the library shows; 0 for the canaries, which have none."""
    found = {name: re.search(r"mark(\d+):", "".join(texts)) for name, texts in texts_by_file(library).items()}
    return {name: int(match[1]) if match else 0 for name, match in found.items()}


def from_scratch(trial: Trial, home: Path) -> tuple[bool, int]:
    """Whether the library equals a new one of the same files, and how large the new one is."""
    trial.undisturbed(home)
    one, two = Library(trial.home / "data/library.sqlite3"), Library(home / "data/library.sqlite3")
    same = texts_by_file(one) == texts_by_file(two)
    one.close()
    two.close()
    return same, folder_bytes(home / "data")


def rounds(trial: Trial, kills: int, chance: random.Random) -> None:
    """Kill until enough kills have landed."""
    full = {rebuild: trial.duration(rebuild) for rebuild in (False, True)}
    note(f"left alone: index {full[False]:.2f} s, index --rebuild {full[True]:.2f} s")
    while trial.counts["kills"] < kills:
        trial.change()
        rebuild = chance.random() < 0.5
        if not trial.attack(rebuild, chance.uniform(0, full[rebuild])):
            trial.counts["finished first"] += 1
            continue
        number = trial.counts["kills"]
        trial.check(f"kill {number}")
        if number % 10 == 0:
            trial.fresh_process()
            note(f"{number}/{kills} kills")
        if chance.random() < 0.5:
            trial.sync()
            trial.check(f"sync after kill {number}")


def main() -> None:
    options = common.parser(__doc__)
    options.add_argument("--kills", type=int, default=100, help="(default: %(default)s)")
    options.add_argument("--seed", type=int, default=1)
    args = options.parse_args()
    folder = args.work / "durability"
    shutil.rmtree(folder, ignore_errors=True)
    corpus = Corpus(folder / "corpus", random.Random(args.seed))
    corpus.start()
    trial = Trial(folder / "home", folder / "control", corpus, make_app(folder).embedder)
    trial.sync()
    rounds(trial, args.kills, random.Random(args.seed + 1))
    trial.sync()
    trial.check("the end")
    same, clean = from_scratch(trial, folder / "clean")
    bad = ("lost", "unreadable", "unanswered", "orphans", "left behind", "failed", "wrong after sync")
    checks = [(name, trial.counts[name], verdict(trial.counts[name], 0, at_most=True)) for name in bad]
    seen = ("kills", "rebuilds", "in a transaction", "while building", "finished first", "finished syncs")
    rows: list[tuple[str, object, str]] = [*((name, trial.counts[name], "") for name in seen), *checks]
    rows.append(("equal to an index from scratch", str(same), "" if same else "MISSED"))
    ratio = trial.largest / clean
    control = folder_bytes(trial.control / "data") / clean
    rows.append(
        ("data/ after a kill, most, against the control", trial.excess, verdict(trial.excess, EXCESS, at_most=True))
    )
    rows.append(("data/ after a kill, most, against from scratch", ratio, ""))
    rows.append(("data/ of the control at the end, likewise", control, ""))
    result = {
        "kills": trial.counts["kills"],
        **{name: trial.counts[name] for name in (*seen[1:], *bad)},
        "equal": same,
        "max_size_to_control": trial.excess,
        "max_size_to_scratch": ratio,
        "control_size_to_scratch": control,
        "seed": args.seed,
    }
    common.finish("durability", result, table(("", "count", "target"), rows), args.json)
    shutil.rmtree(folder, ignore_errors=True)
    sys.exit(not same or any(trial.counts[name] for name in bad))


if __name__ == "__main__":
    main()
