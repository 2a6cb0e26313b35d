"""Derivatives by finite differences."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def numeric():
    """Return what differentiates a function of a vector by central differences."""

    def derivative(function, at, step=1e-5):
        columns = []
        for k in range(len(at)):
            move = np.zeros(len(at))
            move[k] = step
            columns.append((function(at + move) - function(at - move)) / (2 * step))
        return np.array(columns)

    return derivative
