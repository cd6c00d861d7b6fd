"""Parameter files: the YAML that people mean, and nothing that surprises or executes.

Plain scalars follow the core schema of YAML 1.2: `no` and `012` stay text, `1e3` is a number. Tags, anchors and
aliases (with which 324 bytes can unfold to gigabytes), duplicate keys and deep nesting are refused.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from app.errors import Unreadable, UploadTooLarge

#: Bytes of one parameter file. The loader is pure Python, which at this size takes under half a second.
MAX_BYTES = 64 * 1024

#: Levels of nesting.
MAX_DEPTH = 20


class _Loader(yaml.SafeLoader):
    """A safe loader that also refuses what JSON could not say."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  as its base class declares it
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave this one out
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not read", problem_mark=event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(problem="tags are not read", problem_mark=event.start_mark)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH}", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, list | dict):
                raise yaml.MarkedYAMLError(problem="a key must be a scalar", problem_mark=key_node.start_mark)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} occurs twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    # Seventeen digits are exact in every consumer; a longer run is an id and stays text.
    ("int", r"[-+]?(0|[1-9][0-9]{0,16})", list("-+0123456789")),
    # A float has a point or an exponent, so that 012 stays text; three digits of exponent could overflow.
    ("float", r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]{1,2})?", list("-+.0123456789")),
    ("float", r"[-+]?[0-9]+[eE][-+]?[0-9]{1,2}", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def loads(data: bytes, part: str) -> dict[str, Any]:
    """Parse one parameter file into a mapping of JSON types.

    Raises
    ------
    UploadTooLarge
        Over `MAX_BYTES`.
    Unreadable
        Not YAML, not a mapping, or anything that the module's docstring refuses.
    """
    if len(data) > MAX_BYTES:
        raise UploadTooLarge(f"{part} is larger than {MAX_BYTES // 1024} KiB.")
    try:
        # Constructed by hand: yaml.load() would do the same, and a reader of the code should not have to check it.
        loader = _Loader(data.decode("utf-8-sig"))
        value = loader.get_single_data()
        # An escape can write half of a character, which no UTF-8 answer could carry.
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeError:
        raise Unreadable(f"{part} is not UTF-8 text.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise Unreadable(f"{part} is not YAML that this service reads: {error.problem}{where}.") from None
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError):
        raise Unreadable(f"{part} is not YAML that this service reads.") from None
    if not isinstance(value, dict):
        raise Unreadable(f"{part} is not a YAML mapping of names to values.")
    return value
