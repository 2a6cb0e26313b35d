"""A cohort, its ages and the views a clock sees: what every training set is taken from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from brainage.blocks import blocks
from brainage.clock.options import ClockOptions
from brainage.clock.preparation.steps import (
    Preparation,
    fit_preparation,
    has_missing,
    needs_learning,
    seen_in_passes,
    shared_logarithms,
)
from brainage.clock.regressors.contract import ClockRegressor, Needs, TrainingShape
from brainage.clock.regressors.grams import gram_of
from brainage.clock.regressors.primal import Moments, moments_of
from brainage.clock.regressors.registry import GivenRegressor, regressor_of
from brainage.clock.training.cost import how_prepared, refuse_too_many
from brainage.clock.training.half_rows import HalfRows
from brainage.connectivity import KINDS, DirectionTransformer, FeatureTable, ViewSpec
from brainage.errors import FeatureMismatchError


@dataclass
class Problem:
    """A cohort, its ages and the views a clock sees; restricted to one network on request.

    Parameters
    ----------
    values : list of ndarray
        One (n_scans, n_features) array a view.
    specs : list of ViewSpec
        One a view.
    rows : DataFrame
        Row table.
    groups : ndarray of shape (n_scans,)
        Scans that must stay together.
    options : ClockOptions
        Harmonisation and bias correction.
    regressor : ClockRegressor
        What is fitted.
    halves : HalfRows or None, default=None
        Rows behind the whole scans that are halves of them: trained on, never predicted.
    """

    values: list[np.ndarray]
    specs: list[ViewSpec]
    rows: pd.DataFrame
    groups: np.ndarray
    options: ClockOptions
    regressor: ClockRegressor
    halves: HalfRows | None = None
    _grams: dict[tuple, np.ndarray] = field(default_factory=dict, repr=False)
    _incomplete: list[bool] = field(default_factory=list, repr=False)
    _learns: list[bool] = field(default_factory=list, repr=False)
    _moments: list[Moments] = field(default_factory=list, repr=False)
    _row_sums: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls,
        features: FeatureTable,
        options: ClockOptions,
        groups: np.ndarray,
        *,
        columns: dict[str, np.ndarray] | None = None,
        grams: dict[tuple, np.ndarray] | None = None,
        regressor: GivenRegressor | None = None,
    ) -> Problem:
        """Take the views that the options name from a feature table.

        `grams` is a store that problems of the same table share, so that a sweep makes each Gram
        matrix once; a problem of one network keeps its own. `regressor` is a scikit-learn one in
        the place of the options' estimator.

        Raises
        ------
        FeatureMismatchError
            A view that the table does not hold, or halves that are asked for and not there.
        """
        absent = [name for name in options.views if name not in features.views]
        if absent:
            raise FeatureMismatchError(
                f"views {absent}: not among the features {list(features.views)}."
            )
        views = [features.views[name] for name in options.views]
        values = [
            view.values if columns is None else np.asarray(view.values[:, columns[name]])
            for name, view in zip(options.views, views, strict=True)
        ]
        specs = [view.spec for view in views]
        learner = regressor_of(options, regressor)
        rows, halves = features.rows, HalfRows.of(features, options)
        if halves is not None:
            values = halves.behind(values, features, options.views, columns)
            rows, groups = rows.iloc[halves.owner].reset_index(drop=True), groups[halves.owner]
        new = cls(values, specs, rows, groups, options, learner, halves)
        if grams is not None and columns is None:
            new._grams = grams
        new._incomplete = [has_missing(view) for view in values]
        new._learns = [
            needs_learning(view.spec, options, incomplete=incomplete)
            for view, incomplete in zip(views, new._incomplete, strict=True)
        ]
        refuse_too_many(
            len(new.rows),
            new.needs,
            learns=new.learns_any,
            name=learner.name,
            halved=halves is not None,
        )
        return new

    @property
    def ages(self) -> np.ndarray:
        """Age at each scan, years."""
        return self.rows["age_years"].to_numpy(float)

    @property
    def n_scans(self) -> int:
        """Whole scans; rows behind them are halves."""
        return len(self.rows) if self.halves is None else self.halves.n_scans

    @property
    def needs(self) -> Needs:
        """Return what the regressor is fitted on."""
        prepared = how_prepared(learns=self.learns_any, seen=self._seen_in_passes)
        n_rows, n_features = self.values[0].shape
        weighted = self.halves is not None
        return self.regressor.needs(TrainingShape(n_rows, n_features, prepared, weighted))

    @property
    def _seen_in_passes(self) -> bool:
        return all(
            seen_in_passes(spec.kind, incomplete=incomplete)
            for spec, incomplete in zip(self.specs, self._incomplete, strict=True)
        )

    @property
    def learns_any(self) -> bool:
        """Whether any view is prepared anew in every training set."""
        return any(self._learns)

    @property
    def keeps_in_sample(self) -> bool:
        """Whether training predictions are kept, for the bias correction that needs them."""
        return self.options.bias_correction == "in_sample"

    def gram(self, view: int) -> np.ndarray:
        """Return the Gram matrix of a view that needs no preparation, computed once."""
        key = (self.specs[view].fingerprint(), len(self.rows))
        if key not in self._grams:
            self._grams[key] = gram_of(self.values[view])
        return self._grams[key]

    def row_sums(self, view: int) -> np.ndarray:
        """Return the sum of each scan's features in a view that needs no preparation, once."""
        if view not in self._row_sums:
            values = self.values[view]
            parts = [values[rows].sum(axis=1, dtype=np.float64) for rows in blocks(*values.shape)]
            self._row_sums[view] = np.concatenate(parts)
        return self._row_sums[view]

    def moments(self) -> Moments:
        """Return the cohort's sums for a ridge through features, computed once."""
        if not self._moments:
            self._moments.append(moments_of(self.values[0], self.ages, np.arange(len(self.rows))))
        return self._moments[0]

    def learns(self, view: int) -> bool:
        """Return whether a view is prepared anew in every training set."""
        return self._learns[view]

    def takes_directions_alone(self, view: int) -> bool:
        """Return whether unit vectors from the mean are all that is learnt of a view."""
        plain = self.options.harmonization.method == "none" and not self._incomplete[view]
        return plain and KINDS[self.specs[view].kind].learnt_in_fold == "direction"

    def fit_direction(self, view: int, train: np.ndarray) -> Preparation:
        """Return the preparation of such a view: the mean of training scans."""
        return Preparation(direction=DirectionTransformer().fit(self.values[view][train]))

    def share_logarithms(self) -> None:
        """Take the logarithm of every scan of tangent views, once for all folds to come."""
        for values, spec in zip(self.values, self.specs, strict=True):
            key = (spec.fingerprint(), len(self.rows), "logarithms")
            if spec.kind == "tangent" and key not in self._grams:
                logs = shared_logarithms(values)
                if logs is not None:
                    self._grams[key] = logs

    def logarithms(self, view: int, rows: np.ndarray) -> np.ndarray | None:
        """Return the shared logarithms of some scans; None where there are none."""
        key = (self.specs[view].fingerprint(), len(self.rows), "logarithms")
        logs = self._grams.get(key)
        return None if logs is None else logs[rows]

    def prepare(self, view: int, train: np.ndarray) -> tuple[Preparation, np.ndarray]:
        """Fit a view's preparation on training scans; return it and their prepared values."""
        return fit_preparation(
            np.asarray(self.values[view][train]),
            self.rows.iloc[train],
            spec=self.specs[view],
            options=self.options,
            incomplete=self._incomplete[view],
            logs=self.logarithms(view, train),
        )

    def fitted_rows(self, train: np.ndarray) -> np.ndarray:
        """Return the rows of a training set: its whole scans and, behind them, their halves."""
        return train if self.halves is None else self.halves.with_halves(train)

    def row_weights(self, fitted: np.ndarray) -> np.ndarray | None:
        """Return the weight of each row in a fit, adding up to the whole scans; None: 1 each."""
        return None if self.halves is None else self.halves.weights_of(fitted)

    def prepare_halves(self, view: int, steps: Preparation, rows: np.ndarray) -> np.ndarray:
        """Return halves of training scans as their whole scans' preparation makes them."""
        values, table = np.asarray(self.values[view][rows]), self.rows.iloc[rows]
        return steps.transform(values, table, logs=self.logarithms(view, rows))

    def prepare_held_out(self, view: int, steps: Preparation, test: np.ndarray) -> np.ndarray:
        """Return held-out scans of a view as a training fold's preparation makes them."""
        return steps.transform(
            np.asarray(self.values[view][test]),
            self.rows.iloc[test],
            validating=True,
            logs=self.logarithms(view, test),
        )
