"""What a server does by itself: store the models that were trained, retrain when enough was corrected."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from assistant.api.access_log import LOGGER, say
from assistant.api.asking import retraining
from assistant.api.begun import ApiJobs, Stamp
from assistant.api.state import Server
from assistant.jobs.jobs import QueueFull
from assistant.journal.api_jobs import ApiJob
from assistant.sanitize import without_passwords
from finetune.export.storage import push
from retrieval.errors import UserError

EVERY = 5.0
"""Seconds between two looks."""
AGAIN = 600.0
"""Seconds after which a model that could not be stored is tried again."""
PATIENCE = 20.0
"""Seconds that a look which goes on is waited for at the end."""


@contextmanager
def background(server: Server, jobs: ApiJobs) -> Iterator[None]:
    """Within it, look after both, where they are asked for; it ends once `server.stopping` is set."""
    if not (server.options.store or server.options.retrain_after):
        yield
        return
    keeper = Keeper(server, jobs)
    # A copy that a storage holds up is left: without its manifest it is none, and the next server makes it again.
    thread = threading.Thread(target=keeper.run, name="background", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.stopping.set()
        thread.join(PATIENCE)


class Stopped(Exception):
    """The server ends: a copy that is not whole has no manifest, and is gone on with."""


class Keeper:
    """Both duties, one look after the other."""

    def __init__(self, server: Server, jobs: ApiJobs) -> None:
        self._server, self._jobs = server, jobs
        self._failed: dict[str, float] = {}
        """When a job's model could not be stored."""

    def run(self) -> None:
        """Until the server ends. A look that fails is logged, and the next one comes."""
        while not self._server.stopping.wait(EVERY):
            try:
                self.look()
            except UserError as error:
                say("background", logging.WARNING, error=without_passwords(error.message))
            except Exception:  # noqa: BLE001  (a bug in a thread: to the log; the next look may go well)
                LOGGER.exception("background")

    def look(self) -> None:
        """Do now what is to be done. Raises what the journal's methods do."""
        if self._server.options.store:
            self._store_all()
        if self._server.options.retrain_after:
            self._retrain_if_due()

    def _store_all(self) -> None:
        self._server.app.jobs.open()  # sees those that have ended since
        for job in self._jobs.rows.unstored():
            if time.monotonic() - self._failed.get(job.id, -AGAIN) >= AGAIN:
                with suppress(Stopped):
                    self._jobs.rows.store(job.id, self._stored(job))

    def _stored(self, job: ApiJob) -> str:
        """Where the model of a job was copied to, or `!` and why it was not. Raises Stopped."""
        try:
            place = push(self._server.app.home.path / job.output, self._server.options.store, self._tick).place
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001  (each file system raises errors of its own)
            self._failed[job.id] = time.monotonic()
            why = error.message if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            say("not stored", logging.WARNING, job=job.id, error=without_passwords(why))
            return f"!{without_passwords(why)}"
        say("stored", job=job.id, place=place)
        return place

    def _tick(self, *copied: object) -> None:
        if self._server.stopping.is_set():
            raise Stopped

    def _retrain_if_due(self) -> None:
        """Once for the same corrections, whichever servers look."""
        from assistant.retraining import fresh

        app = self._server.app
        new = fresh(app)
        if len(new) < self._server.options.retrain_after or any("retrain" in job.words for job in app.jobs.open()):
            return
        digest = hashlib.sha256(json.dumps(sorted(new)).encode()).hexdigest()
        key, told = f"retrain-{digest}", {"corrections": len(new)}
        if self._jobs.rows.of_key(key):
            return
        with suppress(QueueFull):  # at the next look
            stamp = Stamp.now()
            begun = self._jobs.begin(retraining(self._jobs, told, (), key, digest, stamp), stamp)
            say("retraining", job=begun.id, corrections=len(new))
