"""What a new site has to bring, and what is kept on record of it."""

import numpy as np
import pytest

from brainage.clock.preparation.new_site import check_new_site, new_site_record
from brainage.errors import BrainAgeError

AGES = np.array([60.0, 64.0, 68.0])


def test_record_counts_the_ages_outside_the_references():
    reference = np.array([20.0, 30.0, 40.0, 50.0, 65.0])
    found = new_site_record("T", AGES, reference_ages=reference, location_only=True)
    assert found["age_years"] == [60.0, 62.0, 64.0, 66.0, 68.0]
    assert (found["n_scans"], found["n_outside_reference_ages"]) == (3, 1)
    assert found["reference_age_years"] == reference.tolist()


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"site": "a"}, BrainAgeError, "'a' is already known"),
        ({"X": np.zeros((3, 4))}, ValueError, r"expected edges \(n_scans, 5\)"),
        ({"age_years": AGES[:2]}, ValueError, "as many ages"),
        ({"X": np.full((3, 5), np.nan)}, BrainAgeError, "all finite, found 3"),
        ({"X": np.zeros((1, 5)), "age_years": AGES[:1]}, BrainAgeError, "at least two scans"),
    ],
)
def test_scans_that_nothing_can_be_learnt_of_are_refused(changed, error, words):
    given = {"X": np.zeros((3, 5)), "age_years": AGES, "site": "T"} | changed
    with pytest.raises(error, match=words):
        check_new_site(
            given["X"], given["age_years"], site=given["site"], known=["a"], n_features=5
        )
