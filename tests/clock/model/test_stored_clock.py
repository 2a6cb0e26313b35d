"""A clock file whose hash was renewed after an edit is refused, whatever was edited."""

import numpy as np
import pytest

from brainage.clock import BrainClock, ClockOptions, HarmonizationOptions, fit_clock
from brainage.clock.model.clockfile import read_clock_file, write_clock_file
from brainage.clock.options import ValidationOptions
from brainage.errors import ClockFileError

FOLDS = ValidationOptions(n_folds=4, n_bootstrap=0)
CLOCKS = {
    "ridge": {},
    "tangent": {"views": ("tangent",)},
    "combat": {"harmonization": HarmonizationOptions(method="combat", unseen_site="calibrate")},
    "polynomial": {"estimator": "svr", "svr_kernel": "poly", "svr_c": (2.0,)},
    "gaussian process": {"estimator": "gaussian_process"},
    "stack": {"estimator": "stacked", "views": ("fisher_z", "tangent")},
    "slope": {"bias_correction": "slope"},
}


@pytest.fixture(scope="module")
def files(make_cohort, tmp_path_factory):
    """Return each clock's file; a scan of the cohort lacks a parcel in none of them."""
    cohort = make_cohort(40, p=6, kinds=("fisher_z", "tangent"))
    folder = tmp_path_factory.mktemp("clocks")
    for name, options in CLOCKS.items():
        fit_clock(cohort, ClockOptions(**({"validation": FOLDS} | options))).save(folder / name)
    return folder


def _arrays(name, change):
    return lambda meta, arrays: (meta, arrays | {name: change(arrays[name])})


def _without(name):
    return lambda meta, arrays: (meta, {k: v for k, v in arrays.items() if k != name})


def _meta(change):
    def edit(meta, arrays):
        change(meta)
        return meta, arrays

    return edit


def _put(value, *path):
    def change(meta):
        for key in path[:-1]:
            meta = meta[key]
        meta[path[-1]] = value

    return _meta(change)


