"""Fuzz the readers of tables by coverage: `python -m tests.fuzz.atheris_tables CORPUS -max_total_time=300`.

Needs requirements-fuzz.in in an environment of its own, beside the service. What it finds goes into tests/fuzz/corpus.
"""

import sys

import atheris

with atheris.instrument_imports(include=["app.payloads"]):
    from tests.fuzz import targets

if __name__ == "__main__":
    atheris.Setup(sys.argv, targets.table)
    atheris.Fuzz()
