"""Every error the service answers with. `app/problems.py` turns them into HTTP.

ServiceError                     500
├─ Unreadable                    400   cannot be parsed
│  └─ Malformed                        nor is it HTTP
├─ KeyMissing                    401
├─ RoleMissing                   403
├─ OriginRefused                 403   a page of another origin asks to change something
├─ IdentityRefused               403   a sign-in by OpenID Connect that is not good, or gives no role
├─ TokenMissing                  403   a form that is not of a page of this session
├─ NotFound                      404
│  ├─ ModelNotFound
│  ├─ VersionNotFound
│  ├─ RowNotFound                      the leaderboard has no such row, or it failed
│  ├─ JobNotFound
│  └─ KeyNotFound
├─ Conflict                      409
│  ├─ StaleVersion                     the current version is not the one expected
│  ├─ StillTraining                    a provisional version cannot be promoted
│  ├─ VersionInUse                     the current version cannot be deleted
│  ├─ JobEnded                         nothing left to cancel
│  ├─ NoNetwork                        the version is no neural network
│  ├─ NoTree                           the version has no tree that rows can be sent through
│  ├─ RowGone                          the data of a leaderboard is not kept any more
│  ├─ NoResult                         the job has no file to give back, or not yet
│  ├─ Superseded                       another attempt at the job has begun; no caller sees it
│  ├─ ModelExists                      If-None-Match: * and there is a version already
│  └─ NeedsRetraining                  trained with other library versions
├─ TooSlow                       408   the request has not arrived in time
├─ UploadTooLarge                413
├─ HeadTooLarge                  431
├─ FormatUnknown                 415
├─ Unacceptable                  422   can be parsed, and is wrong
│  ├─ InvalidParameters
│  ├─ InvalidData
│  ├─ KeyReused                        an Idempotency-Key with another body
│  ├─ TooCostly                        more work than there is time for
│  ├─ BatchFailed                      a batch prediction reached a limit
│  └─ TrainingFailed                   the estimator refused the data
│     ├─ OutOfTime                     the limit was reached before there was a model
│     └─ MemoryExceeded                or the limit on memory
├─ TooMany                       429   a key, or an address with wrong keys, asks too often
│  └─ QuotaExceeded                    a key has had its rows of the day
├─ EngineMissing                 501   a library is not installed
├─ DriverMissing                 501   nor is what opens the URLs of a scheme
├─ NoBatchFolder                 501   the operator has set no place for files
├─ Unavailable                   503
│  ├─ StoreUnavailable
│  │  └─ StoreFull                     it has no memory or disk left for a write
│  ├─ ProviderUnavailable              who knows the people that sign in does not answer
│  ├─ StorageUnavailable               a disk or an object store fails
│  ├─ ArtifactRejected                 signature or identity does not verify
│  ├─ ArtifactMissing                  a version without its bytes
│  ├─ RecordTooNew                     a later release has written it
│  ├─ RecordDamaged                    what is stored of a version cannot be read
│  ├─ Busy                             all waiting places are taken
│  ├─ Overloaded                       more requests wait than can be answered soon
│  ├─ DeadlinePassed                   the request's time has passed
│  ├─ NotReady                         what the process needs is not there
│  └─ Draining                         about to stop
├─ JobRefused                    500   a job that this service did not write, or that was changed since
├─ WorkerLost                    500   a job's process died
│  └─ Poison                           each time that it was tried
└─ TrainingEnded                 500   a job that ended without a model: its stored failure, raised again
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

#: Names listed in one message; more are counted.
MOST_NAMED = 20

#: The first step of a pointer into the parameters.
_PARAMS = re.compile("^/params(?=/|$)")


def listed(names: Iterable[Any]) -> str:
    """Join names for a message, at most `MOST_NAMED` of them, with the count of those left out."""
    names = list(names)
    shown = ", ".join(str(name) for name in names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


def nearest(name: object, known: Iterable[str]) -> str:
    """Return a hint at what was meant, to stand before the list of what is known; empty when nothing is near."""
    whole = list(known)
    # By its last part alone, as it is imported in a script.
    found = [one for one in whole if one.rpartition(".")[2].lower() == str(name).lower()]
    found += [one for one in get_close_matches(str(name), whole, n=3, cutoff=0.75) if one not in found]
    return f"did you mean {' or '.join(found[:3])}? " if found else ""


def at(*steps: object) -> str:
    """Return the JSON pointer (RFC 6901) of these steps."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where (a JSON pointer into the part or body) and what."""

    pointer: str
    detail: str


