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
from typing import TYPE_CHECKING

from app import caller
from app.auth import digest
from app.errors import ServiceError
from app.settings import ROLES, Settings, SettingsError

if TYPE_CHECKING:
    from app.store.api_keys import ApiKey, ApiKeys


def run(words: list[str]) -> int:
    """Do what the words ask for, and return the exit status."""
    if words and words[0] in ROLES:
        return _entry(*words)
    asked = _parser().parse_args(words)
    try:
        sys.stdout.write(_done(asked, _stored(Settings.from_environment())))
    except (SettingsError, ServiceError) as error:
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


def _done(asked: argparse.Namespace, stored: ApiKeys) -> str:
    by = caller.LOCAL
    if asked.what == "make":
        key, text = stored.make(by, asked.name, asked.role, asked.namespace, asked.days)
        return _shown(key, text)
    if asked.what == "rotate":
        return _shown(*stored.rotate(by, asked.id, asked.grace))
    if asked.what == "revoke":
        stored.revoke(by, asked.id)
        return f"revoked: {asked.id}\n"
    return "".join(f"{_line(key)}\n" for key in stored.seen_by(by))


def _shown(key: ApiKey, text: str) -> str:
    return f"key, shown once: {text}\n{_line(key)}\n"


def _line(key: ApiKey) -> str:
    until = "for good" if key.expires is None else time.strftime("until %Y-%m-%d %H:%M UTC", time.gmtime(key.expires))
    return f"{key.key_id}  {key.role:7}  {key.namespace}  {until}  {key.name}"


def _stored(settings: Settings) -> ApiKeys:
    # Only here, so that an entry for API_KEYS is made without Redis.
    from app.store.api_keys import ApiKeys
    from app.store.connection import connect
    from app.store.embedded import EmbeddedRedis
    from app.store.secret import signing_secret

    return ApiKeys(connect(settings.redis_url or EmbeddedRedis(settings.data_dir).url), signing_secret(settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m app.auth",
        usage=f"python -m app.auth {{{'|'.join(ROLES)}}} [NAMESPACE] | make | list | rotate | revoke",
    )
    commands = parser.add_subparsers(dest="what", required=True)
    make = commands.add_parser("make", help="make a key that is good at once")
    make.add_argument("role", choices=ROLES)
    make.add_argument("--name", default="", type=_name, help="what it is for")
    make.add_argument("--namespace", default=caller.DEFAULT, type=_namespace)
    make.add_argument("--days", type=_days, help="days after which it opens nothing any more")
    commands.add_parser("list", help="list the keys that were made")
    rotate = commands.add_parser("rotate", help="replace the text of a key")
    rotate.add_argument("--grace", default=0, type=int, help="seconds for which the former text stays good")
    revoke = commands.add_parser("revoke", help="end a key at once")
    for command in (rotate, revoke):
        command.add_argument("id")
    return parser


def _name(text: str) -> str:
    if not text.isprintable() or len(text) > 100:
        raise argparse.ArgumentTypeError("must be at most 100 printable characters")
    return text


def _namespace(text: str) -> str:
    if not caller.NAMESPACE.fullmatch(text):
        raise argparse.ArgumentTypeError("must be 1 to 64 letters, digits, dots, underscores or hyphens")
    return text


def _days(text: str) -> float:
    days = float(text)
    if not 0 < days <= 3650:
        raise argparse.ArgumentTypeError("must be more than 0 and at most 3650")
    return days
