"""The peer's chat, as a user would write it by hand: open the index, read a line, retrieve (chat.py runs this).

python benchmarks/peer_chat.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

# In the place of this folder, whose retrieval.py and datasets.py would hide the packages of those names.
sys.path.pop(0)
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import peer

if __name__ == "__main__":
    retriever = peer.open_retriever(Path(sys.argv[1]), peer.minilm(2))
    while True:
        for document in retriever.invoke(input("› ")):
            print(document.page_content)
