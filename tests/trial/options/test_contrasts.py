"""A contrast that its weights do not make is refused by name."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("contrast", "words"),
    [
        ({"name": "x", "arms": {"HRT": 1, "MIT": -0.5}}, "sum to zero"),
        ({"name": "x", "arms": {"HTR": 1, "MIT": -1}}, "Did you mean 'HRT'"),
        ({"name": "x", "arms": {"HRT": 1, "CON": -1}, "visits": {"3 years": 1}}, "visit '3 years'"),
        ({"name": "durabilty"}, "Did you mean 'durability'"),
        ({"name": "x", "arms": {"HRT": 0, "CON": 0}}, "not zero"),
    ],
)
def test_contrast_that_cannot_be_is_an_error_that_names_it(make_options, contrast, words):
    with pytest.raises(ValueError, match=words):
        make_options(contrasts=[contrast])
