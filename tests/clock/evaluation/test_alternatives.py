"""Every choice with every other, and every choice that cannot be at once."""

import pytest

from brainage.clock.evaluation.alternatives import expand_alternatives
from brainage.clock.options import ClockOptions, HarmonizationOptions, ValidationOptions
from brainage.errors import ConfigError


def _clock(**choices):
    validation = ValidationOptions(n_folds=5, n_bootstrap=0)
    return ClockOptions(validation=validation, networks=False, **choices)


def test_expansion_combines_every_choice_with_every_other():
    found = expand_alternatives(
        _clock(),
        {"estimator": ["ridge", "svr"], "harmonization.method": ["none", "combat"]},
        features=("aal", "seitzman300"),
    )
    assert len(found) == 8
    assert found[3].name == "atlas=aal, estimator=svr, harmonization.method=combat"
    assert found[3].options.harmonization == HarmonizationOptions(method="combat")
    assert found[7].features == "seitzman300"
    assert expand_alternatives(_clock(), {})[0].options == _clock()


def test_expansion_reports_every_invalid_alternative_at_once():
    with pytest.raises(ConfigError, match=r"(?s)estimater.*") as caught:
        expand_alternatives(_clock(), {"estimater": ["ridge"]})
    assert "no option of a clock" in str(caught.value)
    with pytest.raises(ConfigError) as caught:
        expand_alternatives(_clock(), {"estimator": ["rigde", "ridge", "forest"]})
    assert "rigde" in str(caught.value)
    assert "forest" in str(caught.value)
