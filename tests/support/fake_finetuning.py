"""A fine-tuning service of OpenAI's API on this machine, as strict as the real one about what is sent to it; nothing is trained.

    with FakeFinetuning() as server:
        …
        assert len(server.created) == 1

It refuses what the real one refuses: keys, files that are no JSON lines, files it does not have, models, fields, hyper-parameters
and suffixes it does not know. Rows are looked at as there: when the job is validated, which then fails. A job goes one status
further with each look at it. `fail` scripts faults.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from fake_provider import delta

KEY = "sk-fake-RECOGNISABLE-0123456789abcdef"
BASES = ("gpt-3.5-turbo-0125", "gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18")
PLAN = ("validating_files", "queued", "running", "running", "succeeded")
ENDED = ("succeeded", "failed", "cancelled")
_FIELDS = {
    "model",
    "training_file",
    "validation_file",
    "method",
    "suffix",
    "seed",
    "metadata",
    "integrations",
    "hyperparameters",
}
_SFT, _DPO = (
    {"n_epochs", "batch_size", "learning_rate_multiplier"},
    {
        "n_epochs",
        "batch_size",
        "learning_rate_multiplier",
        "beta",
    },
)
_ROLES = {"system", "user", "assistant", "tool", "developer"}


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, said: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(said)
        self.status, self.code, self.param = status, code, param


@dataclass
class File:
    """A file as it was sent."""

    id: str
    name: str
    data: bytes
    created: int

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.data.splitlines() if line.strip()]

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id, "object": "file", "bytes": len(self.data), "created_at": self.created, "filename": self.name,
            "purpose": "fine-tune", "status": "processed", "status_details": None, "expires_at": None,
        }  # fmt: skip


@dataclass
class Job:
    """A training, a step further with each look."""

    id: str
    body: Mapping[str, Any]
    created: int
    plan: list[str]
    events: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    tokens: int = 0

    @property
    def status(self) -> str:
        return self.plan[0]

    @property
    def tuned(self) -> str:
        return f"ft:{self.body['model']}:org:{self.body.get('suffix') or ''}:{self.id[-6:]}"

    def tell(self, message: str, data: Mapping[str, Any] | None = None) -> None:
        event = {
            "id": f"ftevent-{self.id[-6:]}-{len(self.events):04}", "object": "fine_tuning.job.event", "created_at": self.created,
            "level": "info", "message": message, "type": "metrics" if data else "message", "data": dict(data or {}),
        }  # fmt: skip
        self.events.insert(0, event)

    def told(self) -> dict[str, Any]:
        over = self.status in (*ENDED, "expired")
        return {
            "id": self.id, "object": "fine_tuning.job", "created_at": self.created, "status": self.status,
            "model": self.body["model"], "training_file": self.body["training_file"], "seed": self.body.get("seed", 0),
            "validation_file": self.body.get("validation_file"), "organization_id": "org-fake", "result_files": [],
            "hyperparameters": {"n_epochs": "auto"}, "method": self.body.get("method"), "metadata": self.body.get("metadata"),
            "fine_tuned_model": self.tuned if self.status == "succeeded" else None, "error": self.error or {},
            "trained_tokens": self.tokens if self.status == "succeeded" else None,
            "finished_at": self.created + 60 if over else None, "estimated_finish": None, "integrations": [],
        }  # fmt: skip


class FakeFinetuning:
    """The server, while its context lasts."""

    def __init__(self) -> None:
        self.key = KEY
        self.files: dict[str, File] = {}
        self.jobs: dict[str, Job] = {}
        self.asked: list[tuple[str, str]] = []
        """Method and path of every request that was let in."""
        self.plan: Sequence[str] = PLAN
        self.steps = 2
        """Figures that are told each time a job is seen running."""
        self.keeps_metadata = True
        self.largest = 512_000_000
        self.pause = 0.0
        """Seconds for each piece of a file, and before each answer to what was sent."""
        self.late = 0.0
        """Seconds after which what was received is there, whether the client waits for it or not."""
        self.page = 100
        self.says = "Le port 3000 [chunk_1]."
        self.prompts: list[Any] = []
        """Messages that a model was sent."""
        self.fail: Callable[[str, str], Any] = lambda method, path: None
        """A status, (status, headers), "cut", "lost", "page" or "hang" for a request that is to fail."""
        self.lock = threading.Lock()
        self._number = 0

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _Talk)
        self._server.service = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake fine-tuning")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    @property
    def sent(self) -> list[str]:
        """sha256 of each file that came whole."""
        return [hashlib.sha256(file.data).hexdigest() for file in self.files.values()]

    @property
    def created(self) -> list[Job]:
        return list(self.jobs.values())

    def new_id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}-{self._number:06}"

    # files ----------------------------------------------------------------------------------------------------------

    def take(self, purpose: str, name: str, data: bytes) -> File:
        """Raises Refused."""
        if purpose != "fine-tune":
            raise Refused(400, f"'{purpose}' is not one of ['fine-tune']", param="purpose")
        if not name.endswith(".jsonl"):
            raise Refused(400, "Invalid extension. Supported formats: jsonl", "unsupported_file")
        if len(data) > self.largest:
            raise Refused(413, "File exceeds the 512 MB limit", "file_too_large")
        for number, line in enumerate(data.splitlines(), 1):
            try:
                good = isinstance(json.loads(line), dict)
            except ValueError:
                good = False
            if not good:
                raise Refused(
                    400, f"Expected file to have JSONL format; line {number} is no JSON object.", "invalid_jsonl"
                )
        if not data.strip():
            raise Refused(400, "File is empty.", "empty_file")
        file = File(self.new_id("file"), name, data, int(time.time()))
        self.files[file.id] = file
        return file

    # jobs -----------------------------------------------------------------------------------------------------------

    def make(self, body: Mapping[str, Any]) -> Job:
        """Raises Refused."""
        if strange := sorted(set(body) - _FIELDS):
            raise Refused(400, f"Unrecognized request argument supplied: {strange[0]}", param=strange[0])
        model = body.get("model")
        if model not in BASES:
            raise Refused(
                400,
                f"Model {model} is not available for fine-tuning or does not exist.",
                "model_not_available",
                "model",
            )
        for name in ("training_file", "validation_file"):
            if (name == "training_file" or name in body) and body.get(name) not in self.files:
                raise Refused(400, f"invalid {name}: {body.get(name)}", "invalid_file", name)
        _check_method(body.get("method") or {"type": "supervised"})
        suffix, seed, metadata = body.get("suffix", ""), body.get("seed", 0), body.get("metadata") or {}
        if not isinstance(suffix, str) or len(suffix) > 64 or not re.fullmatch(r"[\w.-]*", suffix, re.ASCII):
            raise Refused(400, "invalid suffix", param="suffix")
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
            raise Refused(400, "invalid seed", param="seed")
        short = all(isinstance(v, str) and len(v) <= 512 and len(k) <= 64 for k, v in metadata.items())
        if len(metadata) > 16 or not short:
            raise Refused(400, "invalid metadata", param="metadata")
        kept = dict(body) if self.keeps_metadata else {k: v for k, v in body.items() if k != "metadata"}
        job = Job(self.new_id("ftjob"), kept, int(time.time()), list(self.plan))
        job.tell(f"Created fine-tuning job: {job.id}")
        self.jobs[job.id] = job
        return job

    def look(self, job: Job) -> dict[str, Any]:
        """As it is now; then it goes on."""
        if job.status == "validating_files" and (wrong := self._wrong(job)):
            job.error = {"code": "invalid_training_file", "message": wrong, "param": "training_file"}
            job.plan = ["failed"]
        told = job.told()
        if job.status == "running":
            for _ in range(self.steps):
                step = 1 + sum(bool(event["data"]) for event in job.events)
                loss = round(2.0 / step, 4)
                job.tell(f"Step {step}/90: training loss={loss}", {"step": step, "total_steps": 90, "train_loss": loss})
        if len(job.plan) > 1:
            job.plan.pop(0)
            if job.status == "succeeded":
                job.tokens = 3 * sum(len(json.dumps(row)) // 4 for row in self.files[job.body["training_file"]].rows)
                job.tell("The job has successfully completed")
        return told

    def _wrong(self, job: Job) -> str:
        rows = self.files[job.body["training_file"]].rows
        dpo = (job.body.get("method") or {}).get("type") == "dpo"
        if len(rows) < 10:
            return f"Training file has {len(rows)} example(s), but must have at least 10 examples"
        for number, row in enumerate(rows, 1):
            if wrong := (_wrong_pair(row) if dpo else _wrong_row(row)):
                return f"Invalid file format. Example {number}: {wrong}"
        return ""

    def cancel(self, job: Job) -> dict[str, Any]:
        if job.status in ENDED:
            raise Refused(400, f"Job has already completed: {job.id}", "invalid_state")
        job.plan = ["cancelled"]
        return job.told()


def _check_method(method: Any) -> None:
    kind = method.get("type") if isinstance(method, dict) else None
    if kind not in ("supervised", "dpo") or set(method) - {"type", kind}:
        raise Refused(400, "invalid method", param="method")
    inner = method.get(kind) or {}
    if set(inner) - {"hyperparameters"}:
        raise Refused(400, f"unknown field in method.{kind}", param="method")
    given = inner.get("hyperparameters") or {}
    if strange := sorted(set(given) - (_DPO if kind == "dpo" else _SFT)):
        raise Refused(400, f"unknown hyperparameter {strange[0]}", param="method")
    limits = {
        "n_epochs": (1, 50, int),
        "batch_size": (1, 256, int),
        "beta": (0, 2, float),
        "learning_rate_multiplier": (0, 10, float),
    }
    for name, value in given.items():
        low, high, sort = limits[name]
        number = not isinstance(value, bool) and isinstance(value, int if sort is int else int | float)
        if value != "auto" and not (number and low <= value <= high and (sort is int or value > 0)):
            raise Refused(400, f"{value!r} is not a valid {name}: between {low} and {high}", "invalid_value", name)


def _wrong_row(row: Mapping[str, Any]) -> str:
    if set(row) != {"messages"}:
        return f"keys are {sorted(row)}"
    return _wrong_messages(row["messages"], "assistant")


def _wrong_pair(row: Mapping[str, Any]) -> str:
    if set(row) != {"input", "preferred_output", "non_preferred_output"} or set(row["input"]) - {"messages", "tools"}:
        return f"keys are {sorted(row)}"
    if wrong := _wrong_messages(row["input"]["messages"], "user"):
        return wrong
    sides = (row["preferred_output"], row["non_preferred_output"])
    one = all(len(side) == 1 and not _wrong_messages(side, "assistant") for side in sides)
    return "" if one else "an output is not one assistant message"


def _wrong_messages(messages: Any, last: str) -> str:
    if not isinstance(messages, list) or not messages:
        return "no messages"
    for message in messages:
        if set(message) - {"role", "content", "name", "weight"} or message.get("role") not in _ROLES:
            return f"a message of {sorted(message)}"
        if not isinstance(message.get("content"), str) or not message["content"]:
            return "a message without content"
    return "" if messages[-1]["role"] == last else f"the last message must be from the {last}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: FakeFinetuning

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.over = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that broke off is no error here."""


