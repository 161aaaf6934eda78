"""The commands, one module for each subject; importing this package declares them all, in the order of the help."""

from assistant.commands import (  # isort: skip  (the order of the help)
    chat,
    ask,
    talk,
    again,
    rate,
    feedback,
    sessions,
    index,
    gen_dataset,
    dataset,
    dataset_review,
    jobs,
    config,
    doctor,
)

__all__ = [
    "again",
    "ask",
    "chat",
    "config",
    "dataset",
    "dataset_review",
    "doctor",
    "feedback",
    "gen_dataset",
    "index",
    "jobs",
    "rate",
    "sessions",
    "talk",
]
