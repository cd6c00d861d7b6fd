"""A Python file that trains a version again, without this service."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from app.pipelines.reports.expressions import Unwritable
from app.pipelines.reports.sources import Import, cut_out
from app.pipelines.reports.steps import Steps
from app.store.record import Record

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

#: Names that the file itself gives.
_TAKEN = ("build", "main", "TARGET", "ID", "CLASSES", "KINDS", "FEATURES")

#: Distributions that every file needs. Of others it imports a module that is called as they are.
_NEEDED = ("python", "scikit-learn", "numpy", "pandas")

#: Where imports at the top of a function become imports at the top of the file.
_WRITTEN_OUT = "app.pipelines.reports.again"

#: What reports errors as the service does, and what stands for it.
_INSTEAD = {
    ("app.pipelines.evaluate", "fit"): (f"{_WRITTEN_OUT}.fits", "fit"),
    ("app.pipelines.autokeras.layers", "check"): (f"{_WRITTEN_OUT}.fits", "trust"),
    ("app.errors", "EngineMissing"): ("builtins", "ImportError"),
}


def code(record: Record, pipeline: Pipeline) -> str:
    """Write a file that reads the data that were uploaded, trains the pipeline on them as it was trained, and saves it.

    Its folds, seeds and order of rows are those of the training, so it makes the same model of the same data under the
    same versions of libraries. It needs what the pipeline is made of; classes of this service are written out. What a
    user has named stands in it as a literal.

    Parameters
    ----------
    record
        Of a training: its signature, parameters, and of its result classes and metric.
    pipeline
        Fitted or not; a step that chooses features is a part of it.

    Returns
    -------
    Python. Of a pipeline that holds what no expression makes (a graph, a function without a name) a file that says so.
    """
    try:
        return _file(record, pipeline)
    except Unwritable as error:
        return f'raise SystemExit("A pipeline with a {_plain(error)} cannot be written as code.")\n'


def _file(record: Record, pipeline: Pipeline) -> str:
    steps = Steps(record, pipeline)
    built = steps.built()
    cut = cut_out([*steps.used, *built.own], _INSTEAD, _TAKEN, _WRITTEN_OUT)
    imports = cut.imports | {(module, name, name or "np") for module, name in built.imports} | steps.imports
    constants = "\n\n".join(f"#: {told}\n{name} = {value}" for name, (told, value) in steps.constants.items())
    given = "columns" if steps.features else ""
    build = f'def build({given}):\n    """Return the unfitted pipeline."""\n    return {built.text}'
    ending = 'if __name__ == "__main__":\n    main()\n'
    top = f"{_lines(imports)}\n\n{constants}".rstrip()
    body = "\n\n\n".join([top, cut.text, build, steps.main(), ending])
    return f"{_heading(record, steps, body)}\n\n{body}"


def _heading(record: Record, steps: Steps, body: str) -> str:
    """Return the future import and what the file is; nothing of it is a user's but what has no meaning to Python."""
    # A heavy library is imported in the function that uses it.
    modules = set(re.findall(r"^ *(?:from|import) (\w+)", body, re.MULTILINE))
    libraries = [known for known in record.libraries if known in _NEEDED or known.replace("-", "_") in modules]
    written = ", ".join(f"{_plain(known)} {_plain(record.libraries[known])}" for known in libraries)
    lines = [
        f'"""Train the pipeline {_plain(record.pipeline_id)} again.',
        "",
        # It is called after the number of the version, which is not known while that is trained.
        f"    python THIS_FILE raw_data{' labels' if steps.labelled else ''} --save model.joblib",
        "",
        "It reads the files that were uploaded, prints the scores over the folds of the training and on the rows that",
        "it held out, and trains on all of them.",
        *([f"Written for {written}."] if written else []),
        '"""',
        "",
        "from __future__ import annotations",
    ]
    return "\n".join(lines)


def _plain(value: Any) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", str(value))


def _lines(imports: set[Import]) -> str:
    """Return the import lines, the standard library's first."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    together: dict[str, set[str]] = {}
    for module, attribute, name in imports:
        standard = module.partition(".")[0] in sys.stdlib_module_names
        if attribute:
            together.setdefault(module, set()).add(attribute if attribute == name else f"{attribute} as {name}")
        else:
            found[standard].add(f"import {module}" + ("" if name == module else f" as {name}"))
    for module, names in together.items():
        standard = module.partition(".")[0] in sys.stdlib_module_names
        found[standard].add(f"from {module} import {', '.join(sorted(names))}")
    return "\n\n".join("\n".join(sorted(lines, key=_in_order)) for lines in found.values() if lines)


def _in_order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line
