"""The peer's first answer from a fresh process: open its persisted index, retrieve for one question (startup.py runs this).

python benchmarks/peer_ask.py FOLDER QUESTION
"""

from __future__ import annotations

import sys
from pathlib import Path

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import peer

if __name__ == "__main__":
    folder, question = sys.argv[1:]
    retriever = peer.open_retriever(Path(folder), peer.minilm(2))
    print(retriever.invoke(question)[0].page_content)
