"""Every setting, read once from the environment (and a bound Cloud Foundry service) into one frozen object.

Nothing else in the project reads the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from app import bound_services, exposure
from app.addresses import Address
from app.caller import DEFAULT, NAMESPACE

#: What an API key may do; each role includes those before it.
ROLES = ("read", "predict", "train", "admin")


class SettingsError(Exception):
    """A setting is missing or wrong; the message names its variable."""


def _usual_drain(values: dict[str, Any]) -> int:
    """Return the default of `drain_seconds`: beyond loopback a router has to hear of the stop."""
    return 0 if exposure.is_loopback(values.get("host", "")) else 5


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


def role_and_namespace(given: str) -> tuple[str, str]:
    """Read `role`, which is of the default namespace, or `role:namespace`.

    Raises
    ------
    ValueError
    """
    role, colon, namespace = given.partition(":")
    if role not in ROLES or (colon and not NAMESPACE.fullmatch(namespace)):
        raise ValueError(
            f"a role is one of {', '.join(ROLES)}, and a namespace behind it 1 to 64 letters, digits, dots, "
            "underscores or hyphens"
        )
    return role, namespace or DEFAULT


def _parse_keys(text: object) -> object:
    """Read `role:sha256,role:sha256:namespace` into {sha256: role}, or {sha256: role:namespace}."""
    if not isinstance(text, str):
        return text
    keys = {}
    for entry in text.replace(",", " ").split():
        role, _, rest = entry.partition(":")
        digest, colon, namespace = rest.partition(":")
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError("expects role:sha256 or role:sha256:namespace; see python -m app.auth")
        keys[digest] = f"{role}{colon}{namespace}"
        role_and_namespace(keys[digest])
    return keys


def _parse_roles(text: object) -> object:
    """Read `group=role` and `group=role:namespace` entries into {group: role, or role:namespace}."""
    if not isinstance(text, str):
        return text
    roles = {}
    for entry in text.replace(",", " ").split():
        group, _, given = entry.rpartition("=")
        if not group:
            raise ValueError("expects group=role or group=role:namespace")
        role_and_namespace(given)
        roles[group] = given
    return roles


def _parse_words(text: object) -> object:
    return tuple(text.lower().split()) if isinstance(text, str) else text


def _parse_folder(text: object) -> object:
    return Address.folder(text) if isinstance(text, str) else text


def _parse_folders(text: object) -> object:
    """Read addresses of folders with spaces between them."""
    return tuple(map(Address.folder, text.split())) if isinstance(text, str) else text


#: Characters that no setting has; what is no UTF-8 arrives as the last of these.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

#: What a number is at most: thirty years of seconds.
_MOST = 10**9


class Settings(BaseModel):
    """Each field is the environment variable of the same name in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    host: str = "127.0.0.1"
    """Address to listen on. Any other than loopback needs `API_KEYS` and `SIGNING_SECRET`."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """TCP port to listen on."""
    data_dir: Path = Path("var")
    """Folder of the embedded Redis and of the generated signing secret, relative to the working folder."""
    redis_url: Annotated[str | None, Field(repr=False)] = None
    """redis://, rediss:// or unix:// address of a Redis elsewhere; without one `python -m app` starts its own."""
    api_keys: Annotated[dict[str, str], BeforeValidator(_parse_keys), Field(repr=False)] = {}
    """`role:sha256` or `role:sha256:namespace` entries, separated by commas; `python -m app.auth ROLE [NAMESPACE]`
    makes one. Keys themselves are not kept. A key sees the models and jobs of its own namespace alone."""
    signing_secret: Annotated[str | None, Field(repr=False)] = None
    """Signs what is stored. At least 32 characters; on loopback one is made and kept in `data_dir`. `new,old` replaces
    one: the first, which then has no comma in it, signs, and what the other has signed is taken too."""
    allow_insecure_redis: bool = False
    """Allow a Redis on another machine without a password."""
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_parse_words)] = ()
    """Names, with spaces between them, that the Host header may have beyond loopback: automl.example. Any without."""
    trusted_proxies: Annotated[int, Field(ge=0, le=8)] = 0
    """Proxies in front that each add to X-Forwarded-For and X-Forwarded-Proto. Without one these headers are not read,
    as anybody can send them."""
    oidc_issuer: str | None = None
    """https:// address of an OpenID Connect provider, whose people sign in to the web pages without a key. Needs
    requirements-oidc.txt, `API_KEYS`, and the three settings below. Its address for this service ends with
    /ui/sign-in/oidc/back."""
    oidc_client_id: str | None = None
    """Name of this service at the provider."""
    oidc_client_secret: str | None = Field(None, repr=False)
    """Secret of this service at the provider."""
    oidc_roles: Annotated[dict[str, str], BeforeValidator(_parse_roles)] = {}
    """`group=role` or `group=role:namespace` entries with spaces between them; the first that fits a person counts, and
    whoever none fits is refused."""
    oidc_claim: str = "groups"
    """Claim of the identity token that names a person's groups."""
    failed_keys_per_minute: Annotated[int, Field(ge=1)] = 10
    """Keys that are not known which one address may send in a minute; further ones are answered with 429, unlooked at
    for this purpose only: a key that is known passes."""
    key_requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Requests a minute of each key that has no limit of its own; no limit without. Counted by each web process for its
    share, so about right."""
    key_rows_per_day: Annotated[int, Field(ge=1)] | None = None
    """Rows a day (UTC) that may be predicted or explained with each key that has no limit of its own; no limit without.
    """
    flask_debug: bool = False
    """Refused beyond loopback; nothing here runs Flask's debugger, and it is switched off there too."""
    legacy_json_strings: bool = False
    """Wrap the answers of the three routes of 2017 in a second layer of JSON, as then."""

    dask_scheduler_address: str | None = None
    """tcp:// or tls:// address of a Dask scheduler: TPOT's candidates and what tsfresh itself computes run there."""

    web_concurrency: Annotated[int, Field(ge=1, le=64)] = 2
    """Web processes."""
    web_threads: Annotated[int, Field(ge=2, le=256)] = 8
    """Threads of each web process; half of them may wait for trainings."""
    train_workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Training workers that `python -m app` starts; each runs one job at a time."""

    request_seconds: Annotated[int, Field(ge=1)] = 60
    """Seconds after which a prediction that somebody waits for goes no further and answers 503, and an explanation
    begins no further row; also within which a client has to take an answer. A request has 15 s to arrive, or these
    where they are fewer, and more only as long as it comes fast."""
    drain_seconds: Annotated[int, Field(ge=0, le=600)] = Field(default_factory=_usual_drain)
    """Seconds between SIGTERM and the end of a web process in which /health/ready answers 503 and all else is answered
    as before, so that a router turns to others. 5, on loopback 0; then requests that began have 30 more."""

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    """From which on lines of the log are written. At INFO there is one a request and one a job."""
    prometheus_multiproc_dir: Path | None = None
    """Folder, which is there and empty, in which the processes of this machine keep the numbers of /metrics. `python -m
    app` makes one, and so does a web process where it is not set; a worker apart from it needs the same."""
    otel_exporter_otlp_endpoint: str | None = None
    """http:// or https:// address of a collector of OpenTelemetry, to which traces are sent (OTLP over HTTP). Needs
    requirements-tracing.txt, whose libraries read further variables of their own: `OTEL_TRACES_SAMPLER`, ..."""

    max_upload_mb: Annotated[int, Field(ge=1, le=4096)] = 64
    """Mebibytes of one request's body."""
    max_predict_mb: Annotated[int, Field(ge=1, le=4096)] = 8
    """Mebibytes of the body of a prediction or an explanation, `max_upload_mb` at most. What is larger is a batch
    prediction."""
    max_cells: Annotated[int, Field(ge=1)] = 20_000_000
    """Rows times columns of one table."""
    max_columns: Annotated[int, Field(ge=1)] = 5_000
    """Columns of one table."""
    max_rows: Annotated[int, Field(ge=1)] = 10_000_000
    """Rows of one table."""
    max_cell_kb: Annotated[int, Field(ge=1)] = 8_192
    """Units of 1024 characters of one text in a table, or of its bytes where it is an image."""
    train_seconds: Annotated[int, Field(ge=1)] = 3600
    """Seconds a training may take when its parameters set no limit."""
    max_train_seconds: Annotated[int, Field(ge=1)] = 4 * 3600
    """The most seconds that parameters may ask for."""
    train_memory_mb: Annotated[int, Field(ge=256)] = 4096
    """Mebibytes of resident memory a training may take beyond its worker's 0.4 GB; parameters may ask for less."""
    explain_seconds: Annotated[int, Field(ge=1)] = 60
    """Seconds after which an explanation that somebody waits for begins no further row; a job's goes on."""
    max_queued_jobs: Annotated[int, Field(ge=1)] = 100
    """Trainings that may wait; one more is refused with 503."""
    max_queued_jobs_per_key: Annotated[int, Field(ge=1)] = 20
    """Trainings, explanations and batches of one key that may wait; one more is refused with 429."""
    stale_seconds: Annotated[int, Field(ge=0)] = 600
    """Seconds for which models that are loaded are served on while Redis does not answer, with a `Warning: 110`. What
    was promoted or deleted meanwhile is not known."""
    job_days: Annotated[int, Field(ge=1)] = 7
    """Days that an ended job's record is kept."""
    model_cache_mb: Annotated[int, Field(ge=1)] = 256
    """Mebibytes of artefacts whose loaded pipelines each web process keeps."""

    batch_url: Annotated[Address | None, BeforeValidator(_parse_folder)] = None
    """Folder of uploads and results of batch predictions, that web processes and workers share, until their job is
    forgotten: a path, or a file://, s3://, gs:// or abfs:// address. `python -m app` takes batch/ in `data_dir`; apart
    from it, and without one, only URLs are read and written."""
    batch_allowed_urls: Annotated[tuple[Address, ...], BeforeValidator(_parse_folders)] = ()
    """Folders that callers of batch predictions may name files in, to read them and to write new ones, with spaces
    between them: s3://bucket/folder/ file:///srv/data/. Callers of a namespace may in its folder ~NAMESPACE/ of these
    alone, and nobody else there. None without."""
    batch_upload_mb: Annotated[int, Field(ge=1)] = 4096
    """Mebibytes of one upload for a batch prediction; it is kept on disk, never in memory."""
    batch_source_mb: Annotated[int, Field(ge=1)] = 65_536
    """Mebibytes of a file at a URL that a batch prediction reads, piece by piece."""

    @field_validator("dask_scheduler_address")
    @classmethod
    def _a_scheme_of_dask(cls, address: str | None) -> str | None:
        if address is not None and not address.startswith(("tcp://", "tls://")):
            raise ValueError("must begin with tcp:// or tls://")
        return address

    @field_validator("*")
    @classmethod
    def _a_number_that_all_can_hold(cls, value: Any) -> Any:
        # Clocks, timers and Redis count seconds in 32 or 64 bits, some of them in nanoseconds.
        if isinstance(value, int) and value > _MOST:
            raise ValueError(f"must be at most {_MOST}")
        return value

    @field_validator("host")
    @classmethod
    def _an_address(cls, host: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9.:_%-]+", host):
            raise ValueError("must be an address or the name of a machine")
        return host

    @field_validator("prometheus_multiproc_dir")
    @classmethod
    def _a_folder_that_is_there(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError("must be a folder that is there")
        return folder

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _a_scheme_of_http(cls, address: str | None) -> str | None:
        if address is not None and not address.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return address

    @field_validator("redis_url")
    @classmethod
    def _a_scheme_of_redis(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(exposure.REDIS_SCHEMES):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url

    @model_validator(mode="after")
    def _safe_beyond_loopback(self) -> Settings:
        if self.signing_secret is not None:
            exposure.check_length(self.signing_secret)
        if self.redis_url is not None and not self.allow_insecure_redis:
            exposure.check_redis(self.redis_url)
        if not self.on_loopback:
            self._check_exposed()
        if self.oidc_issuer is not None:
            self._check_issuer(self.oidc_issuer)
        if self.batch_url is not None and any(self.batch_url.within(one) for one in self.batch_allowed_urls):
            raise ValueError("BATCH_URL: must not lie in a folder of BATCH_ALLOWED_URLS, where callers may read it")
        return self

    def _check_exposed(self) -> None:
        if not self.api_keys:
            raise ValueError(f"API_KEYS: listening on {self.host} needs at least one key; see python -m app.auth")
        if self.signing_secret is None:
            raise ValueError(
                f"SIGNING_SECRET: listening on {self.host} needs a secret of {exposure.MIN_SECRET} characters"
            )
        if self.flask_debug:
            raise ValueError(f"FLASK_DEBUG: must be off when listening on {self.host}")
        exposure.check_keys(self.api_keys)
        for secret in exposure.secrets_of(self.signing_secret):
            exposure.check_secret(secret)

    def _check_issuer(self, issuer: str) -> None:
        parts = urlsplit(issuer)
        local = parts.scheme == "http" and exposure.is_loopback(parts.hostname or "")
        if not (parts.scheme == "https" or local) or not parts.hostname or parts.query:
            raise ValueError("OIDC_ISSUER: must be an https:// address, just as the provider writes it")
        if not self.api_keys:
            raise ValueError("API_KEYS: without one nobody has to sign in, so that OIDC_ISSUER would say nothing")
        for name in ("oidc_client_id", "oidc_client_secret", "oidc_roles"):
            if not getattr(self, name):
                raise ValueError(f"{name.upper()}: is needed where OIDC_ISSUER is set")

    @property
    def address(self) -> str:
        """What to listen on, as gunicorn and URLs write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def predict_bytes(self) -> int:
        """Bytes of the body of a prediction or an explanation."""
        return min(self.max_predict_mb, self.max_upload_mb) * 2**20

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return exposure.is_loopback(self.host)

    def batch_folders(self, namespace: str) -> tuple[Address, ...]:
        """Return the folders that callers of a namespace may name files in: its own one in each that is allowed."""
        if namespace == DEFAULT:
            return self.batch_allowed_urls
        return tuple(folder.beside(f"~{namespace}/") for folder in self.batch_allowed_urls)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises
        ------
        SettingsError
            Naming the variable that is wrong, never its value.
        """
        values: dict[str, Any] = {name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper())}
        try:
            for name, value in values.items():
                _check_text(name, value)
            if "redis_url" not in values:
                values["redis_url"] = bound_services.redis_url(environ)
            return cls(**values)
        except ValidationError as error:
            # A default that is made of other settings is not wrong because they are.
            wrong = [one for one in error.errors() if one["type"] != "default_factory_not_called"]
            raise SettingsError("; ".join(map(_in_words, wrong))) from None
        except ValueError as error:
            raise SettingsError(str(error)) from None


def _check_text(name: str, value: str) -> None:
    """Refuse a value with what no setting has: bytes that are no UTF-8, and control characters but for blanks.

    Raises
    ------
    ValueError
    """
    if _CONTROL.search(value):
        raise ValueError(f"{name.upper()}: has bytes that are no text, or control characters")


def misspelt(environ: Mapping[str, str] = os.environ) -> list[tuple[str, str]]:
    """Return variables that are no settings, each with the setting that its name is near to."""
    known = [name.upper() for name in Settings.model_fields]
    near = {name: get_close_matches(name, known, n=1, cutoff=0.85) for name in environ if name not in known}
    return [(name, found[0]) for name, found in sorted(near.items()) if found]


def in_memory() -> str | None:
    """Return a folder that is no disk, where there is one, else None, which `tempfile` takes for its own.

    The files of /metrics are mapped into memory: on a disk that is full a process that writes to one dies (SIGBUS).
    """
    place = "/dev/shm"  # noqa: S108  what is made there is made by tempfile
    return place if os.access(place, os.W_OK) else None


def child_environment(**changes: str) -> dict[str, str]:
    """Return the environment for a process of the same service, with some variables changed."""
    return {**os.environ, **changes}


def _in_words(error: Any) -> str:
    variable = "".join(str(part).upper() for part in error["loc"][:1])
    reason = error["msg"].removeprefix("Value error, ")
    return f"{variable}: {reason}" if variable else reason
