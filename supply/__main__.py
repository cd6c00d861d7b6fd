"""`python -m supply`: pins, what is known against them, licences. The exit status is 1 where something is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from supply import advisories, licences, pins

#: {check: what finds its faults}.
CHECKS = {"pins": pins.faults, "advisories": advisories.faults, "licences": licences.faults}


def main(root: Path) -> int:
    """Print what is wrong, a line each, or that nothing is."""
    found = [f"{name}: {fault}" for name, faults in CHECKS.items() for fault in faults(root)]
    sys.stderr.writelines(f"{line}\n" for line in [*found, *filter(None, [advisories.age()])])
    if not found:
        sys.stdout.write(f"supply: {', '.join(CHECKS)} are in order\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[1]))
