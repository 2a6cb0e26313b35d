"""A covariate is a column of numbers, or an indicator of each level but the first."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainage.errors import DesignError
from brainage.trial.models.covariates import code_covariate


def test_numbers_stay_and_text_becomes_indicators():
    ((name, numbers),) = code_covariate(pd.Series([1.0, 3.0]), "bmi")
    assert (name, numbers.tolist()) == ("bmi", [1.0, 3.0])
    coded = dict(code_covariate(pd.Series(["A", "C", "B", "A"]), "site"))
    assert sorted(coded) == ["site[B]", "site[C]"]
    assert coded["site[C]"].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_one_level_says_nothing_and_infinity_is_refused():
    ((_, zeros),) = code_covariate(pd.Series(["A", "A"]), "site")
    assert not zeros.any()
    with pytest.raises(DesignError, match="infinite"):
        code_covariate(pd.Series([1.0, np.inf]), "bmi")
