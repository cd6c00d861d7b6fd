"""The same training as a command of curl."""

from __future__ import annotations

import re
import shlex

from app.pages.training.fields import Seen

#: Names of files that curl takes as they are.
_PLAIN = re.compile(r"[\w.+-]+")


def curl(root: str, seen: Seen, pipeline_id: object, keys_needed: bool) -> str:
    """Return the command, for the files by their names and the parameters as they are downloaded.

    Parameters
    ----------
    root
        Address of the service.
    """
    parts = [f"-F {_file('raw_data', seen.file or 'data.csv')}"]
    if seen.labels_file:
        parts.append(f"-F {_file('labels', seen.labels_file)}")
    parts.append(f"-F {_file('params', f'{pipeline_id}.yml')}")
    if keys_needed:
        parts.append('-H "Authorization: Bearer $API_KEY"')
    parts.append("-H 'Prefer: respond-async'")
    return " \\\n     ".join(["curl " + parts[0], *parts[1:], f"{root.rstrip('/')}/train_pipeline"])


def _file(part: str, name: str) -> str:
    if not _PLAIN.fullmatch(name):
        # curl reads commas and semicolons in a name as the end of it, unless it stands in quotes.
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return shlex.quote(f"{part}=@{name}")
