"""What is learnt of features in a fold, in which order, and what a file keeps of it."""

import numpy as np
import pytest

from brainage.clock import ClockOptions, HarmonizationOptions
from brainage.clock.preparation.steps import (
    Preparation,
    fit_preparation,
    has_missing,
    needs_learning,
    seen_in_passes,
    shared_logarithms,
)
from brainage.connectivity import spd
from brainage.errors import ClockFileError

KINDS = ("fisher_z", "tangent", "log_correlation_direction")
PLAIN, COMBAT = ClockOptions(), ClockOptions(harmonization=HarmonizationOptions(method="combat"))


@pytest.fixture(scope="module")
def cohort(make_cohort):
    return make_cohort(30, p=6, kinds=KINDS)


def prepared(cohort, kind, options=PLAIN, values=None, **given):
    view = cohort[kind]
    values = view.values if values is None else values
    incomplete = bool(np.isnan(values).any())
    return fit_preparation(
        values, cohort.rows, spec=view.spec, options=options, incomplete=incomplete, **given
    )


def test_view_that_needs_nothing_is_the_values_themselves(cohort):
    steps, values = prepared(cohort, "fisher_z")
    assert steps.learns_nothing
    assert values is cohort["fisher_z"].values


@pytest.mark.parametrize("kind", KINDS)
def test_training_scans_are_prepared_as_the_fitted_steps_prepare_them(cohort, kind):
    steps, values = prepared(cohort, kind, COMBAT)
    again = steps.transform(cohort[kind].values, cohort.rows)
    np.testing.assert_allclose(again, values, rtol=1e-5, atol=1e-6)
    one = steps.transform(cohort[kind].values[[4]], cohort.rows.iloc[[4]])
    np.testing.assert_allclose(one[0], values[4], rtol=1e-5, atol=1e-6)


def test_missing_parcels_are_filled_with_training_means_or_with_zero(cohort):
    values = cohort["fisher_z"].values.astype(float)
    values[3, :5] = np.nan
    _, filled = prepared(cohort, "fisher_z", values=values)
    np.testing.assert_allclose(filled[3, :5], np.nanmean(values, axis=0)[:5])
    _, zeros = prepared(cohort, "fisher_z", ClockOptions(missing_edges="zero"), values)
    assert (zeros[3, :5] == 0).all()
    assert has_missing(values)
    assert not has_missing(cohort["fisher_z"].values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [PLAIN, COMBAT], ids=["plain", "combat"])
def test_steps_of_a_file_prepare_as_those_that_were_kept(cohort, kind, options):
    steps, values = prepared(cohort, kind, options)
    spec = cohort[kind].spec
    again = Preparation.from_stored(*steps.to_stored(), spec=spec, n_features=values.shape[1])
    found, expected = (s.transform(cohort[kind].values, cohort.rows) for s in (again, steps))
    np.testing.assert_array_equal(found, expected)


def test_step_that_the_view_does_not_have_is_no_preparation(cohort):
    meta, arrays = prepared(cohort, "tangent")[0].to_stored()
    size = cohort["fisher_z"].values.shape[1]
    with pytest.raises(ClockFileError, match="fisher_z with a tangent step"):
        Preparation.from_stored(meta, arrays, spec=cohort["fisher_z"].spec, n_features=size)
    with pytest.raises(ClockFileError, match="tangent without a tangent step"):
        Preparation.from_stored({}, {}, spec=cohort["tangent"].spec, n_features=21)


def test_shared_logarithms_are_those_of_each_scan_and_change_nothing(cohort):
    values = cohort["tangent"].values.astype(float)
    values[2, 0] = np.nan
    logs = shared_logarithms(values)
    assert np.isnan(logs[2]).all()
    whole = np.delete(np.arange(30), 2)
    np.testing.assert_allclose(logs[whole], spd.log_rows(values[whole]), rtol=1e-9)
    full = cohort["tangent"].values
    _, shared = prepared(cohort, "tangent", logs=shared_logarithms(full))
    _, apart = prepared(cohort, "tangent")
    np.testing.assert_allclose(shared, apart, rtol=1e-9, atol=1e-12)


def test_what_is_learnt_in_a_fold_and_what_passes_can_see(cohort):
    spec = {kind: cohort[kind].spec for kind in KINDS}
    learns = [needs_learning(spec[kind], PLAIN, incomplete=False) for kind in KINDS]
    assert learns == [False, True, True]
    assert needs_learning(spec["fisher_z"], COMBAT, incomplete=False)
    assert needs_learning(spec["fisher_z"], PLAIN, incomplete=True)
    seen = {kind: seen_in_passes(kind, incomplete=False) for kind in KINDS}
    assert seen == {"fisher_z": True, "tangent": False, "log_correlation_direction": True}
    assert not seen_in_passes("fisher_z", incomplete=True)