@dataclass(eq=False)
class ServiceError(Exception):
    """Root of the tree. `detail` is one sentence for the caller; `faults` say where the input is wrong."""

    detail: str
    faults: list[Fault] = field(default_factory=list)

    status = 500
    code = "internal-error"
    title = "The service failed"

    @property
    def headers(self) -> dict[str, str]:
        """Extra HTTP headers of the answer."""
        return {}

    def __str__(self) -> str:
        return self.detail

    def as_problem(self) -> dict[str, Any]:
        """Return the RFC 9457 members, without `instance`."""
        problem: dict[str, Any] = {
            "type": f"urn:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.faults:
            problem["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in self.faults]
        return problem


@contextmanager
def within(part: str) -> Iterator[None]:
    """Point into another part where faults point into `/params`: parameters are read alike wherever they come from."""
    try:
        yield
    except ServiceError as error:
        error.faults = [replace(one, pointer=_PARAMS.sub(f"/{part}", one.pointer)) for one in error.faults]
        raise


class Unreadable(ServiceError):
    """The bytes are not what they say they are."""

    status, code, title = 400, "unreadable", "The request cannot be read"


class Malformed(Unreadable):
    """Not HTTP, or HTTP that could be read in two ways."""

    code = "malformed"

    def __init__(self) -> None:
        super().__init__("The request is not HTTP as RFC 9112 has it, and nothing of it was read.")


class KeyMissing(ServiceError):
    """No API key, or one that the service does not know."""

    status, code, title = 401, "key-missing", "An API key is needed"

    @property
    def headers(self) -> dict[str, str]:
        """Name the scheme, as RFC 9110 asks of a 401."""
        return {"WWW-Authenticate": 'Bearer realm="automl"'}


class RoleMissing(ServiceError):
    """The key is known and its role does not reach this far."""

    status, code, title = 403, "role-missing", "The key's role does not allow this"


class OriginRefused(ServiceError):
    """A page of another origin sent the request through its visitor's browser."""

    status, code, title = 403, "origin-refused", "Requests of other origins are refused"


class IdentityRefused(ServiceError):
    """Somebody came back from the issuer of identities without one that this service takes."""

    status, code, title = 403, "identity-refused", "You are not signed in"


class TokenMissing(ServiceError):
    """A form or a button of the web pages without the token of the session that it was made for."""

    status, code, title = 403, "token-missing", "Load this page again"


class NotFound(ServiceError):
    """Nothing under that name."""

    status, code, title = 404, "not-found", "Not found"


class ModelNotFound(NotFound):
    """No pipeline under this id."""

    code = "model-not-found"

    def __init__(self, pipeline_id: str | int) -> None:
        super().__init__(f"There is no model {pipeline_id}. GET /models lists them.")


class VersionNotFound(NotFound):
    """The pipeline exists, this version of it does not."""

    code = "version-not-found"

    def __init__(self, pipeline_id: str | int, version: int) -> None:
        super().__init__(
            f"Model {pipeline_id} has no version {version}. GET /models/{pipeline_id}/versions lists them."
        )


class RowNotFound(NotFound):
    """The leaderboard of a version has no such row, or the row has no model."""

    code = "row-not-found"

    def __init__(self, pipeline_id: str | int, version: int, row: int) -> None:
        super().__init__(
            f"Version {version} of model {pipeline_id} has no row {row} that can be trained. "
            f"GET /models/{pipeline_id}/versions/{version} lists them."
        )


class JobNotFound(NotFound):
    """No job under this id, or its record has expired."""

    code = "job-not-found"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id}. GET /jobs lists the recent ones.")


class KeyNotFound(NotFound):
    """No API key under this id that the caller may see."""

    code = "key-not-found"

    def __init__(self, key_id: str) -> None:
        super().__init__(f"There is no key {key_id}. GET /keys lists them; those of API_KEYS are the operator's.")


class Conflict(ServiceError):
    """The state is not what the request expects."""

    status, code, title = 409, "conflict", "The state has changed"


class StaleVersion(Conflict):
    """A compare-and-set of the current version found another one."""

    code = "stale-version"

    def __init__(self, pipeline_id: str | int, expected: int | None, found: int | None) -> None:
        super().__init__(f"The current version of model {pipeline_id} is {found}, not {expected}. Read it again.")


class StillTraining(Conflict):
    """The version is provisional: its training goes on, and may replace or withdraw it."""

    code = "still-training"

    def __init__(self, pipeline_id: str | int, version: int) -> None:
        super().__init__(f"The training of version {version} of model {pipeline_id} goes on. Promote it at its end.")


class VersionInUse(Conflict):
    """The version is the current one."""

    code = "version-in-use"

    def __init__(self, pipeline_id: str | int, version: int) -> None:
        super().__init__(
            f"Version {version} of model {pipeline_id} is the current one. "
            f"Promote another first (PUT /models/{pipeline_id}/current), or delete the model."
        )


class JobEnded(Conflict):
    """The job cannot be cancelled any more."""

    code = "job-ended"

    def __init__(self, job_id: str, state: str) -> None:
        super().__init__(f"Job {job_id} is {state} already; there is nothing to cancel.")


class NoNetwork(Conflict):
    """The version is no neural network."""

    code = "no-network"

    def __init__(self, pipeline_id: str | int, version: int) -> None:
        super().__init__(f"Version {version} of model {pipeline_id} is not a network. Its code is under …/code.")


class NoTree(Conflict):
    """The version has no tree that a row could be sent through here."""

    code = "no-tree"

    def __init__(self, pipeline_id: str | int, version: int, why: str) -> None:
        super().__init__(f"Version {version} of model {pipeline_id} {why}.")


class RowGone(Conflict):
    """The job that made a leaderboard is not remembered any more, and its data with it."""

    code = "row-gone"

    def __init__(self, pipeline_id: str | int, version: int, row: int) -> None:
        super().__init__(
            f"The data behind row {row} of version {version} of model {pipeline_id} is not kept any more. Train again."
        )


class Superseded(Conflict):
    """A process whose job was given to another one meanwhile wants to publish; it has to end."""

    code = "superseded"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} was begun anew by another process.")


