"""Strategies are those of ICH E9(R1), and a missed scan is no event."""

from __future__ import annotations

import pytest
from pydantic import ValidationError


def test_strategy_outside_ich_and_a_missed_scan_as_event_are_refused(make_options):
    with pytest.raises(ValidationError, match="treatment policy"):
        make_options(estimand={"intercurrent_events": {"illness": "ignore"}})
    with pytest.raises(ValidationError, match="missing data, not an intercurrent event"):
        make_options(estimand={"intercurrent_events": {"missed scan": "treatment policy"}})
