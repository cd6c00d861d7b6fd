"""tsfresh's calculators as operations on arrays of series."""

from app.pipelines.tsfresh.calculators.names import parameters_of as parameters_of
from app.pipelines.tsfresh.calculators.plan import Plan as Plan