def _moved(x):
    return np.where(np.arange(x.size).reshape(x.shape) == x.size // 2, x + 1, x).astype(x.dtype)


EFFICIENCY_ROW = {
    "measure": "within_scan_noise_years",
    "estimate": 3.0,
    "low": 2.5,
    "high": 3.5,
    "n": 40,
    "note": None,
}
EDITS = {
    "one weight for all edges": ("ridge", _arrays("regression_weights", lambda x: x[:1])),
    "weights beyond any": ("ridge", _arrays("regression_weights", lambda x: x * 0 + 1e200)),
    "one weight moved": ("ridge", _arrays("regression_weights", _moved)),
    "weights as integers": ("ridge", _arrays("regression_weights", lambda x: x.astype("i8"))),
    "one fold model for four": ("ridge", _arrays("fold_weights", lambda x: x[:1])),
    "a fold's weight moved": ("ridge", _arrays("fold_weights", _moved)),
    "no fold model": ("ridge", _arrays("fold_intercepts", lambda x: x[:0])),
    "fold sizes 0": ("ridge", _arrays("intervals_fold_sizes", lambda x: x * 0)),
    "fold sizes as fractions": ("ridge", _arrays("intervals_fold_sizes", lambda x: x * 1.0)),
    "negative residuals": ("ridge", _arrays("intervals_residuals_years", lambda x: -x)),
    "residuals not sorted": ("ridge", _arrays("intervals_residuals_years", lambda x: x[::-1])),
    "a residual moved": ("ridge", _arrays("intervals_residuals_years", lambda x: x + 0.01)),
    "distances not sorted": ("ridge", _arrays("distance_reference_distances", lambda x: x[::-1])),
    "negative variances": ("ridge", _arrays("distance_variances", lambda x: -x)),
    "axes of length 2": ("ridge", _arrays("distance_axes", lambda x: x * 2)),
    "an axis turned": ("ridge", _arrays("distance_axes", lambda x: x[:, ::-1])),
    "no residual energy": ("ridge", _arrays("distance_residual_energy", lambda x: x * 0)),
    "an array nobody reads": ("ridge", lambda m, a: (m, a | {"more": np.zeros(3)})),
    "a fill without missing parcels": (
        "ridge",
        lambda m, a: (m, a | {"preparation0_fill": np.zeros(15)}),
    ),
    "bias slope beyond any": ("ridge", _put(1e308, "bias", "coefficients", 1)),
    "bias slope of a year more": ("ridge", _put(1.0, "bias", "coefficients", 1)),
    "bias as yes": ("ridge", _put(True, "bias", "coefficients", 1)),
    "bias of three coefficients": ("ridge", _put([1.0, 2.0, 3.0], "bias", "coefficients")),
    "another correction than its options": (
        "ridge",
        _put("none", "facts", "options", "bias_correction"),
    ),
    "a falling slope correction": ("slope", _put(-0.5, "bias", "coefficients", 1)),
    "age range reversed": (
        "ridge",
        _meta(lambda m: m["facts"]["cohort"]["age_range_years"].reverse()),
    ),
    "age range of 500 years": ("ridge", _put(500.0, "facts", "cohort", "age_range_years", 1)),
    "age range of text": ("ridge", _put("90", "facts", "cohort", "age_range_years", 1)),
    "more people than scans": ("ridge", _put(41, "facts", "cohort", "n_people")),
    "sites without scans": ("ridge", _put({}, "facts", "cohort", "sites")),
    "a line on age and sex nobody asked for": (
        "ridge",
        _put(
            {"intercept": 0, "per_year": 1, "by_sex": {}, "n_scans": 9, "fitted_on": "reference"},
            "age_sex",
        ),
    ),
    "a correlation of 3": ("ridge", _put(3.0, "facts", "metrics", 2, "estimate")),
    "an efficiency that is no table": ("ridge", _put({"noise": 3.0}, "facts", "efficiency")),
    "an efficiency's interval upside down": (
        "ridge",
        _put([EFFICIENCY_ROW | {"low": 4.0}], "facts", "efficiency"),
    ),
    "an efficiency told twice": ("ridge", _put([EFFICIENCY_ROW] * 2, "facts", "efficiency")),
    "a clock called worthless": ("ridge", _put("r = -1", "facts", "shows_nothing")),
    "intercept as text": ("ridge", _put("12", "regression", "intercept")),
    "intercept moved": ("ridge", _put(12.5, "regression", "intercept")),
    "an unknown age scale": ("ridge", _put("parsec", "regression", "age_scale")),
    "an unknown network": ("ridge", _put("motor - moon", "network")),
    "an unknown kind": ("ridge", _put("z", "specs", 0, "kind")),
    "another layout": ("ridge", _put("full", "specs", 0, "layout")),
    "two parcels of one name": ("ridge", _put("p1", "specs", 0, "parcel_names", 0)),
    "a key too many": ("ridge", _put(1, "more")),
    "no self-test": ("ridge", _meta(lambda m: m.pop("self_test"))),
    "a self-test of other numbers": ("ridge", _put(1.0, "self_test", 0, "predicted")),
    "tangent reference absent": ("tangent", _without("preparation0_tangent_reference")),
    "tangent step absent": ("tangent", _meta(lambda m: m["preparations"][0].pop("tangent"))),
    "tangent reference not square": (
        "tangent",
        _arrays("preparation0_tangent_reference", lambda x: x[:, :5]),
    ),
    "tangent reference negative": (
        "tangent",
        _arrays("preparation0_tangent_reference", np.negative),
    ),
    "an unknown tangent map": (
        "tangent",
        _put("mercator", "preparations", 0, "tangent", "log_map"),
    ),
    "fold preparations absent": ("tangent", _put([], "fold_preparations")),
    "a fold's tangent moved": (
        "tangent",
        _arrays("fold1_preparation0_tangent_reference", lambda x: x * 1.5),
    ),
    "site scale 0": ("combat", _arrays("preparation0_harmonizer_scale", lambda x: x * 0)),
    "a site's shift moved": ("combat", _arrays("preparation0_harmonizer_shift", _moved)),
    "harmoniser absent": ("combat", _meta(lambda m: m["preparations"][0].pop("harmonizer"))),
    "age trend absent": ("combat", _without("preparation0_harmonizer_trend_weights")),
    "one site named twice": (
        "combat",
        _put(["site0", "site0"], "preparations", 0, "harmonizer", "sites"),
    ),
    "a degree of 2.9": ("polynomial", _put(2.9, "regression", "degree")),
    "a degree of a thousand": ("polynomial", _put(1000, "regression", "degree")),
    "a negative gamma": ("polynomial", _arrays("regression_gamma", np.negative)),
    "one dual for all scans": ("polynomial", _arrays("regression_dual", lambda x: x[:, :1])),
    "no spread of ages": ("gaussian process", _arrays("regression_age_sd", lambda x: x * 0)),
    "scans of fewer edges": ("gaussian process", _arrays("regression_X_fit", lambda x: x[:, :1])),
    "fold scales unknown": ("stack", _put(["parsec"] * 4, "fold_scales")),
    "views in another order": ("stack", _meta(lambda m: m["specs"].reverse())),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_with_a_renewed_hash_is_refused_when_loaded(files, edit, tmp_path):
    name, change = EDITS[edit]
    meta, arrays = change(*read_clock_file(files / name))
    write_clock_file(tmp_path / "edited", meta, arrays)
    with pytest.raises(ClockFileError, match="not a brain clock: .+"):
        BrainClock.load(tmp_path / "edited")


@pytest.mark.parametrize("name", CLOCKS)
def test_what_was_not_edited_is_accepted(files, name, tmp_path):
    write_clock_file(tmp_path / "same", *read_clock_file(files / name))
    assert BrainClock.load(tmp_path / "same").clock_id == BrainClock.load(files / name).clock_id


def test_mutated_numbers_are_refused_or_change_no_score(files, make_cohort, tmp_path):
    """A bit of an array is turned, the hash renewed: no other number passes in silence."""
    new = make_cohort(2, p=6, kinds=("fisher_z", "tangent"), seed=1)
    rng, refused = np.random.default_rng(0), 0
    numbers = ["predicted_age_years", "gap_corrected_years", "interval_low_years"]
    for name in CLOCKS:
        expected = BrainClock.load(files / name).score(new)[numbers].to_numpy()
        meta, arrays = read_clock_file(files / name)
        for _ in range(40):
            key = rng.choice([key for key, array in arrays.items() if array.size])
            raw = bytearray(arrays[key].tobytes())
            raw[rng.integers(len(raw))] ^= 1 << rng.integers(8)
            changed = np.frombuffer(bytes(raw), arrays[key].dtype).reshape(arrays[key].shape)
            if not np.isfinite(changed).all():
                continue
            write_clock_file(tmp_path / "m", meta, arrays | {key: changed})
            try:
                scores = BrainClock.load(tmp_path / "m").score(new)[numbers].to_numpy()
            except ClockFileError:
                refused += 1
                continue
            # What passes lies within the self-test's tolerance.
            np.testing.assert_allclose(scores, expected, atol=0.1)
    assert refused > 100


def test_what_a_clock_says_of_itself_moves_no_cursor(files, tmp_path):
    """Text of a file with a renewed hash: shown in a terminal and in a notebook."""
    meta, arrays = read_clock_file(files / "ridge")
    for spec in meta["specs"]:
        spec["atlas"] = "own\x1b[2J\u202e"
    write_clock_file(tmp_path / "hostile", meta, arrays)
    clock = BrainClock.load(tmp_path / "hostile")
    for shown in (repr(clock), clock._repr_html_()):
        assert "own\\x1b[2J\\u202e" in shown
        assert not {"\x1b", "\u202e"} & set(shown)


def test_no_weight_of_a_tangent_clock_can_be_edited_unseen(files, tmp_path):
    """A fold's weight on an element that the made-up scan had at zero passed the self-test."""
    meta, arrays = read_clock_file(files / "tangent")
    for column in range(arrays["fold_weights"].shape[1]):
        weights = arrays["fold_weights"].copy()
        weights[0, column] += 1.0
        write_clock_file(tmp_path / "edited", meta, arrays | {"fold_weights": weights})
        with pytest.raises(ClockFileError, match="self-test fold_models"):
            BrainClock.load(tmp_path / "edited")


@pytest.mark.parametrize("name", ["distance_reference_distances", "intervals_residuals_years"])
def test_one_distance_or_residual_moved_a_little_is_refused(files, tmp_path, name):
    """By 0.005 of 40: the mean moves by a ten-thousandth, and a percentile by 2.5."""
    meta, arrays = read_clock_file(files / "tangent")
    values = arrays[name].copy()
    values[-1] += 0.005
    write_clock_file(tmp_path / "edited", meta, arrays | {name: values})
    with pytest.raises(ClockFileError, match="self-test re"):
        BrainClock.load(tmp_path / "edited")


@pytest.mark.parametrize("name", ["gaussian process", "polynomial"])
def test_means_edited_alike_are_refused(files, tmp_path, name):
    """The made-up scan would move with them, and the clock say the same of it."""
    meta, arrays = read_clock_file(files / name)
    means = {key: 2 * arrays[key] for key in arrays if key.endswith("_mean")}
    assert "distance_mean" in means
    write_clock_file(tmp_path / "edited", meta, arrays | means)
    with pytest.raises(ClockFileError, match="self-test"):
        BrainClock.load(tmp_path / "edited")
