"""The parameter file beside the form: made from it, until somebody writes in it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from app.pages.training.fields import Form, parameters

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

#: Text that is text without quotes, whatever version of YAML reads it, unless it is one of YAML's own words.
_PLAIN = re.compile(r"[A-Za-z_][\w.()-]*(?: [\w.()-]+)*", re.ASCII)

#: YAML's own words, in small letters, among them what only its first version has.
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


class _Dumper(yaml.SafeDumper):
    """Writes text in quotes unless nothing else could be read from it."""


def _text(dumper: _Dumper, value: str) -> Any:
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if plain else '"')


_Dumper.add_representer(str, _text)


def written(values: dict[str, Any]) -> str:
    """Write parameters as YAML, which `strict_yaml` reads as the same."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


@dataclass(frozen=True)
class Sheet:
    """The text, and whether it was written by hand: then the form no longer changes it."""

    text: str
    by_hand: bool

    @property
    def mark(self) -> str:
        """What tells the text that the form made from one that was changed since."""
        return "" if self.by_hand else _digest(self.text)


def of(sent: MultiDict[str, str], form: Form, again: bool = False) -> Sheet:
    """Return the sheet of a form: as it stands if somebody has written in it, else made again.

    Parameters
    ----------
    again
        Make it in any case.
    """
    text = sent.get("yaml", "").replace("\r\n", "\n")
    if text.strip() and not again and _digest(text) != sent.get("made", ""):
        return Sheet(text, True)
    return Sheet(written(parameters(form)), False)


def _digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode("utf-8", "replace")).hexdigest()[:16]
