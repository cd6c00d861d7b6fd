"""Which of tsfresh's calculators are array operations.

To add one: write it into the file of its family, as a function of a batch, and of a list of arguments where it takes
any, that returns a column for the calculator or one for each of these; add its row here, and its rows to the table in
tests/pipelines/test_tsfresh_calculators.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.pipelines.tsfresh.calculators import (
    autoregression,
    changes,
    counts,
    dickey_fuller,
    entropies,
    langevin,
    minimal,
    peaks,
    queries,
    spectra,
    statistics,
    trends,
)
from app.pipelines.tsfresh.calculators.arguments import (
    Check,
    at_most,
    flag,
    least,
    nothing,
    number,
    one_of,
    positive,
    share,
    whole,
    widths,
)


@dataclass(frozen=True)
class Calculator:
    """One row of the table.

    Attributes
    ----------
    compute
        The array operation.
    arguments
        {argument: what tells whether a value of it is known}; none where the calculator takes none.
    optional
        Those of the arguments that may be left out.
    fits
        What tells whether arguments fit each other.
    prepare
        What makes of the arguments, once for all batches, what the operation takes instead of them.
    shortest
        Samples below which series are left to tsfresh, which refuses them or warns.
    ragged
        Whether it computes series of different lengths at once.
    """

    compute: Callable[..., Any]
    arguments: dict[str, Check] | None = None
    optional: tuple[str, ...] = ()
    fits: Callable[[dict[str, Any]], bool] | None = None
    prepare: Callable[[list[dict[str, Any]]], Any] | None = None
    shortest: int = 1
    ragged: bool = False

    def takes(self, params: list[dict[str, Any]] | None) -> bool:
        """Tell whether the operation knows all arguments; any others are left to tsfresh."""
        if not params or self.arguments is None:
            return not params and self.arguments is None
        return all(self._takes(entry, self.arguments) for entry in params)

    def _takes(self, entry: dict[str, Any], arguments: dict[str, Check]) -> bool:
        if not set(arguments) - set(self.optional) <= set(entry) <= set(arguments):
            return False
        known = all(arguments[name](value) for name, value in entry.items())
        return known and (self.fits is None or self.fits(entry))

    def named(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments that are in the name of a feature: tsfresh passes over those that it does not know."""
        return {name: value for name, value in entry.items() if name in (self.arguments or {})}


_LINE = one_of(*trends.ATTRIBUTES)

#: Edges are kept for the next batch.
_BINS = at_most(10_000)

