"""What a service that others can reach must not be started with: a secret that is known, debugging, an open Redis."""

from __future__ import annotations

import hashlib
import ipaddress
import resource
from collections.abc import Iterable
from functools import cache
from typing import Any

#: How the address of a Redis begins.
REDIS_SCHEMES = ("redis://", "rediss://", "unix://")

#: Characters of a signing secret; fewer can be guessed.
MIN_SECRET = 32

#: Different characters of one; a word that is repeated has fewer.
_MIN_DIFFERENT = 12

#: Words of the secrets that stand in examples.
_EXAMPLES = (
    "changeme", "change-me", "change_me", "secret-key", "secretkey", "password", "default", "example", "placeholder",
    "insecure", "your-secret", "replace",
)  # fmt: skip

#: Keys that stand in examples, or that nobody has chosen.
_KEYS = ("", "admin", "api-key", "apikey", "changeme", "default", "key", "password", "secret", "test", "token")


@cache
def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def forbid_dumps() -> None:
    """Let the kernel write to no file the memory, secrets among it, of this process and those that it starts.

    Where it hands memory to a program instead (`kernel.core_pattern`), what becomes of it is that program's.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def secrets_of(text: str) -> tuple[str, ...]:
    """Return the secret that signs, and then all that verify, of one or of `new,old`.

    A phrase of one's own may have a comma in it, also as the old one of two: so whatever stands between two commas, or
    an end, and is long enough for a secret, verifies.
    """
    parts = text.split(",")
    ends = range(1, len(parts) + 1)
    spans = [",".join(parts[begin:end]).strip() for begin in range(len(parts)) for end in ends if begin < end]
    found = [one for one in spans if len(one) >= MIN_SECRET]
    several = len(parts[0].strip()) >= MIN_SECRET and len(",".join(parts[1:]).strip()) >= MIN_SECRET
    return (*(() if several else (text,)), *found, text)


def check_length(secret: str) -> None:
    """Refuse a secret that can be guessed, wherever the service listens.

    Raises
    ------
    ValueError
    """
    if len(secret) < MIN_SECRET:
        raise ValueError(f"SIGNING_SECRET: has fewer than {MIN_SECRET} characters")


def check_secret(secret: str) -> None:
    """Refuse a secret that many know, or that is long by repetition alone.

    Raises
    ------
    ValueError
    """
    how = "make one of your own: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
    if any(word in secret.lower() for word in _EXAMPLES):
        raise ValueError(f"SIGNING_SECRET: holds a word of examples; {how}")
    if len(set(secret)) < _MIN_DIFFERENT or secret in (secret + secret)[1:-1]:
        raise ValueError(f"SIGNING_SECRET: repeats itself; {how}")


def check_keys(digests: Iterable[str]) -> None:
    """Refuse keys that many know.

    Raises
    ------
    ValueError
    """
    known = {hashlib.sha256(key.encode()).hexdigest() for key in _KEYS}
    if not known.isdisjoint(digests):
        raise ValueError("API_KEYS: holds a key of examples; make one with python -m app.auth")


def redis_elsewhere(url: str) -> dict[str, Any] | None:
    """Return the parts of the address of a Redis; None for one of this machine.

    Raises
    ------
    ValueError
    """
    from redis.connection import parse_url

    try:
        # As the client reads it, so that what is checked is what is used.
        parts: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    except ValueError:
        raise ValueError("REDIS_URL: cannot be read") from None
    return None if "path" in parts or is_loopback(parts.get("host", "localhost")) else parts


def check_redis(url: str) -> None:
    """Refuse a Redis of another machine that lets in whoever reaches it: it holds every model, upload and job.

    Raises
    ------
    ValueError
    """
    elsewhere = redis_elsewhere(url)
    if elsewhere is None or elsewhere.get("password"):
        return
    raise ValueError(
        "REDIS_URL: a Redis on another machine needs a password, redis://:PASSWORD@HOST, or whoever reaches it holds "
        "the models; ALLOW_INSECURE_REDIS=true where a network of its own keeps others out"
    )