class NoResult(Conflict):
    """A job has no file to give back."""

    code = "no-result"


class ModelExists(Conflict):
    """The caller wants a new pipeline only, and there is one of this id."""

    code = "model-exists"

    def __init__(self, pipeline_id: str | int) -> None:
        super().__init__(
            f"Model {pipeline_id} has a version already, and If-None-Match: * asks for a new model. "
            "Choose another pipeline_id, or leave the header out to train its next version."
        )


class NeedsRetraining(Conflict):
    """The artefact was made by another minor version of a library that it depends on."""

    code = "needs-retraining"
    title = "The model must be trained again"

    def __init__(self, pipeline_id: str | int, libraries: Iterable[str]) -> None:
        super().__init__(f"Model {pipeline_id} was trained with other versions of {listed(libraries)}. Train it again.")


class TooSlow(ServiceError):
    """A client has not sent its request in time."""

    status, code, title = 408, "too-slow", "The request did not arrive in time"

    def __init__(self) -> None:
        super().__init__("The request did not arrive whole, or not in time. Send it again.")


class UploadTooLarge(ServiceError):
    """Past a limit on bytes, rows, columns or cells."""

    status, code, title = 413, "upload-too-large", "The upload is too large"


class HeadTooLarge(ServiceError):
    """Past a limit on the first line of a request, or on its headers."""

    status, code, title = 431, "head-too-large", "The head of the request is too large"

    def __init__(self) -> None:
        super().__init__("The first line of the request or its headers are too long, or too many.")


class FormatUnknown(ServiceError):
    """Neither content type nor file name tells a format that the service reads."""

    status, code, title = 415, "format-unknown", "The format is not one that the service reads"


