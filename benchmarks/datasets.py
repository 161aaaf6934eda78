"""Are the datasets good? `dyag gen-dataset` over application sheets, in a process of its own; then its files are read.

    python benchmarks/datasets.py [--input FOLDER] [--count N] [--times 4]

supported   of the answerable rows, those whose every cited sentence scores SUPPORTED or more against the chunk it cites and
            whose values stand in it word for word. Computed from the files and the chunks, not taken from the manifest.
forms       turns of phrase of rules; `openings` are the distinct first two words of the questions, `questions` the distinct
            questions with names, numbers and quoted words taken out.
leaks       rows of val and test with a document that trains; pairs of documents in different splits whose exact Jaccard
            similarity of word triples is .7 or more; questions of the training file asked again.
peer        scikit-learn's train_test_split over the same rows, as a hand-written script would split them: its leaks.
memory      peak of the process and its parser child, and the same over the sheets --times as many, made different word by
            word: flat means that it does not grow with the input.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import common
from benchmarks.common import CATALOGUE, Run, note, run_child, table, verdict
from finetune.near import NEAR, shingles
from retrieval.citations import SUPPORTED, cited_sentences, support_score
from retrieval.facts import clean_markup
from retrieval.text import words
from retrieval.types import Passage

SHEETS = common.ROOT.parent / "shared" / "corpora" / "betagouv-startups"
SECONDS, MEMORY_MB, SUPPORT = 20.0, 500.0, 0.99
SPLITS = ("train", "val", "test", "test_seen")
Row = dict[str, Any]


def generate(source: Path, folder: Path, count: int, *options: str) -> tuple[Run, dict[str, list[Row]]]:
    """Run the command and read what it wrote."""
    dyag = str(Path(sys.executable).with_name("dyag"))
    output = folder / "x.jsonl"
    command = [
        dyag,
        "--home",
        str(folder),
        "gen-dataset",
        str(source),
        "--count",
        str(count),
        "--output",
        str(output),
        *options,
    ]
    run = run_child(command, dict(os.environ), folder)
    return run, {split: common.read_jsonl(folder / f"x_{split}.jsonl") for split in SPLITS}


def chunk_texts(source: Path, folder: Path) -> dict[str, Passage]:
    """Every chunk of the source by its name, as `dyag chunk` numbers it: the numbers answers cite."""
    dyag = str(Path(sys.executable).with_name("dyag"))
    run_child(
        [dyag, "--home", str(folder), "chunk", str(source), "--output", str(folder / "chunks.jsonl")],
        dict(os.environ),
        folder,
    )
    return {row["id"]: _passage(row) for row in common.read_jsonl(folder / "chunks.jsonl")}


def _passage(row: Row) -> Passage:
    about = row["metadata"]
    number = int(row["id"].removeprefix("chunk_"))
    headings = tuple(about.get("headings", ()))
    return Passage(number, about["document"], "", about["title"], headings, row["content"], 0.0, 0.0, 0.0)


# quality -------------------------------------------------------------------------------------------------------------


def is_supported(row: Row, chunks: dict[str, Passage]) -> bool:
    """Whether the chunks that a row cites prove its answer."""
    about, answer = row["metadata"], row["messages"][-1]["content"]
    gold = [chunks[name] for name in about["gold"]]
    texts = _plain("\n".join("\n".join([p.title, *p.headings, p.text]) for p in gold))
    sentences = list(cited_sentences(answer))
    scores = [max(support_score(s, chunks[f"chunk_{i}"], about["lang"]) for i in ids) for s, ids in sentences]
    return bool(scores) and min(scores) >= SUPPORTED and all(_plain(value) in texts for value in about["answers"])


def _plain(text: str) -> str:
    return " ".join(clean_markup(text).replace("’", "'").casefold().split())


def bare(question: str) -> str:
    """A question without what is particular to its document: names, numbers, quoted words."""
    text = re.sub(r"«[^»]*»|\"[^\"]*\"|“[^”]*”", "…", question)
    first, *rest = text.split() or [""]
    kept = [first, *("…" if re.search(r"[A-ZÀ-Þ0-9/]", word) else word for word in rest)]
    return re.sub(r"(?:… )+…", "…", " ".join(kept))


def variety(rows: Sequence[Row]) -> dict[str, int]:
    questions = [row["messages"][-2]["content"].split("\n")[-1] for row in rows]
    return {
        "forms": len({row["metadata"]["form"] for row in rows}),
        "openings": len({" ".join(words(q.lower())[:2]) for q in questions}),
        "questions": len({bare(q) for q in questions}),
    }


# leaks ---------------------------------------------------------------------------------------------------------------


def leaks(train: Sequence[Row], other: Sequence[Row]) -> dict[str, int]:
    """What rows share with the training rows."""
    documents = {d for row in train for d in row["metadata"]["documents"]}
    asked = {_question(row) for row in train}
    return {
        "rows with a document that trains": sum(any(d in documents for d in r["metadata"]["documents"]) for r in other),
        "questions asked in training": sum(_question(row) in asked for row in other),
    }


def _question(row: Row) -> str:
    return " ".join(words(row["messages"][-2]["content"].lower()))


def near_pairs(texts: dict[str, str], split_of: dict[str, str]) -> int:
    """Pairs of near-duplicate documents in different splits, exactly: every pair that shares a word triple is compared."""
    sets = {name: set(shingles(text)) for name, text in texts.items() if name in split_of}
    holders: defaultdict[bytes, list[str]] = defaultdict(list)
    for name, own in sets.items():
        for shingle in own:
            holders[shingle].append(name)
    shared: Counter[tuple[str, str]] = Counter()
    for names in holders.values():
        if len(names) < 100:  # what a hundred sheets share is a form, not a copy
            shared.update((a, b) for i, a in enumerate(names) for b in names[i + 1 :] if split_of[a] != split_of[b])
    return sum(n / (len(sets[a]) + len(sets[b]) - n) >= NEAR for (a, b), n in shared.items())


def peer_leaks(rows: Sequence[Row]) -> dict[str, int]:
    """The same rows split by rows."""
    from sklearn.model_selection import train_test_split

    train, test = train_test_split(list(rows), test_size=0.1, random_state=1)
    return {**leaks(train, test), "test rows": len(test)}


# scale ---------------------------------------------------------------------------------------------------------------


def multiplied(source: Path, folder: Path, times: int) -> Path:
    """The sheets several times, each copy in words of its own: longer words get the copy's number."""
    for copy in range(times):
        for path in sorted(source.glob("*.md")):
            text = path.read_text(encoding="utf-8")
            changed = re.sub(r"(?<![\w:/.-])([A-Za-zÀ-ÿ]{5,})(?![\w:/.-])", rf"\g<1>{copy or ''}", text)
            (folder / f"{copy}-{path.name}").write_text(changed, encoding="utf-8")
    return folder


