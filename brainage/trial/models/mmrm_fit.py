"""A fitted repeated-measures model, and the means and contrasts it gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from brainage.errors import DesignError
from brainage.trial.models.degrees_of_freedom import (
    ClusterRobustErrors,
    ModelErrors,
)
from brainage.trial.models.lsmeans import Estimate, mean_of_weights, t_estimate
from brainage.trial.models.model_frame import ModelFrame


@dataclass(frozen=True)
class MmrmFit:
    """A fitted repeated-measures model.

    Parameters
    ----------
    coefficients : Series
        Generalised least-squares coefficients; covariates are centred, so in the change form a
        cell of arm and visit is its least-squares mean.
    vcov : DataFrame
        Covariance of the coefficients behind the standard errors.
    covariance : dict of str to DataFrame
        Covariance of the visits: one matrix under "all arms", or one per arm.
    covariance_name : str
        Structure fitted.
    fell_back_because : tuple of str
        Why each structure before it failed, in order; empty if the first was fitted.
    n_participants, n_observations : int
        Analysed.
    covariates : tuple of str
        In the model.
    method : str
        One line for a results table.
    notes : tuple of str
        What was left out and why, to print.
    log_likelihood : float
        Restricted.
    n_covariance_parameters : int
        Estimated parameters of the covariance, of all arms together.
    frame : ModelFrame
        Design behind the fit.
    errors : ModelErrors or ClusterRobustErrors
        Gives standard error and degrees of freedom of any linear combination.
    """

    coefficients: pd.Series
    vcov: pd.DataFrame
    covariance: dict[str, pd.DataFrame]
    covariance_name: str
    fell_back_because: tuple[str, ...]
    n_participants: int
    n_observations: int
    covariates: tuple[str, ...]
    method: str
    notes: tuple[str, ...]
    log_likelihood: float
    n_covariance_parameters: int
    frame: ModelFrame = field(repr=False)
    errors: ModelErrors | ClusterRobustErrors = field(repr=False)

    @property
    def aic(self) -> float:
        """Akaike's criterion of the covariance: REML compares models of the same mean only."""
        return 2 * self.n_covariance_parameters - 2 * self.log_likelihood

    def lsmean(self, arm: str, visit: str | None = None) -> Estimate:
        """Estimate the least-squares mean of the response, at observed margins.

        Parameters
        ----------
        arm : str
            One of the model's arms.
        visit : str or None, default=None
            None: the equally weighted mean over the visits (without baseline).

        Returns
        -------
        result : Estimate
        """
        return self.estimate(self._mean_weights(arm, visit))

    def arm_delta(self, arm: str, visit: str | None = None) -> Estimate:
        """Estimate an arm's mean change from baseline.

        In the change form this is the least-squares mean; in the constrained form it is the
        least-squares mean minus the common baseline mean.

        Parameters
        ----------
        arm : str
            One of the model's arms.
        visit : str or None, default=None
            None: the equally weighted mean over the visits (without baseline).

        Returns
        -------
        result : Estimate
        """
        weights = self._mean_weights(arm, visit)
        if self.frame.form == "constrained":
            weights = weights - self.frame.weights_of(self.frame.arms[0], self.frame.visits[0])
        return self.estimate(weights)

    def contrast(
        self, arm: str, visit: str | None = None, *, versus: str | None = None
    ) -> Estimate:
        """Estimate the difference of an arm from another in the mean response.

        Parameters
        ----------
        arm : str
            One of the model's arms.
        visit : str or None, default=None
            None: the equally weighted mean over the visits (without baseline).
        versus : str or None, default=None
            None: control, the first arm.

        Returns
        -------
        result : Estimate
        """
        return self.estimate(self.contrast_weights(arm, visit, versus=versus))

    def contrast_weights(
        self, arm: str, visit: str | None = None, *, versus: str | None = None
    ) -> np.ndarray:
        """Return the coefficients' weights in a contrast (for joint tests, such as Dunnett's)."""
        other = self.frame.arms[0] if versus is None else versus
        if arm == other:
            raise DesignError(f"contrast: arm '{arm}' cannot be compared with itself.")
        return self._mean_weights(arm, visit) - self._mean_weights(other, visit)

    def estimate(self, weights: np.ndarray) -> Estimate:
        """Estimate any linear combination of the coefficients.

        Parameters
        ----------
        weights : ndarray of shape (p,)
            In the order of `coefficients`.

        Returns
        -------
        result : Estimate
        """
        se, df = self.errors.error_of(weights)
        return t_estimate(float(weights @ self.coefficients.to_numpy()), se, df)

    def _mean_weights(self, arm: str, visit: str | None) -> np.ndarray:
        visits = self.frame.later_visits if visit is None else (visit,)
        return mean_of_weights([self.frame.weights_of(arm, each) for each in visits])