class Unacceptable(ServiceError):
    """Readable, and wrong."""

    status, code, title = 422, "unacceptable", "The request cannot be accepted"


class InvalidParameters(Unacceptable):
    """A parameter is unknown, out of bounds or does not fit the others."""

    code, title = "invalid-parameters", "The parameters cannot be accepted"


class InvalidData(Unacceptable):
    """Rows, columns, ids or labels do not fit."""

    code, title = "invalid-data", "The data cannot be accepted"


class KeyReused(Unacceptable):
    """The same Idempotency-Key came with another body."""

    code = "idempotency-key-reused"


class TooCostly(Unacceptable):
    """Work whose estimated time is more than there is; nothing of it was begun."""

    code, title = "too-costly", "The request takes longer than there is time for"

    def __init__(self, what: str, seconds: float, budget: float, instead: str) -> None:
        super().__init__(f"{what} would take about {seconds:.3g} s, and there are {budget:.3g} s. {instead}")


class BatchFailed(Unacceptable):
    """A batch prediction reached a limit."""

    code, title = "batch-failed", "The file could not be predicted"


class TrainingFailed(Unacceptable):
    """The estimator itself refused this data with these arguments."""

    code, title = "training-failed", "The model could not be trained"


class OutOfTime(TrainingFailed):
    """A training reached its limit before it had a model; the limit is the service's own where `seconds` is None."""

    code, title = "out-of-time", "The training reached its time limit"

    def __init__(self, seconds: float | None) -> None:
        limit = "time limit" if seconds is None else f"limit of {seconds:g} s"
        super().__init__(f"The training was stopped at its {limit}. Raise limits.seconds.")


class MemoryExceeded(TrainingFailed):
    """A job took more memory than it may."""

    code, title = "memory-limit", "The limit on memory was reached"

    def __init__(self, kind: str, memory_mb: int) -> None:
        super().__init__(f"The {kind} was stopped at its limit of {memory_mb} MiB. Send less data or raise the limit.")


class TooMany(ServiceError):
    """Somebody asks more often than a limit allows."""

    status, code, title = 429, "too-many-requests", "Too many requests"

    def __init__(self, detail: str, retry_after: float) -> None:
        super().__init__(detail)
        #: Whole seconds after which it may be tried again.
        self.retry_after = max(1, math.ceil(retry_after))

    @property
    def headers(self) -> dict[str, str]:
        """Tell when to come back."""
        return {"Retry-After": str(self.retry_after)}


class QuotaExceeded(TooMany):
    """A key has had as many predicted rows as it may have in a day."""

    code, title = "quota-exceeded", "The quota is used up"


class EngineMissing(ServiceError):
    """A library that the request needs is not installed here."""

    status, code, title = 501, "engine-missing", "An engine is not installed"

    def __init__(self, engine: str, package: str) -> None:
        super().__init__(f"The {engine} engine needs {package}. Install it with: pip install -r requirements.txt")


class DriverMissing(ServiceError):
    """What opens the URLs of a scheme is not installed here."""

    status, code, title = 501, "driver-missing", "A kind of storage cannot be opened"

    def __init__(self, scheme: str, package: str) -> None:
        super().__init__(f"{scheme}:// is opened with {package}. Its operator installs it with: pip install {package}")


class NoBatchFolder(ServiceError):
    """Web processes and workers share no place for the files of batch predictions."""

    status, code, title = 501, "no-batch-folder", "Files of batch predictions have no place"

    def __init__(self) -> None:
        super().__init__(
            "This service keeps no files of batch predictions: name source and destination as URLs, "
            "or let its operator set BATCH_URL."
        )


class Unavailable(ServiceError):
    """Try again later."""

    status, code, title = 503, "unavailable", "The service cannot answer now"

    #: Seconds after which the caller may try again.
    retry_after = 5

    @property
    def headers(self) -> dict[str, str]:
        """Tell when to come back."""
        return {"Retry-After": str(self.retry_after)}


class StoreUnavailable(Unavailable):
    """Redis does not answer, or refuses the write."""

    code = "store-unavailable"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(
            detail or "The model store does not answer. Try again; an Idempotency-Key makes a repeated training safe."
        )


