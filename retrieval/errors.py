"""Errors a user can act on. Anything else that is raised is a bug and keeps its traceback.

UserError                 one message, one hint that names the fix
├── BadInput              what was given cannot be used
│   ├── BadQuestion       empty, too long
│   ├── BadSetting        a setting with a wrong name or value
│   └── NotFound          a chunk, file or folder that does not exist
├── NoIndex               nothing indexed yet
├── Busy                  another process is writing
├── WrongEmbedder         the index was made with another embedding model
├── NewerLibrary          the library or the journal was written by a newer dyag
├── LibraryDamaged        the library or the journal itself cannot be read
├── IndexFailed           a new index did not hold what the library does
├── NoSpace               the disk is full
├── NoAccess              a file or folder of dyag's own cannot be opened or written
├── ModelMissing          a model cannot be loaded here
└── GeneratorFailed       a language model did not answer; see assistant/generators/models/faults.py
ParseFailed               one document could not be read (a line in the report, never the end of a run)
"""

from __future__ import annotations


class UserError(Exception):
    """Shown as its message and hint, without a traceback."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(UserError):
    """What was given cannot be used."""


class BadQuestion(BadInput):
    """A question that is empty or far too long."""


class BadSetting(BadInput):
    """A setting with an unknown name or a value out of range."""


class NotFound(BadInput):
    """A chunk, file or folder that does not exist."""


class NoIndex(UserError):
    """Nothing has been indexed in this workspace."""


class Busy(UserError):
    """Another process holds the writer's lock."""


class WrongEmbedder(UserError):
    """The index was made with another embedding model than the one configured."""


class NewerLibrary(UserError):
    """The schema of the library, or of the journal, is newer than this program."""


class LibraryDamaged(UserError):
    """The file of the library, or of the journal, is not a readable database."""


class IndexFailed(UserError):
    """A new index was built and did not pass its check; the one before goes on answering."""


class NoSpace(UserError):
    """Writing failed because the disk (or a quota) is full."""


class NoAccess(UserError):
    """A file or folder that dyag keeps cannot be opened or written: its mode, or something else lies in its place."""


class ModelMissing(UserError):
    """A model is not installed, fails its checksum or cannot be loaded."""


class GeneratorFailed(UserError):
    """A language model could not be asked, or broke off; `retry` says whether asking again may help."""

    retry = False


class ParseFailed(Exception):
    """One file or record could not be read; `reason` is its line in the report."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
