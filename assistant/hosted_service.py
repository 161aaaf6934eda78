"""A fine-tuning service of OpenAI's API, by the `openai` client: one attempt a call, faults as HostedFailed, no key in any text."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from assistant.generators.models.faults import Peer, client_faults, retry_after
from assistant.generators.models.server_text import quoted, redact, secrets_of, without_credentials
from assistant.generators.models.wire import trusted
from finetune.hosted.service import HostedEvent, HostedFailed, HostedFile, HostedJob, NewJob
from retrieval.errors import BadSetting

if TYPE_CHECKING:
    from openai import OpenAI

OWN = "https://api.openai.com/v1"
ASK_SECONDS, SEND_SECONDS, CONNECT_SECONDS = 60.0, 600.0, 10.0
"""Longest wait for the next bytes: of an answer, of the answer to a file, for a connection."""
PAGE = 100
MOST_PAGES = 100
"""Pages of a list that are read, against a service whose list has no end."""
_KEY_HINT = (
    "Set OPENAI_API_KEY, in the environment or in the workspace's .env, or model.api_key, to a key of this service."
)
T = TypeVar("T")


class OpenAIService:
    """One service. Raises BadSetting for an address or a key that cannot be one."""

    provider = "openai"

    def __init__(self, base_url: str, api_key: str) -> None:
        try:
            self.url, self._auth = without_credentials(base_url or OWN)
        except ValueError:
            self.url, self._auth = "", None
        if not re.match(r"https?://[^/]", self.url):
            raise BadSetting(
                "The address of the service is no web address.", "Write it like https://api.example.org/v1."
            )
        self._key = api_key.strip()
        if not re.fullmatch(r"[!-~]*", self._key):
            raise BadSetting("The API key holds a blank, or a character that no key has.", _KEY_HINT)
        self._secrets = secrets_of(self._key, self._auth)

    def check_key(self) -> None:
        """Raises HostedFailed where OpenAI's own service is meant and no key is set: nothing needs to be asked for that."""
        if not self._key and self.url.startswith("https://api.openai.com"):
            raise HostedFailed(f"OPENAI_API_KEY is not set, and {self.url} needs a key.", _KEY_HINT)

    # the service ---------------------------------------------------------------------------------------------------

    def models(self) -> list[str]:
        with self._faults():
            return sorted(self._text(model.id) for model in self._client.models.list())

    def files(self) -> list[HostedFile]:
        with self._faults():
            return [self._file(f) for f in _all(lambda after: self._client.files.list(purpose="fine-tune", **after))]

    def send(self, path: Path, name: str) -> HostedFile:
        with path.open("rb") as file, self._faults(sending=True):
            made = self._sending.files.create(file=(name, file, "application/jsonl"), purpose="fine-tune")
            return self._file(made)

    def create(self, asked: NewJob) -> HostedJob:
        given: dict[str, Any] = {"model": asked.model, "training_file": asked.training_file, "seed": asked.seed}
        given |= {"validation_file": asked.validation_file} if asked.validation_file else {}
        given |= {"suffix": asked.suffix} if asked.suffix else {}
        with self._faults(sending=True):
            create = self._client.fine_tuning.jobs.create
            return self._job(create(method=asked.method, metadata=dict(asked.metadata), **given))  # type: ignore[arg-type]

    def jobs(self) -> list[HostedJob]:
        with self._faults():
            return [
                self._job(job) for job in _all(lambda after: self._client.fine_tuning.jobs.list(limit=PAGE, **after))
            ]

    def job(self, job_id: str) -> HostedJob:
        with self._faults(what=f"the job {job_id}"):
            return self._job(self._client.fine_tuning.jobs.retrieve(_checked(job_id)))

    def events(self, job_id: str, known: Sequence[str]) -> list[HostedEvent]:
        seen, found = set(known), []
        with self._faults(what=f"the job {job_id}"):
            listed = self._client.fine_tuning.jobs.list_events
            for event in _all(lambda after: listed(_checked(job_id), limit=PAGE, **after)):  # the newest first
                if str(event.id) in seen:
                    break
                found.append(self._event(event))
        return found[::-1]

    def cancel(self, job_id: str) -> HostedJob:
        with self._faults(what=f"the job {job_id}"):
            return self._job(self._client.fine_tuning.jobs.cancel(_checked(job_id)))

    def close(self) -> None:
        """Close what was opened."""
        if "_client" in self.__dict__:
            self._client.close()

    # its values: the client checks no types ---------------------------------------------------------------------------

    def _file(self, file: Any) -> HostedFile:
        return HostedFile(self._id(file), self._text(file.filename), int(file.bytes or 0), self._text(file.status))

    def _job(self, job: Any) -> HostedJob:
        error, metadata = getattr(job, "error", None), getattr(job, "metadata", None)
        return HostedJob(
            id=self._id(job),
            status=self._text(job.status),
            model=self._text(job.model),
            created=float(job.created_at or 0),
            finished=float(job.finished_at) if getattr(job, "finished_at", None) else None,
            tuned=self._text(getattr(job, "fine_tuned_model", None)),
            training_file=self._text(getattr(job, "training_file", None)),
            validation_file=self._text(getattr(job, "validation_file", None)),
            tokens=getattr(job, "trained_tokens", None),
            code=self._text(getattr(error, "code", None)),
            error=self._text(getattr(error, "message", None)),
            metadata={str(k): str(v) for k, v in metadata.items()} if isinstance(metadata, Mapping) else {},
        )

    def _event(self, event: Any) -> HostedEvent:
        data = getattr(event, "data", None)
        figures = data if isinstance(data, Mapping) else {}
        return HostedEvent(
            str(event.id), float(event.created_at or 0), self._text(event.level), self._text(event.message), figures
        )

    def _id(self, found: Any) -> str:
        """Raises HostedFailed for what is no answer of the API, such as a page."""
        if not isinstance(getattr(found, "id", None), str) or not found.id:
            raise self._malformed()
        return _checked(found.id)

    def _text(self, value: Any) -> str:
        return redact(" ".join(str(value).split()), self._secrets) if value is not None else ""

    # the client ---------------------------------------------------------------------------------------------------------

    @cached_property
    def _client(self) -> OpenAI:
        import openai

        peer = Peer(self.url, "", self.url, to_start="", to_log_in="", to_get_model="", secrets=self._secrets)
        with client_faults(peer):
            hooks = {} if self._key or self._auth else {"request": [_without_key]}
            http = openai.DefaultHttpx2Client(
                auth=self._auth, verify=trusted("httpx2"), follow_redirects=False, event_hooks=hooks
            )
            return openai.OpenAI(
                api_key=self._key or "none",
                base_url=self.url,
                max_retries=0,
                http_client=http,
                timeout=openai.Timeout(ASK_SECONDS, connect=CONNECT_SECONDS),
            )

    @property
    def _sending(self) -> OpenAI:
        import openai

        return self._client.with_options(timeout=openai.Timeout(SEND_SECONDS, connect=CONNECT_SECONDS))

    @contextmanager
    def _faults(self, *, sending: bool = False, what: str = "") -> Iterator[None]:
        """The client's exceptions as ours; `sending`: what came of a broken one is not known. Raised `from None`: keys."""
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            raise self._refused(error.status_code, error.response.text, error.response.headers, what, sending) from None
        except (openai.APIConnectionError, OSError) as error:
            raise self._unreachable(error, sending) from None
        except (openai.APIError, ValueError, TypeError, AttributeError):  # neither JSON nor the API's
            raise self._malformed(unsure=sending) from None

    def _refused(self, status: int, body: str, headers: Mapping[str, str], what: str, sending: bool) -> HostedFailed:
        said = quoted(body, self._secrets)
        told = f" ({status}){f': {said.text}' if said.text else ''}."
        if status in (401, 403):
            told = told if status == 403 else f" ({status})."  # a 401 often quotes the key
            return HostedFailed(f"{self.url} does not let us in{told}", _KEY_HINT, status=status)
        if 300 <= status < 400:
            hint = "Correct the address, if that is where the documents may go: --base-url, or model.base_url."
            return HostedFailed(f"{self.url} redirects ({status}), which is not followed.", hint, status=status)
        if said.no_credit:
            hint = "See the billing page of the service."
            return HostedFailed(f"{self.url}: the account has no credit left{told}", hint, status=status)
        if status in (408, 409, 429) or status >= 500:
            wait = retry_after(headers)
            unsure = sending and status != 429
            hint = "Give the command again later: what was sent is not sent again."
            message = f"{self.url} has had too many requests{told}" if status == 429 else f"{self.url} failed{told}"
            return HostedFailed(message, hint, status=status, passing=True, unsure=unsure, wait=wait)
        if status == 404 and what:
            return HostedFailed(
                f"{self.url} does not know {what}{told}", "`dyag finetune --list` shows its jobs.", status=404
            )
        if status in (404, 405, 501):
            hint = (
                "Name a service that has OpenAI's fine-tuning API with --base-url; such an address often ends with /v1."
            )
            return HostedFailed(f"{self.url} has no fine-tuning{told}", hint, status=status)
        hint = "Correct what it names: a base with --base-model, an option, or the rows (`dyag dataset validate FILE`)."
        return HostedFailed(f"{self.url} refuses the training{told}", hint, status=status)

    def _unreachable(self, error: BaseException, sending: bool) -> HostedFailed:
        why, sure = _why(error)
        hint = "Check the network and the address: --base-url, else model.base_url, else OPENAI_BASE_URL."
        return HostedFailed(
            f"{self.url} cannot be reached: {why}.", hint, passing=not sure, unsure=sending and not sure
        )

    def _malformed(self, *, unsure: bool = False) -> HostedFailed:
        hint = "Check the address: one that speaks OpenAI's API often ends with /v1."
        return HostedFailed(f"{self.url} sent no answer of OpenAI's API.", hint, unsure=unsure)


