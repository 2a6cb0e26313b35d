"""Whether scores can be compared at all: said before a comparison is begun."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from brainage.progress import silent
from brainage.tables import complete_scores
from brainage.trial.analyses.record import TrialInputs
from brainage.trial.compare import _headlines, _inputs_by_network
from brainage.trial.design.join import TrialDesign, outcome_in_scores


def refuse_incomparable(scores: pd.DataFrame, design: TrialDesign) -> None:
    """Raise what `compare_arms` would raise of the scores, or of the model of the headline.

    Parameters
    ----------
    scores : DataFrame
        Schema `brainage.tables.SCORES`.
    design : TrialDesign
        Visits and arms.

    Raises
    ------
    BrainAgeError
        Repeated rows, ages that go backwards, a constant outcome, a covariate that is the arm,
        too few people, ...

    Examples
    --------
    >>> from brainage.trial import refuse_incomparable
    >>> refuse_incomparable(examples.scores(), examples.design())
    """
    scores = complete_scores(scores)
    design = replace(design, options=outcome_in_scores(design.options, scores.columns))
    inputs = _inputs_by_network(scores, design, more=TrialInputs(), seed=0)
    _headlines(inputs, None, n_jobs=1, progress=silent)
