"""Who is held out with whom."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from brainage.clock import ValidationOptions, check_disjoint
from brainage.clock.training.folds import check_no_shared_scans, groups_of, make_folds, site_folds
from brainage.errors import LeakageError


def _rows(people, families=None, *, age=None, site="one"):
    return pd.DataFrame(
        {
            "participant_id": people,
            "session_id": [str(i) for i in range(len(people))],
            "family_id": families if families is not None else [None] * len(people),
            "age_years": np.linspace(20, 80, len(people)) if age is None else age,
            "site": site,
        }
    )


def _fold_of(rows, **choices):
    folds = make_folds(rows, ValidationOptions(**choices), seed=0)[0]
    fold = np.empty(len(rows), dtype=int)
    for k, (_, test) in enumerate(folds):
        fold[test] = k
    return fold


def test_folds_of_single_scans_equal_shuffled_kfold_in_stored_order():
    rows = _rows([f"p{i}" for i in range(53)])
    repeats = make_folds(rows, ValidationOptions(n_folds=10, n_repeats=2), seed=4)
    for repeat, folds in enumerate(repeats):
        expected = KFold(10, shuffle=True, random_state=4 + repeat).split(np.zeros(53))
        for (train, test), (peer_train, peer_test) in zip(folds, expected, strict=True):
            np.testing.assert_array_equal(train, peer_train)
            np.testing.assert_array_equal(test, peer_test)


def test_scans_of_one_person_share_a_fold():
    people = [f"p{i % 20}" for i in range(60)]
    fold = _fold_of(_rows(people), n_folds=5)
    assert pd.Series(fold).groupby(people).nunique().max() == 1


def test_relatives_by_chain_share_a_fold():
    # b is related to a by the first family and to c by the second, each written on one scan.
    people = ["a", "b", "b", "c"] + [f"x{i}" for i in range(20)]
    families = ["f1", "f1", "f2", "f2"] + [None] * 20
    groups = groups_of(_rows(people, families))
    assert len(set(groups[:4])) == 1
    assert len(set(groups)) == 21
    fold = _fold_of(_rows(people, families), n_folds=7)
    assert len(set(fold[:4])) == 1


def test_stratified_folds_have_closer_mean_ages():
    age = np.random.default_rng(0).gamma(2, 10, 100) + 18
    rows = _rows([f"p{i}" for i in range(100)], age=age)
    spread = {
        stratify: pd.Series(age).groupby(_fold_of(rows, n_folds=10, stratify_age=stratify)).mean()
        for stratify in (False, True)
    }
    assert spread[True].std() < spread[False].std() / 2


def test_more_folds_than_people_are_refused():
    with pytest.raises(LeakageError, match="10 folds and 3 of them"):
        make_folds(_rows(["a", "b", "c"] * 5), ValidationOptions(n_folds=10), seed=0)


def test_a_person_scanned_at_two_sites_is_in_neither_halfs_training():
    rows = _rows(["a", "b", "c", "a"], site=["X", "X", "Y", "Y"])
    names, folds = site_folds(rows)
    assert names == ["X", "Y"]
    assert [train.tolist() for train, _ in folds] == [[2], [1]]


def test_holding_out_the_only_site_is_refused():
    with pytest.raises(LeakageError, match="two sites at least"):
        site_folds(_rows(["a", "b"]))


def test_a_trial_participant_in_the_reference_is_refused():
    with pytest.raises(LeakageError, match="1 participant.*in the trial: b.*remove them"):
        check_disjoint(["a", "b"], pd.Series(["b", "c"]))
    check_disjoint(["a", "b"], ["c"])


def test_a_participant_under_another_id_is_found_and_a_namesake_let_pass():
    with pytest.raises(LeakageError, match=r"T7 \(b in the reference\)"):
        check_disjoint(["a", "b"], ["T7", "c"], same_people={"T7": "b"})
    check_disjoint(["a", "b"], ["b"], same_people={"b": None})
    with pytest.raises(LeakageError, match="in the trial: a"):
        check_disjoint(["a", "b"], ["a", "b"], same_people={"b": None})


def test_a_trial_scan_that_trained_the_clock_is_refused_whatever_its_id(make_cohort):
    reference, trial = make_cohort(30), make_cohort(6, seed=1)
    ours, theirs = (table.views["fisher_z"].values for table in (reference, trial))
    check_no_shared_scans(ours, reference.rows, theirs, trial.rows)
    copied = theirs.copy()
    copied[4] = ours[11]
    rows = trial.rows.assign(participant_id=[f"T{i}" for i in range(6)])
    with pytest.raises(LeakageError, match="T4 has the same scan as person011"):
        check_no_shared_scans(ours, reference.rows, copied, rows)
