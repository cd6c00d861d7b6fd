"""A search over whole pipelines by genetic programming, with TPOT."""

from app.pipelines.tpot.engine import TpotEngine as TpotEngine
