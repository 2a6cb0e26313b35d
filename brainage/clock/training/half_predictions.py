"""Out-of-fold predictions of half scans, by the fold models that never saw the person."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.clock.options import ClockOptions, as_clock_options
from brainage.clock.training.fit import prepared_views
from brainage.clock.training.folds import groups_of
from brainage.clock.training.pipeline import Problem
from brainage.clock.training.validation import CrossValidation
from brainage.connectivity import FeatureTable, HalfFeatures
from brainage.progress import Progress, silent


def predict_halves(
    features: FeatureTable,
    halves: HalfFeatures,
    options: ClockOptions | str,
    cv: CrossValidation,
    *,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Predict both halves of every scan with the model of the fold that held its person out.

    Parameters
    ----------
    features : FeatureTable
        The reference cohort, whole scans: what the models were trained on.
    halves : HalfFeatures
        Of the same scans, in the same order.
    options : ClockOptions or str
        Of the clock.
    cv : CrossValidation
        Made of `features` with `options`; its first repeat is used.
    progress : Progress, optional
        Told of every fold.

    Returns
    -------
    predictions : DataFrame
        participant_id, session_id, site, age_years, whole_years, first_years, second_years
        (uncorrected; NaN where a scan could not be halved), in the order of `features`.

    Raises
    ------
    BrainAgeError
        A regressor that cannot be kept, whose fold models are therefore not at hand.

    Examples
    --------
    >>> from brainage.connectivity import HalfFeatures
    >>> features, cv = examples.features(), examples.cross_validation()
    >>> edges = np.asarray(features["fisher_z"].values)
    >>> halves = HalfFeatures({"fisher_z": edges}, {"fisher_z": edges}, pd.DataFrame())
    >>> table = ba.predict_halves(features, halves, examples.clock_options(), cv)
    >>> bool((table["first_years"] == table["second_years"]).all())
    True
    """
    options = as_clock_options(options)
    rows = features.rows
    problem = Problem.of(features, options, groups_of(rows))
    problem.share_logarithms()
    predicted = np.full((2, len(rows)), np.nan)
    usable = halves.usable
    fits = cv.fits[: options.validation.n_folds]
    for done, fit in enumerate(fits, start=1):
        prepared = list(prepared_views(problem, fit.preparations))
        frozen = problem.regressor.freeze([fit.model], [fit.train], prepared)
        held_out = np.setdiff1d(np.arange(len(rows)), fit.train)
        for row in held_out[usable[held_out]]:
            for side, views in enumerate((halves.first, halves.second)):
                ones = [views[name][row : row + 1].astype(float) for name in options.views]
                steps = zip(fit.preparations, ones, strict=True)
                here = rows.iloc[row : row + 1]
                parts = [step.transform(one, here, validating=True)[0] for step, one in steps]
                predicted[side, row] = frozen.predict_one(np.concatenate(parts))
        progress(done, len(fits), "predict half scans")
    first = cv.predictions[cv.predictions["repeat"] == 0]
    return pd.DataFrame(
        {
            "participant_id": rows["participant_id"].to_numpy(),
            "session_id": rows["session_id"].to_numpy(),
            "site": rows["site"].to_numpy(),
            "age_years": rows["age_years"].to_numpy(float),
            "whole_years": first["predicted_age_years"].to_numpy(float),
            "first_years": predicted[0],
            "second_years": predicted[1],
        }
    )
