"""A planted difference in scan length: what is lost, where, and that nothing else moves."""

import numpy as np
import pytest

from brainage.connectivity import build_features
from brainage.synthetic import SyntheticOptions, make_study
from brainage.synthetic.images import draw_voxels, make_grid


def a_study(*, loss="scattered", shares=(0.5,), **changes):
    """Draw a tiny trial of two arms, of which the second loses volumes at follow-up."""
    options = {
        "n_parcels": 10,
        "n_volumes": 80,
        "reference": {"n": 4, "n_sites": 1},
        "trial": {
            "arms": [
                {"name": "CON", "n": 3, "effects_years": [0.0]},
                {"name": "EX", "n": 3, "effects_years": [-2.0], "shares_kept": list(shares)},
            ],
            "visits": [
                {"session_id": "a", "nominal_years": 0.0},
                {"session_id": "b", "nominal_years": 1.0},
            ],
            "dropout": {"rate": 0.0},
            "loss": loss,
        },
    }
    return make_study(SyntheticOptions.model_validate(options | changes), seed=3)


@pytest.mark.parametrize("loss", ["scattered", "contiguous"])
def test_only_follow_up_scans_of_that_arm_are_shorter_and_hold_the_same_volumes(loss):
    study, whole = a_study(loss=loss), a_study(shares=())
    for part, full in zip(study.series("trial"), whole.series("trial"), strict=True):
        row = study.truth[
            (study.truth["participant_id"] == part.participant_id)
            & (study.truth["session_id"] == part.session_id)
        ].iloc[0]
        lost = row["arm"] == "EX" and row["session_id"] == "b"
        assert len(part.values) == (40 if lost else 80)
        assert part.quality.retained_s == 2.0 * len(part.values)
        same = np.corrcoef(part.values.T), np.corrcoef(full.values[part.kept_volumes].T)
        np.testing.assert_allclose(*same, atol=1e-9)
        if loss == "contiguous":
            np.testing.assert_array_equal(part.kept_volumes, np.arange(len(part.values)))


def test_drawn_features_are_those_of_the_shorter_series():
    study = a_study()
    drawn = study.features("trial")
    people = study.scans("trial")[["participant_id", "session_id", "age_years"]]
    built = build_features(list(study.series("trial")), people.assign(sex="F"))
    np.testing.assert_allclose(drawn["fisher_z"].values, built["fisher_z"].values, atol=0.01)
    np.testing.assert_allclose(drawn.rows["retained_s"], built.rows["retained_s"])


def test_the_counterfactual_loses_the_same_volumes():
    study = a_study()
    row = study.scans("trial").iloc[-1]
    with_effect, without = (study.make_series(row, counterfactual=c) for c in (False, True))
    np.testing.assert_array_equal(with_effect.kept_volumes, without.kept_volumes)


def test_an_image_loses_its_end():
    study = a_study(loss="contiguous", depth="nifti")
    row = study.scans("trial").query("arm == 'EX' and session_id == 'b'").iloc[0]
    scan = draw_voxels(study, row, make_grid(study.parcels, 10.0), counterfactual=False)
    assert len(scan.values) == len(scan.motion.parameters) == 40


def test_what_cannot_be_planted_is_said():
    with pytest.raises(ValueError, match="shares_kept of length 1"):
        a_study(shares=(0.5, 0.5))
    with pytest.raises(ValueError, match="loss 'contiguous' with depth 'nifti'"):
        a_study(depth="nifti")
