"""The general suite: what any chat model can do, asked before and after a training, in French and in English.

Six kinds, each in a file of JSON lines beside this one, half French and half English. One line is one item:

    {"id": "refusals-en-02", "lang": "en", "kind": "refusals", "text": "The swimming pool is heated from October on. …",
     "question": "How deep is the small basin? If the text does not say, answer: unknown.",
     "score": "refusal", "answers": ["unknown"], "wrong": ["One metre", "80 cm"]}

`text`     a passage to read, put before the question; items with the same passage form one group
`score`    exact, contains, number, regex, choice, json or refusal: see scorers.py
`answers`  values of which each is a right answer as it stands; the first is the reference
`pattern`  what the whole answer must match, for regex
`wrong`    answers that a weak model gives, and that must not score

Every text is our own. The suite says whether a model lost something, not how good it is: no figure of it can be set beside
a published one.
"""

from eval.general.importers import import_suite, suite_named
from eval.general.score import general_score, general_scores
from eval.general.suite import general_cases

__all__ = ["general_cases", "general_score", "general_scores", "import_suite", "suite_named"]
