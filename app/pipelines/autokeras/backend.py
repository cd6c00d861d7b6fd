"""Where Keras is imported, so that it is always the one on torch."""

from __future__ import annotations

import os
import sys
import warnings
from importlib.util import find_spec
from typing import Any

from app.errors import EngineMissing

#: What the engine needs; keras-tuner, which comes with AutoKeras, imports six without asking for it.
_PACKAGES = ("autokeras", "keras", "torch", "six")


def check() -> None:
    """Raise EngineMissing unless all is installed.

    Nothing is imported: a parent that has looked for a GPU leaves its forked children without one.
    """
    if missing := [name for name in _PACKAGES if find_spec(name) is None]:
        raise EngineMissing("AutoKeras", " and ".join(missing))


def keras() -> Any:
    """Return Keras on torch, on one core of the CPU; `use_cores` gives it more.

    Raises
    ------
    EngineMissing
    """
    first = "keras" not in sys.modules
    if first:
        # Keras reads this once, at its import.
        os.environ["KERAS_BACKEND"] = "torch"
    try:
        with quiet():
            import keras
    except ImportError:
        raise EngineMissing("AutoKeras", "keras and torch") from None
    if first:
        use_cores(1)
    return keras


def use_cores(count: int) -> None:
    """Let torch use so many cores.

    Its threads wait for each other at each step of a network, of which a small one has thousands: where something else
    runs on one of the cores, two took ten times as long as one. The result depends on the count, in the last digits.
    """
    import torch

    torch.set_num_threads(count)


def autokeras() -> Any:
    """Return AutoKeras, for which Keras is on torch.

    Raises
    ------
    EngineMissing
    """
    keras()
    try:
        with quiet():
            import autokeras
    except ImportError:
        raise EngineMissing("AutoKeras", "autokeras and six") from None
    return autokeras


def usual_images() -> str | None:
    """Return the architecture for images when none is named: without a GPU the small one, else any (None).

    One epoch of a ResNet on a thousand images takes minutes on a CPU.
    """
    keras()
    import torch

    return None if torch.cuda.is_available() else "vanilla"


def quiet() -> warnings.catch_warnings[None]:
    """Keep what Keras and AutoKeras warn of, deprecations of their own code above all, from the service's log."""
    return warnings.catch_warnings(action="ignore")
