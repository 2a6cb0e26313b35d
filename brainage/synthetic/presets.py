"""Options of the studies that come with the package.

The split of the planted effects over visits is illustrative: the trial did not publish it.
"""

from __future__ import annotations

from brainage.synthetic.options import (
    ArmPlan,
    DifficultyOptions,
    DropoutOptions,
    NiftiOptions,
    ReferenceOptions,
    SyntheticOptions,
    TrialPlan,
    VisitPlan,
)

#: By how much the demo's planted effects exceed the twin's: 22 people an arm would not see less.
DEMO_EFFECT_FACTOR = 5.0

_VISITS = (
    VisitPlan(session_id="baseline", nominal_years=0.0),
    VisitPlan(session_id="1y", nominal_years=1.0, common_effect_years=-0.4),
    VisitPlan(session_id="2y", nominal_years=2.0, common_effect_years=-0.3),
)


def lisa_arms(n: tuple[int, int, int], *, factor: float = 1.0) -> tuple[ArmPlan, ...]:
    """Return CON, MIT and HRT with the twin's planted effects times `factor`."""
    con, mit, hrt = n
    return (
        ArmPlan(name="CON", n=con, effects_years=(0.0, 0.0)),
        ArmPlan(
            name="MIT", n=mit, effects_years=_scaled((-1.39, -1.4), factor), sessions_mean=110.0
        ),
        ArmPlan(
            name="HRT",
            n=hrt,
            effects_years=_scaled((-1.4, -2.3), factor),
            sessions_mean=120.0,
            regional_z=0.03,
        ),
    )


def twin_options() -> SyntheticOptions:
    """Return the LISA twin: the study's own size, at parcel-series depth.

    Examples
    --------
    >>> options = twin_options()
    >>> options.reference.n, sum(arm.n for arm in options.trial.arms)
    (2433, 309)
    """
    return SyntheticOptions(
        depth="series",
        reference=ReferenceOptions(n=2433, n_sites=6),
        trial=TrialPlan(arms=lisa_arms((104, 105, 100)), visits=_VISITS),
        note="Planted: HRT -1.4 / -2.3, MIT -1.39 / -1.4, CON 0 / 0 latent years at 1 / 2 years; "
        "the split over visits is illustrative.",
    )


def demo_options(*, n_reference: int = 130, n_per_arm: int = 22) -> SyntheticOptions:
    """Return the demo: a small NIfTI study, easier than the twin, and it says so.

    Parameters
    ----------
    n_reference : int, default=130
        Reference adults.
    n_per_arm : int, default=22
        People of each of the three arms.

    Examples
    --------
    >>> demo_options().depth, demo_options(n_per_arm=10).reference.n
    ('nifti', 130)
    """
    factor = DEMO_EFFECT_FACTOR
    return SyntheticOptions(
        depth="nifti",
        n_volumes=120,
        t_r_s=3.0,
        reference=ReferenceOptions(n=n_reference, n_sites=3),
        trial=TrialPlan(arms=lisa_arms((n_per_arm,) * 3, factor=factor), visits=_VISITS),
        difficulty=DifficultyOptions(
            ageing=0.12,
            person_offset_sd_years=2.0,
            state_sd_years=0.5,
            motion=1.0,
            person_connectivity=0.04,
            person_diffuse=0.05,
            scan_connectivity=0.02,
        ),
        note=f"This demo is easier than real data: with {n_per_arm} people an arm instead of 103, "
        f"the planted effects are {factor:g} times the twin's and ageing is stronger.",
    )


def tiny_options() -> SyntheticOptions:
    """Return a study for tests: few people, 32 parcels, seconds.

    Examples
    --------
    >>> options = ba.tiny_options()
    >>> options.reference.n, [arm.name for arm in options.trial.arms]
    (40, ['CON', 'MIT', 'HRT'])
    """
    return SyntheticOptions(
        depth="series",
        n_parcels=32,
        n_volumes=80,
        reference=ReferenceOptions(n=40, n_sites=2),
        trial=TrialPlan(
            arms=lisa_arms((8, 8, 8), factor=3.0),
            visits=_VISITS,
            dropout=DropoutOptions(rate=0.2),
        ),
        difficulty=DifficultyOptions(ageing=0.12, person_offset_sd_years=4.0),
        nifti=NiftiOptions(n_dummy_volumes=1),
        note="A tiny study for tests: effects three times the twin's.",
    )


def _scaled(effects_years: tuple[float, ...], factor: float) -> tuple[float, ...]:
    # Two decimals, as a study file would say it.
    return tuple(round(effect * factor, 2) for effect in effects_years)