class _Talk(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    fault: Any = None

    def log_message(self, *_: object) -> None:
        """Nothing on standard error: a test looks there for keys."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        service, (path, _, query) = self.server.service, self.path.partition("?")
        try:
            body = self._read()
            if self.headers.get("Authorization", "") != f"Bearer {service.key}":
                sent = self.headers.get("Authorization", "")
                raise Refused(401, f"Incorrect API key provided: {sent}", "invalid_api_key")
            with service.lock:
                service.asked.append((self.command, path))
                self.fault = service.fail(self.command, path)
            self._scripted()
            with service.lock:
                made = self._made(path, query, body)
            if self.command == "POST" and service.pause:
                time.sleep(service.pause)
            if self.fault == "lost":
                raise ConnectionResetError
            if made is not None:
                self._json(200, made)
        except Refused as refused:
            error = {
                "message": str(refused),
                "type": "invalid_request_error",
                "param": refused.param,
                "code": refused.code,
            }
            self._json(refused.status, {"error": error})
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _read(self) -> bytes:
        size, data, service = int(self.headers.get("Content-Length") or 0), b"", self.server.service
        while len(data) < size:
            piece = self.rfile.read(min(4096, size - len(data)))
            data += piece
            if not piece:
                raise ConnectionResetError
            if self.path == "/v1/files" and service.pause:
                time.sleep(service.pause)
        if self.command == "POST" and service.late:
            time.sleep(service.late)
        return data

    def _scripted(self) -> None:
        if isinstance(self.fault, int):
            raise Refused(self.fault, "scripted")
        if isinstance(self.fault, tuple):
            self._send(self.fault[0], "application/json", b'{"error": {"message": "slow down"}}', self.fault[1])
            raise ConnectionResetError
        if self.fault == "cut":
            raise ConnectionResetError
        if self.fault == "page":
            self._send(200, "text/html", b"<!doctype html><title>Welcome</title>")
            raise ConnectionResetError
        if self.fault == "hang":
            self.server.over.wait(60)
            raise ConnectionResetError

    def _made(self, path: str, query: str, body: bytes) -> Any:
        service, given = self.server.service, {k: v[0] for k, v in parse_qs(query).items()}
        if (self.command, path) == ("POST", "/v1/files"):
            return service.take(*self._parts(body)).told()
        if (self.command, path) == ("GET", "/v1/files"):
            return self._page([file.told() for file in reversed(service.files.values())], given)
        if (self.command, path) == ("GET", "/v1/models"):
            names = [*BASES, *(job.tuned for job in service.created if job.status == "succeeded")]
            return {
                "object": "list",
                "data": [{"id": n, "object": "model", "created": 1, "owned_by": "x"} for n in names],
            }
        if (self.command, path) == ("POST", "/v1/chat/completions"):
            return self._chat(json.loads(body))
        if path == "/v1/fine_tuning/jobs" and self.command == "POST":
            return service.make(_object(body)).told()
        if path == "/v1/fine_tuning/jobs":
            return self._page([job.told() for job in reversed(service.created)], given)
        return self._of_job(path, given)

    def _of_job(self, path: str, given: Mapping[str, str]) -> Any:
        named = re.fullmatch(r"/v1/fine_tuning/jobs/([\w-]+)(/events|/cancel)?", urlsplit(path).path)
        job = self.server.service.jobs.get(named[1]) if named else None
        if not named:
            raise Refused(404, f"Invalid URL ({self.command} {path})")
        if job is None:
            raise Refused(404, f"Could not find fine tune: {named[1]}", "fine_tune_not_found", "fine_tune_id")
        if (self.command, named[2]) == ("POST", "/cancel"):
            return self.server.service.cancel(job)
        if self.command != "GET" or named[2] == "/cancel":
            raise Refused(405, "method not allowed")
        return self._page(job.events, given) if named[2] else self.server.service.look(job)

    def _page(self, entries: Sequence[Mapping[str, Any]], given: Mapping[str, str]) -> dict[str, Any]:
        ids = [entry["id"] for entry in entries]
        start = ids.index(given["after"]) + 1 if given.get("after") in ids else 0
        end = start + min(int(given.get("limit", self.server.service.page)), self.server.service.page)
        return {"object": "list", "data": list(entries[start:end]), "has_more": end < len(entries)}

    def _parts(self, body: bytes) -> tuple[str, str, bytes]:
        """(purpose, file name, its bytes) of a form."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        found = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
        if set(found) != {"purpose", "file"}:
            raise Refused(400, f"the form has {sorted(map(str, found))}")
        purpose = found["purpose"].get_payload(decode=True).decode()
        return purpose, str(found["file"].get_filename()), found["file"].get_payload(decode=True)

    def _chat(self, body: Mapping[str, Any]) -> None:
        service = self.server.service
        tuned = [job.tuned for job in service.created if job.status == "succeeded"]
        if body["model"] not in (*BASES, *tuned):
            raise Refused(404, f"The model `{body['model']}` does not exist", "model_not_found")
        service.prompts.append(body["messages"])
        events = [delta(""), delta(service.says), delta(None, "stop"), b"data: [DONE]\n\n"]
        self._send(200, "text/event-stream", b"".join(events))

    def _json(self, status: int, data: Any) -> None:
        self._send(status, "application/json", json.dumps(data).encode())

    def _send(self, status: int, kind: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(data)),
            "Connection": "close",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused(400, "the body is no JSON object")
    return found
