"""`python -m app.auth`: make, list, replace and revoke keys.

    python -m app.auth ROLE [NAMESPACE]        an entry for API_KEYS, to begin with
    python -m app.auth make ROLE [--name …] [--namespace …] [--days …]
    python -m app.auth list
    python -m app.auth rotate ID [--grace SECONDS]
    python -m app.auth revoke ID

All but the first talk to the Redis of the service, and need its `REDIS_URL` and `SIGNING_SECRET`, or its `DATA_DIR`.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from typing import TYPE_CHECKING, Any

from app import caller
from app.auth import digest
from app.errors import InvalidParameters, ServiceError
from app.payloads.api_keys import KeyParameters, RotateParameters
from app.payloads.parameters import Strict, check
from app.settings import ROLES, Settings, SettingsError

if TYPE_CHECKING:
    from app.store.api_keys import ApiKey, ApiKeys

#: What commands take beside an id: what the API takes.
_PARAMETERS: dict[str, type[Strict]] = {"make": KeyParameters, "rotate": RotateParameters}


def run(words: list[str]) -> int:
    """Do what the words ask for, and return the exit status."""
    if words and words[0] in ROLES:
        return _entry(*words)
    asked = vars(_parser().parse_args(words))
    what, key_id = asked.pop("what"), asked.pop("id", "")
    # Only here, so that an entry for API_KEYS is made without Redis.
    from app.store.api_keys import ApiKeys
    from app.store.embedded import EmbeddedError
    from app.store.opening import redis_of

    # Names and ids may have letters that a terminal does not know.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        values = check(_PARAMETERS[what], asked).model_dump() if what in _PARAMETERS else {}
        with redis_of(Settings.from_environment()) as place:
            sys.stdout.write(_done(ApiKeys(*place), what, key_id, values))
    except InvalidParameters as error:
        for fault in error.faults:
            sys.stderr.write(f"{fault.pointer.rpartition('/')[2]}: {fault.detail}\n")
        return 2
    except (SettingsError, EmbeddedError, ServiceError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _entry(role: str, namespace: str = "", *more: str) -> int:
    if more or (namespace and not caller.NAMESPACE.fullmatch(namespace)):
        sys.stderr.write(f"usage: python -m app.auth {{{'|'.join(ROLES)}}} [NAMESPACE]\n")
        return 2
    key = secrets.token_urlsafe(32)
    entry = ":".join(filter(None, (role, digest(key), namespace)))
    sys.stdout.write(f"key, shown once:    {key}\nentry for API_KEYS: {entry}\n")
    return 0


def _done(stored: ApiKeys, what: str, key_id: str, values: dict[str, Any]) -> str:
    by = caller.LOCAL
    if what == "make":
        return _shown(*stored.make(by, **values))
    if what == "rotate":
        return _shown(*stored.rotate(by, key_id, **values))
    if what == "revoke":
        stored.revoke(by, key_id)
        return f"revoked: {key_id}\n"
    return "".join(f"{_line(key)}\n" for key in stored.seen_by(by))


def _shown(key: ApiKey, text: str) -> str:
    return f"key, shown once: {text}\n{_line(key)}\n"


def _line(key: ApiKey) -> str:
    until = "for good" if key.expires is None else time.strftime("until %Y-%m-%d %H:%M UTC", time.gmtime(key.expires))
    return f"{key.key_id}  {key.role:7}  {key.namespace}  {until}  {key.name}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m app.auth",
        usage=f"python -m app.auth {{{'|'.join(ROLES)}}} [NAMESPACE] | make | list | rotate | revoke",
    )
    commands = parser.add_subparsers(dest="what", required=True)
    # What is left out is not there: the parameters have defaults of their own.
    make = commands.add_parser("make", help="make a key that is good at once", argument_default=argparse.SUPPRESS)
    make.add_argument("role", choices=ROLES)
    make.add_argument("--name", help="what it is for")
    make.add_argument("--namespace", help=f"whose models it sees; {caller.DEFAULT} when left out")
    make.add_argument("--days", type=int, help="days after which it opens nothing any more")
    commands.add_parser("list", help="list the keys that were made")
    rotate = commands.add_parser("rotate", help="replace the text of a key", argument_default=argparse.SUPPRESS)
    rotate.add_argument(
        "--grace", dest="grace_seconds", metavar="SECONDS", type=int, help="for which the former text stays good"
    )
    revoke = commands.add_parser("revoke", help="end a key at once")
    for command in (rotate, revoke):
        command.add_argument("id")
    return parser