CALCULATORS: dict[str, Calculator] = {
    # The minimal set.
    "sum_values": Calculator(minimal.sum_values, ragged=True),
    "median": Calculator(minimal.median, ragged=True),
    "mean": Calculator(minimal.mean, ragged=True),
    "length": Calculator(minimal.length, ragged=True),
    "standard_deviation": Calculator(minimal.standard_deviation, ragged=True),
    "variance": Calculator(minimal.variance, ragged=True),
    "root_mean_square": Calculator(minimal.root_mean_square, ragged=True),
    "maximum": Calculator(minimal.maximum, ragged=True),
    "absolute_maximum": Calculator(minimal.absolute_maximum, ragged=True),
    "minimum": Calculator(minimal.minimum, ragged=True),
    # Sizes, places and shapes.
    "abs_energy": Calculator(statistics.abs_energy),
    "variance_larger_than_standard_deviation": Calculator(statistics.variance_larger_than_standard_deviation),
    "variation_coefficient": Calculator(statistics.variation_coefficient),
    "large_standard_deviation": Calculator(statistics.large_standard_deviation, {"r": number}),
    "symmetry_looking": Calculator(statistics.symmetry_looking, {"r": number}),
    "first_location_of_maximum": Calculator(statistics.first_location_of_maximum),
    "first_location_of_minimum": Calculator(statistics.first_location_of_minimum),
    "last_location_of_maximum": Calculator(statistics.last_location_of_maximum),
    "last_location_of_minimum": Calculator(statistics.last_location_of_minimum),
    "mean_n_absolute_max": Calculator(statistics.mean_n_absolute_max, {"number_of_maxima": positive}),
    "quantile": Calculator(statistics.quantile, {"q": share}),
    "index_mass_quantile": Calculator(statistics.index_mass_quantile, {"q": share}),
    "energy_ratio_by_chunks": Calculator(
        statistics.energy_ratio_by_chunks,
        {"num_segments": positive, "segment_focus": whole},
        fits=statistics.within_segments,
    ),
    "skewness": Calculator(statistics.skewness),
    "kurtosis": Calculator(statistics.kurtosis),
    # How many, how often.
    "count_above_mean": Calculator(counts.count_above_mean),
    "count_below_mean": Calculator(counts.count_below_mean),
    "longest_strike_above_mean": Calculator(counts.longest_strike_above_mean),
    "longest_strike_below_mean": Calculator(counts.longest_strike_below_mean),
    "count_above": Calculator(counts.count_above, {"t": number}),
    "count_below": Calculator(counts.count_below, {"t": number}),
    "value_count": Calculator(counts.value_count, {"value": number}),
    "range_count": Calculator(counts.range_count, {"min": number, "max": number}),
    "ratio_beyond_r_sigma": Calculator(counts.ratio_beyond_r_sigma, {"r": number}),
    "number_crossing_m": Calculator(counts.number_crossing_m, {"m": number}),
    "has_duplicate": Calculator(counts.has_duplicate),
    "has_duplicate_max": Calculator(counts.has_duplicate_max),
    "has_duplicate_min": Calculator(counts.has_duplicate_min),
    "ratio_value_number_to_time_series_length": Calculator(counts.ratio_value_number_to_time_series_length),
    "percentage_of_reoccurring_values_to_all_values": Calculator(counts.percentage_of_reoccurring_values_to_all_values),
    "percentage_of_reoccurring_datapoints_to_all_datapoints": Calculator(
        counts.percentage_of_reoccurring_datapoints_to_all_datapoints
    ),
    "sum_of_reoccurring_values": Calculator(counts.sum_of_reoccurring_values),
    "sum_of_reoccurring_data_points": Calculator(counts.sum_of_reoccurring_data_points),
    "benford_correlation": Calculator(counts.benford_correlation),
    # From one sample to the next.
    "absolute_sum_of_changes": Calculator(changes.absolute_sum_of_changes),
    "mean_abs_change": Calculator(changes.mean_abs_change),
    "mean_change": Calculator(changes.mean_change),
    "mean_second_derivative_central": Calculator(changes.mean_second_derivative_central),
    "cid_ce": Calculator(changes.cid_ce, {"normalize": flag}),
    "time_reversal_asymmetry_statistic": Calculator(changes.time_reversal_asymmetry_statistic, {"lag": positive}),
    "c3": Calculator(changes.c3, {"lag": positive}),
    "change_quantiles": Calculator(
        changes.change_quantiles,
        {"ql": share, "qh": share, "isabs": flag, "f_agg": one_of("mean", "var")},
        prepare=changes.by_corridor,
    ),
    # Straight lines. SciPy refuses a single sample.
    "linear_trend": Calculator(trends.linear_trend, {"attr": _LINE}, shortest=2),
    "linear_trend_timewise": Calculator(trends.linear_trend_timewise, {"attr": _LINE}, shortest=2),
    "agg_linear_trend": Calculator(
        trends.agg_linear_trend,
        {"attr": _LINE, "chunk_len": positive, "f_agg": one_of("max", "min", "mean", "var")},
    ),
    # Spectra.
    "fft_coefficient": Calculator(
        spectra.fft_coefficient,
        {"coeff": whole, "attr": one_of("real", "imag", "abs", "angle")},
        prepare=spectra.by_part,
    ),
    "fft_aggregated": Calculator(spectra.fft_aggregated, {"aggtype": one_of(*spectra.MOMENTS)}),
    "spkt_welch_density": Calculator(spectra.spkt_welch_density, {"coeff": whole}),
    "cwt_coefficients": Calculator(
        spectra.cwt_coefficients,
        {"widths": widths, "coeff": whole, "w": positive},
        fits=spectra.among_widths,
        prepare=spectra.by_width,
    ),
    # Entropies.
    "binned_entropy": Calculator(entropies.binned_entropy, {"max_bins": _BINS}),
    "fourier_entropy": Calculator(entropies.fourier_entropy, {"bins": _BINS}),
    "permutation_entropy": Calculator(
        entropies.permutation_entropy, {"tau": positive, "dimension": least(2)}, fits=entropies.short_enough
    ),
    "lempel_ziv_complexity": Calculator(entropies.lempel_ziv_complexity, {"bins": _BINS}),
    "sample_entropy": Calculator(entropies.sample_entropy),
    "approximate_entropy": Calculator(entropies.approximate_entropy, {"m": positive, "r": number}),
    # What a series tells of its later values.
    "autocorrelation": Calculator(autoregression.autocorrelation, {"lag": whole}),
    "agg_autocorrelation": Calculator(
        autoregression.agg_autocorrelation, {"f_agg": one_of("mean", "median", "var"), "maxlag": positive}
    ),
    "partial_autocorrelation": Calculator(autoregression.partial_autocorrelation, {"lag": whole}),
    "ar_coefficient": Calculator(autoregression.ar_coefficient, {"coeff": whole, "k": positive}),
    "augmented_dickey_fuller": Calculator(
        dickey_fuller.augmented_dickey_fuller,
        {"attr": one_of(*dickey_fuller.ATTRIBUTES), "autolag": one_of("AIC")},
        optional=("autolag",),
    ),
    # Langevin's model.
    "friedrich_coefficients": Calculator(
        langevin.friedrich_coefficients, {"coeff": whole, "m": positive, "r": positive}, shortest=2
    ),
    "max_langevin_fixed_point": Calculator(
        langevin.max_langevin_fixed_point, {"m": positive, "r": positive}, shortest=2
    ),
    # Peaks. With wider wavelets SciPy may take Fourier transforms instead.
    "number_peaks": Calculator(peaks.number_peaks, {"n": positive}),
    "number_cwt_peaks": Calculator(peaks.number_cwt_peaks, {"n": at_most(20)}),
    "query_similarity_count": Calculator(
        queries.query_similarity_count,
        {"query": nothing, "threshold": number, "normalize": flag},
        optional=("query", "threshold", "normalize"),
    ),
}

#: What is left to tsfresh, and why.
LEFT = {
    "matrix_profile": "needs a package that is not installed; tsfresh's own sets leave it out without",
}
