"""Traits and site-age confounding are planted as stated, and no clock of either ranks first."""

from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest

from brainage.clock import (
    Alternative,
    ClockOptions,
    PartOfScans,
    PlantedScans,
    ScanParts,
    ValidationOptions,
    run_sweep,
)
from brainage.connectivity import (
    FeatureTable,
    HalfFeatures,
    View,
    ViewSpec,
    build_features,
    build_half_features,
)
from brainage.synthetic import make_study, tiny_options
from brainage.synthetic.options import ReferenceOptions

N, SHIFT_YEARS = 100, 5.0


def planted(parcels, *, ageing=0.0, traits=0.0, confounding=0.0, n=N):
    options = tiny_options()
    easy = {"person_connectivity": 0.05, "scan_connectivity": 0.02, "motion": 0.0}
    own = {"ageing": ageing, "trait_connectivity": traits, "site_shift": 0.02}
    return make_study(
        options.model_copy(
            update={
                "n_parcels": None,
                "n_volumes": 120,
                "reference": ReferenceOptions(n=n, n_sites=4, site_age_confounding=confounding),
                "difficulty": options.difficulty.model_copy(update=easy | own),
            }
        ),
        seed=2,
        parcels=parcels,
    )


def test_traits_are_related_to_age_between_people_and_fixed_within_them(parcels):
    truth = planted(parcels, traits=0.2).truth
    reference = truth[truth["cohort"] == "reference"]
    assert np.corrcoef(reference["age_years"], reference["trait_years"])[0, 1] > 0.8
    trial = truth[truth["cohort"] == "trial"]
    assert (trial.groupby("participant_id")["trait_years"].nunique() == 1).all()
    assert (trial.groupby("participant_id")["age_years"].nunique() == 3).all()


def test_without_traits_and_confounding_a_study_is_what_it_was(parcels):
    plain, traits = planted(parcels, ageing=0.1), planted(parcels, ageing=0.1, traits=0.2)
    pd.testing.assert_frame_equal(plain.truth, traits.truth)
    row = plain.truth.iloc[0]
    assert not np.array_equal(plain.covariance(row), traits.covariance(row))
    flat = traits.covariance(row) - plain.covariance(row)
    untouched = np.ix_(np.arange(1, len(parcels), 2), np.arange(1, len(parcels), 2))
    np.testing.assert_allclose(flat[untouched], 0, atol=1e-12)


def test_a_trait_does_not_follow_brain_age(parcels):
    study = planted(parcels, traits=0.2)
    row = study.truth.iloc[0].copy()
    before = study.covariance(row)
    row["brain_age_years"] += 10
    np.testing.assert_array_equal(study.covariance(row), before)


def test_confounded_sites_divide_the_ages(parcels):
    ages = planted(parcels, confounding=0.5, n=400).truth.query("cohort == 'reference'")
    free = planted(parcels, n=400).truth.query("cohort == 'reference'")
    means = ages.groupby("site")["age_years"].mean()
    assert means.is_monotonic_increasing
    # Half of the range of 72 years lies between the youngest site and the oldest.
    assert means.iloc[-1] - means.iloc[0] == pytest.approx(36, abs=8)
    # Within a site the other half is left.
    within = ages.groupby("site")["age_years"].agg(np.ptp).max()
    assert within <= 36
    assert free.groupby("site")["age_years"].agg(np.ptp).min() > 60


def measured(study):
    """Return features of whole scans, their halves, and the same scans planted older."""
    rows = [row for _, row in study.scans("reference").iterrows()]
    series = [study.make_series(row) for row in rows]
    people = study.scans("reference")[["participant_id", "session_id", "age_years", "site"]]
    whole = build_features(series, people)
    halves = build_half_features(series, people, whole, views=("fisher_z",))
    older = [row.copy() for row in rows]
    for row in older:
        row["brain_age_years"] += SHIFT_YEARS
    shifted = build_features([study.make_series(row) for row in older], people)
    part = PartOfScans({"fisher_z": shifted["fisher_z"].values})
    return whole, ScanParts(halves, PlantedScans(part, SHIFT_YEARS))


def beside_sites(whole, parts, *, scale, keep):
    """Return the same with site indicators beside (or, `keep` False, instead of) the edges."""
    indicators = scale * pd.get_dummies(whole.rows["site"]).to_numpy(np.float32)

    def with_sites(values):
        edges = values if keep else 1e-3 * values
        lost = np.isnan(values).all(axis=1)
        # As many columns as one parcel more has edges.
        rest = np.zeros((len(values), n_parcels - indicators.shape[1]), np.float32)
        wide = np.hstack([edges, indicators, rest])
        wide[lost] = np.nan
        return wide

    spec = whole["fisher_z"].spec
    n_parcels = len(spec.parcel_names)
    names = (*spec.parcel_names, "sites")
    wider = ViewSpec("fisher_z", "none", "upper", names, (None,) * len(names), spec.atlas, "0")
    table = FeatureTable(
        {"fisher_z": View(with_sites(whole["fisher_z"].values), wider)}, whole.rows
    )
    first, second = (
        {"fisher_z": with_sites(side["fisher_z"])}
        for side in (parts.halves.first, parts.halves.second)
    )
    shifted = PartOfScans({"fisher_z": with_sites(parts.planted.part.views["fisher_z"])})
    halves = HalfFeatures(first, second, parts.halves.reasons)
    return table, ScanParts(halves, PlantedScans(shifted, SHIFT_YEARS))


@pytest.fixture(scope="module")
def ranking(parcels, tmp_path_factory):
    """Rank a clock of brain age, the same with site indicators, one of sites, one of traits."""
    made = {
        "brain age": measured(planted(parcels, ageing=0.12, confounding=0.5)),
        "traits": measured(planted(parcels, traits=0.4, confounding=0.5)),
    }
    made["brain age and sites"] = beside_sites(*made["brain age"], scale=2.0, keep=True)
    made["sites"] = beside_sites(*made["brain age"], scale=2.0, keep=False)
    validation = ValidationOptions(n_folds=5, n_bootstrap=0)
    options = ClockOptions(networks=False, validation=validation)

    @contextmanager
    def parts(name, features):
        assert len(features) == N
        yield made[name][1]

    result = run_sweep(
        [Alternative(name, options, name) for name in made],
        {name: table for name, (table, _) in made.items()},
        tmp_path_factory.mktemp("gamed"),
        n_draws=100,
        parts=parts,
        rank_by="participants",
    )
    return result.leaderboard.set_index("alternative")


def test_clocks_of_sites_and_of_traits_rank_last_by_participants(ranking):
    assert list(ranking.index[:2]) == ["brain age", "brain age and sites"]
    last = ranking.loc[["sites", "traits"]]
    assert last["rank"].eq(3).all()
    assert last["efficiency_note"].str.contains("no number of people is enough").all()
    # By noise over the share between people the clock of traits would have looked the better.
    assert ranking.loc["traits", "share_within_site"] > 0.3
    assert ranking.loc["traits", "share_planted"] == pytest.approx(0, abs=0.02)
    noise = ranking["within_scan_noise_years"]
    assert noise["sites"] < 0.2 * noise["brain age"]


def test_site_indicators_do_not_lower_the_participants(ranking):
    plain, with_sites = ranking.loc["brain age"], ranking.loc["brain age and sites"]
    assert with_sites["mae_years"] < plain["mae_years"]
    assert with_sites["participants"] >= plain["participants"]
    assert with_sites["share_used"] < plain["share_used"]