class StoreFull(StoreUnavailable):
    """Redis refuses to write, as its memory or its disk is full; it goes on reading."""

    code = "storage-full"

    def __init__(self) -> None:
        super().__init__(
            "The model store is full and nothing was stored. Models that are there go on answering. "
            "Delete versions that are not needed, or let its operator give it more memory or disk."
        )


class ProviderUnavailable(Unavailable):
    """The issuer of OIDC_ISSUER does not answer, or not as one does."""

    code = "provider-unavailable"

    def __init__(self) -> None:
        super().__init__("Whoever knows the people that sign in here does not answer. Try again, or use a key.")


class StorageUnavailable(Unavailable):
    """A disk or an object store does not do what it is asked for."""

    code = "storage-unavailable"

    def __init__(self) -> None:
        super().__init__("A file could not be read or written: its storage is full, or does not answer. Try again.")


class ArtifactRejected(Unavailable):
    """Stored bytes that this service did not sign, or signed for another model."""

    code = "artifact-rejected"

    def __init__(self, pipeline_id: str | int, version: int) -> None:
        super().__init__(
            f"The stored artefact of model {pipeline_id} version {version} does not verify and was not loaded. "
            "Train the model again, or promote another version."
        )


class ArtifactMissing(Unavailable):
    """The version is there and the bytes that serve it are not."""

    code = "artifact-missing"

    def __init__(self, pipeline_id: str | int, version: int) -> None:
        super().__init__(
            f"The stored artefact of model {pipeline_id} version {version} is not there. "
            "Restore it, train the model again, or promote another version."
        )


class RecordTooNew(Unavailable):
    """Something stored by a later release, which this one cannot read."""

    code = "record-too-new"

    def __init__(self) -> None:
        super().__init__(
            "A newer release has stored this. Ask another instance, or let the operator finish the upgrade."
        )


class RecordDamaged(Unavailable):
    """What is stored of a version is not what was stored."""

    code = "record-damaged"

    def __init__(self) -> None:
        super().__init__(
            "What is stored of this model is damaged and was not read. Restore it, or train the model again."
        )


class Busy(Unavailable):
    """Every place for a long answer is taken."""

    code = "busy"


class Overloaded(Unavailable):
    """More requests wait than can be answered soon: who comes now is told at once."""

    code, title = "overloaded", "The service has more requests than it can answer"
    retry_after = 1

    def __init__(self) -> None:
        super().__init__("More requests wait for an answer than can be given one soon. Try again.")


class DeadlinePassed(Unavailable):
    """A request's time has passed before its answer was there."""

    code, title = "deadline-passed", "The request's time has passed"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"There was no answer within {seconds:g} s. Try again, or send fewer rows at once.")


class NotReady(Unavailable):
    """The process cannot serve requests; its faults say why."""

    code, title = "not-ready", "The service is not ready"

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("Requests cannot be served here now.", faults)


class Draining(Unavailable):
    """The process answers what comes, and is about to stop: others should be asked."""

    code = "draining"

    def __init__(self) -> None:
        detail = "The service is about to stop. Ask another instance of it."
        super().__init__(detail, [Fault("/stopping", "it answers what has begun, and ends")])


class JobRefused(ServiceError):
    """What Redis holds of a job is not what this service wrote there."""

    code, title = "job-refused", "The job is not one of this service"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id}, its data or its end was not written by this service. Send it again.")


class WorkerLost(ServiceError):
    """The process of a job died, without a word and for no limit of its own."""

    code, title = "worker-lost", "The job's process died"

    def __init__(self, kind: str, attempts: int) -> None:
        super().__init__(f"The worker of this {kind} died {attempts} time(s), and it was given up.")


class Poison(WorkerLost):
    """A job whose process died each time that it was tried: one more would go the same way."""

    code = "poison"


class TrainingEnded(ServiceError):
    """A job that ended without a model, raised to whoever waited for it: status and words are the stored failure's."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem["detail"], [Fault(**fault) for fault in problem.get("errors", [])])
        self.status, self.title = problem["status"], problem["title"]
        self.code = problem["type"].removeprefix("urn:problem:")