def main() -> None:
    parser = common.parser(__doc__)
    parser.add_argument(
        "--input", type=Path, default=SHEETS if SHEETS.is_dir() else CATALOGUE, help="folder of documents"
    )
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--times", type=int, default=4, help="how many times as many documents, for the memory")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        result = measured(args.input, work, args.count)
        result["scale"] = scaled(args.input, work, args.count, args.times)
    common.finish("datasets", result, report(result), args.json)


def measured(source: Path, work: Path, count: int) -> dict[str, Any]:
    note(f"{count} examples of {source.name}, by rules")
    folder = _fresh(work, "first")
    run, rows = generate(source, folder, count)
    note("again, and augmented, to compare")
    again = generate(source, _fresh(work, "second"), count)[1]
    chunks = chunk_texts(source, folder)
    every = [row for split in SPLITS for row in rows[split]]
    answerable = [row for row in every if row["metadata"]["answerable"]]
    unseen = rows["val"] + rows["test"]
    manifest = json.loads((folder / "x.manifest.json").read_text())
    texts: defaultdict[str, str] = defaultdict(str)
    for passage in chunks.values():
        texts[f"{source.name}/{Path(passage.document).relative_to(source)}"] += f"\n{passage.text}"
    split_of = {d: s for s in ("test", "val", "train") for row in rows[s] for d in row["metadata"]["documents"]}
    return {
        "input": source.name,
        "documents": len(texts),
        "rows": {split: len(rows[split]) for split in SPLITS},
        "seconds": run.seconds,
        "memory_mb": run.peak_mb,
        "same_bytes": rows == again,
        **variety(every),
        "types": dict(Counter(row["metadata"]["type"] for row in every).most_common()),
        "languages": dict(Counter(row["metadata"]["lang"] for row in every)),
        "refusals": 1 - len(answerable) / len(every),
        "supported": sum(is_supported(row, chunks) for row in answerable) / len(answerable),
        "leaks": {**leaks(rows["train"], unseen), "near-duplicate documents": near_pairs(dict(texts), split_of)},
        "peer": peer_leaks(rows["train"] + unseen),
        "dropped": manifest["drops"],
    }


def scaled(source: Path, work: Path, count: int, times: int) -> dict[str, Any]:
    note(f"{times} times as many documents")
    many = multiplied(source, _fresh(work, "many"), times)
    run, rows = generate(many, _fresh(work, "scaled"), count)
    shutil.rmtree(many)
    return {"times": times, "seconds": run.seconds, "memory_mb": run.peak_mb, "rows": len(rows["train"])}


def _fresh(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir()
    return folder


def report(result: dict[str, Any]) -> str:
    leaked, peer = result["leaks"], result["peer"]
    scale = result["scale"]
    lines = list(_lines(result))
    growth = scale["memory_mb"] / result["memory_mb"]
    lines += [
        (
            "peer: rows with a document that trains",
            f"{peer['rows with a document that trains']} of {peer['test rows']}",
            "by row",
        ),
        (f"memory at {scale['times']} times the documents", f"{scale['memory_mb']:.0f} MB", f"{growth:.2f} times"),
        (f"seconds at {scale['times']} times the documents", f"{scale['seconds']:.1f} s", ""),
    ]
    types = ", ".join(f"{kind} {n}" for kind, n in result["types"].items())
    dropped = "; ".join(f"{n} {why}" for why, n in result["dropped"].items())
    head = f"{sum(result['rows'].values())} rows of {result['documents']} documents in {result['input']}"
    leak_rows = [(f"leak: {name}", n, verdict(n, 0, at_most=True)) for name, n in leaked.items()]
    return f"{table((head, '', ''), [*lines, *leak_rows])}\n\ntypes: {types}\ndropped: {dropped}"


def _lines(result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    yield "seconds", f"{result['seconds']:.1f}", verdict(result["seconds"], SECONDS, at_most=True)
    yield "memory, MB", f"{result['memory_mb']:.0f}", verdict(result["memory_mb"], MEMORY_MB, at_most=True)
    yield "the same bytes again", str(result["same_bytes"]), ""
    yield "supported by their chunk", f"{result['supported']:.4f}", verdict(result["supported"], SUPPORT)
    yield "refusals", f"{result['refusals']:.3f}", ""
    yield "turns of phrase", str(result["forms"]), ""
    yield "distinct questions, names aside", str(result["questions"]), ""
    yield "distinct openings, two words", str(result["openings"]), ""


if __name__ == "__main__":
    random.seed(1)
    main()