def _all(page: Callable[[dict[str, Any]], Any]) -> Iterator[Any]:
    """Every entry of a list of pages; a service that repeats itself is left at the first it repeats."""
    seen: set[str] = set()
    after: dict[str, Any] = {}
    for _ in range(MOST_PAGES):
        found = page(after)
        entries = [entry for entry in found.data if str(entry.id) not in seen]
        yield from entries
        seen.update(str(entry.id) for entry in entries)
        if not entries or not getattr(found, "has_more", False):
            return
        after = {"after": entries[-1].id}


def _without_key(request: Any) -> None:
    """The client insists on a key; a service that needs none is sent none."""
    request.headers.pop("Authorization", None)


def _checked(name: str) -> str:
    """An id as it may stand in an address. Raises HostedFailed."""
    if not re.fullmatch(r"[A-Za-z0-9][\w.:-]{0,199}", name, re.ASCII):
        raise HostedFailed(f"{name[:60]!r} is no id of a job.", "`dyag finetune --list` shows them.")
    return name


def _why(error: BaseException) -> tuple[str, bool]:
    """What went wrong, and whether it is certain that nothing came through and that waiting will not help."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return "it cannot be trusted, or does not speak TLS", True
        if isinstance(cause, socket.gaierror):
            return "unknown host", True
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused", True
        if "Timeout" in type(cause).__name__:
            return "no answer in time", False
        cause = cause.__cause__ or cause.__context__
    return "the connection was lost", False
