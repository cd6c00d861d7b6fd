"""What describes a trained version: curves, importances, structure, a file that trains it again, and a page of it."""

from app.pipelines.reports.code import code as code
from app.pipelines.reports.grown import ROWS as ROWS
from app.pipelines.reports.grown import path as path
from app.pipelines.reports.grown import tree as tree
from app.pipelines.reports.held_out import describe as describe
from app.pipelines.reports.kept_series import examples as examples
from app.pipelines.reports.learning import learning_curves as learning_curves
from app.pipelines.reports.page import page as page
from app.pipelines.reports.rows_curve import rows_curve as rows_curve
