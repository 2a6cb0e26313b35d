"""Who is scanned when: ages, latent brain ages, arms, attendance. Every planted value, per scan."""

from __future__ import annotations

import numpy as np
import pandas as pd

from brainage.synthetic.options import (
    ArmPlan,
    DifficultyOptions,
    DropoutOptions,
    ReferenceOptions,
    SyntheticOptions,
    TrialPlan,
)
from brainage.synthetic.seeds import stream
from brainage.tables import NO_SESSION, Column, TableSchema

_LOW_BRAIN_AGE, _HIGH_BRAIN_AGE = 0.0, 120.0
_STRATA_SHARES = {"bmi_high": 0.35, "chair_stand_low": 0.4}

TRUTH = TableSchema(
    "planted truth",
    (
        Column("cohort", "text", "reference or trial."),
        Column("participant_id", "text", "Participant."),
        Column("session_id", "text", "Session, 'n/a' where there is none."),
        Column("visit", "integer", "0 at baseline (and for the reference cohort)."),
        Column("arm", "text", "Arm, n/a in the reference cohort.", nullable=True),
        Column("sex", "text", "F or M."),
        Column("site", "text", "Site."),
        Column("scanner", "text", "Scanner."),
        Column("age_years", "number", "Age at the scan.", "years"),
        Column(
            "trait_years",
            "number",
            "Stable trait: age at the person's first scan plus noise; no effect and no year moves "
            "it.",
            "years",
        ),
        Column("person_offset_years", "number", "Stable part of brain age minus age.", "years"),
        Column("state_years", "number", "Part of brain age of this scan alone.", "years"),
        Column("common_effect_years", "number", "Effect of the visit on every arm.", "years"),
        Column("effect_years", "number", "Effect of the arm on this person's brain age.", "years"),
        Column("brain_age_years", "number", "Age plus all of the above.", "years"),
        Column(
            "brain_age_without_effect_years",
            "number",
            "The same without effect_years: the counterfactual.",
            "years",
        ),
        Column("regional_z", "number", "Planted rise of prefrontal connectivity, Fisher z."),
        Column("mean_fd_mm", "number", "Mean framewise displacement.", "mm"),
        Column("share_kept", "number", "Share of the volumes that is left of the scan."),
        Column("sessions_attended", "number", "Training sessions.", nullable=True),
        Column("scanned", "boolean", "False: the visit was missed; no file is written."),
    ),
    key=("cohort", "participant_id", "session_id"),
)

ALLOCATION = TableSchema(
    "allocation",
    (
        Column("participant_id", "text", "Participant."),
        Column("arm", "text", "Arm as randomised."),
        Column("sex", "text", "Stratum: F or M."),
        Column("bmi_high", "text", "Stratum: body-mass index above 28, yes or no."),
        Column("chair_stand_low", "text", "Stratum: 11 chair stands or fewer, yes or no."),
        Column("sessions_attended", "integer", "Training sessions attended (the dose)."),
    ),
    key=("participant_id",),
)


def draw_reference(options: SyntheticOptions, seed: int) -> pd.DataFrame:
    """Draw the reference cohort, one scan a person (schema `TRUTH`)."""
    plan, difficulty = options.reference, options.difficulty
    rows = []
    width = max(4, len(str(plan.n)))
    for index in range(plan.n):
        rng = stream(seed, "reference person", index)
        age = rng.uniform(plan.age_low_years, plan.age_high_years)
        age = _confounded_age(age, plan, index % plan.n_sites)
        person = _draw_person(difficulty, rng)
        site = f"site{index % plan.n_sites + 1}"
        row = _scan_row(person, age, difficulty, rng)
        row["trait_years"] = _draw_trait(age, difficulty, stream(seed, "trait", 0, index))
        rows.append(
            {
                "cohort": "reference",
                "participant_id": f"R{index + 1:0{width}d}",
                "session_id": NO_SESSION,
                "visit": 0,
                "arm": None,
                "site": site,
                "scanner": site,
                "common_effect_years": 0.0,
                "effect_years": 0.0,
                "regional_z": 0.0,
                "share_kept": 1.0,
                "sessions_attended": np.nan,
                "scanned": True,
                **row,
            }
        )
    return _finish(rows)


def draw_trial(
    plan: TrialPlan, difficulty: DifficultyOptions, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the trial.

    Returns
    -------
    truth : DataFrame
        Schema `TRUTH`, one row a person and planned visit, missed ones included.
    allocation : DataFrame
        Schema `ALLOCATION`.
    """
    people = draw_trial_people(plan, seed)
    allocation = allocate(people, plan, stream(seed, "allocation"))
    allocation["sessions_attended"] = draw_dose(allocation["arm"], plan, stream(seed, "dose"))
    effects = person_effects(allocation, plan, stream(seed, "effect"))
    rows = []
    arms = {arm.name: arm for arm in plan.arms}
    for index, row in enumerate(allocation.itertuples()):
        rng = stream(seed, "trial person", index)
        person = _draw_person(difficulty, rng) | {"sex": row.sex}
        age = rng.uniform(plan.age_low_years, plan.age_high_years)
        trait = _draw_trait(age, difficulty, stream(seed, "trait", 1, index))
        new_scanner = rng.random() < plan.scanner_change_share
        for visit, planned in enumerate(plan.visits):
            jitter = plan.visit_jitter_sd_years * rng.standard_normal() if visit else 0.0
            scan = _scan_row(person, age + planned.nominal_years + jitter, difficulty, rng)
            rows.append(
                {
                    "cohort": "trial",
                    "participant_id": row.participant_id,
                    "session_id": planned.session_id,
                    "visit": visit,
                    "arm": row.arm,
                    "site": plan.site,
                    "scanner": _scanner(plan, visit, new_scanner),
                    "common_effect_years": planned.common_effect_years,
                    "effect_years": effects[index, visit],
                    "regional_z": arms[row.arm].regional_z if visit else 0.0,
                    "share_kept": _share_kept(arms[row.arm], visit),
                    "sessions_attended": float(row.sessions_attended),
                    "scanned": True,
                    "trait_years": trait,
                    **scan,
                }
            )
    truth = _finish(rows)
    gaps = (truth["brain_age_years"] - truth["age_years"]).to_numpy()
    attended = draw_attendance(
        gaps.reshape(len(allocation), -1), plan.dropout, stream(seed, "dropout")
    )
    truth["scanned"] = attended.ravel()
    return truth, allocation


def draw_trial_people(plan: TrialPlan, seed: int) -> pd.DataFrame:
    """Draw the randomised list: participant_id and strata, in order of randomisation."""
    n = sum(arm.n for arm in plan.arms)
    rng = stream(seed, "trial people")
    width = max(3, len(str(n)))
    columns: dict[str, object] = {"participant_id": [f"T{i + 1:0{width}d}" for i in range(n)]}
    columns["sex"] = np.where(rng.random(n) < 0.6, "F", "M")
    for name, share in _STRATA_SHARES.items():
        columns[name] = np.where(rng.random(n) < share, "yes", "no")
    return pd.DataFrame(columns).astype(object)


def allocate(people: pd.DataFrame, plan: TrialPlan, rng: np.random.Generator) -> pd.DataFrame:
    """Give everyone an arm by the plan's scheme; returns `people` with the column ``arm``.

    "simple" shuffles a list with each arm's n. "stratified_blocks" deals permuted blocks of
    ``plan.block_size`` within each stratum of the three strata columns; the last block of a
    stratum may be cut.
    """
    names = [arm.name for arm in plan.arms]
    if plan.allocation == "simple":
        labels = rng.permutation(np.repeat(names, [arm.n for arm in plan.arms]))
    else:
        labels = np.empty(len(people), dtype=object)
        block = np.repeat(names, plan.block_size // len(names))
        strata = people.groupby(["sex", *_STRATA_SHARES], sort=True).indices
        for _, index in sorted(strata.items()):
            blocks = [rng.permutation(block) for _ in range(len(index) // len(block) + 1)]
            labels[index] = np.concatenate(blocks)[: len(index)]
    return people[["participant_id"]].assign(
        arm=labels.astype(object), **{name: people[name] for name in ("sex", *_STRATA_SHARES)}
    )


def draw_dose(arm: pd.Series, plan: TrialPlan, rng: np.random.Generator) -> np.ndarray:
    """Draw the training sessions each person attended; 0 in an arm that was offered none."""
    means = {a.name: a.sessions_mean for a in plan.arms}
    mean = arm.map(means).to_numpy(dtype=float)
    drawn = mean * (1 + 0.25 * rng.standard_normal(len(arm)))
    return np.clip(drawn, 0, 1.4 * mean).round().astype(int)


def person_effects(
    allocation: pd.DataFrame, plan: TrialPlan, rng: np.random.Generator
) -> np.ndarray:
    """Return each person's planted effect at each visit, years, shape (n, n_visits).

    Each arm's mean is the planned effect in expectation, up to the cap on attendance (0.6 % of the
    dose-dependent share): that share scales with attended / planned sessions, and people differ by
    ``effect_sd_years`` where the arm has an effect at all.
    """
    planned = {arm.name: (0.0, *arm.effects_years) for arm in plan.arms}
    effects = np.array([planned[name] for name in allocation["arm"]], dtype=float)
    means = {arm.name: arm.sessions_mean for arm in plan.arms}
    mean = allocation["arm"].map(means).to_numpy(dtype=float)
    dose = np.divide(
        allocation["sessions_attended"].to_numpy(dtype=float),
        mean,
        out=np.ones(len(mean)),
        where=mean > 0,
    )
    share = plan.dose_share
    spread = plan.effect_sd_years * rng.standard_normal(len(effects))
    scaled = effects * (1 - share + share * dose)[:, None]
    return scaled + np.where(effects != 0, spread[:, None], 0.0)


def draw_attendance(
    gaps_years: np.ndarray, dropout: DropoutOptions, rng: np.random.Generator
) -> np.ndarray:
    """Draw who attends which visit.

    Parameters
    ----------
    gaps_years : ndarray of shape (n, n_visits)
        What the odds may depend on: latent gaps, or observed ones (then the missingness is at
        random given the observed scores).
    dropout : DropoutOptions
        Rate and dependence.
    rng : Generator
        Draws.

    Returns
    -------
    attended : ndarray of shape (n, n_visits), bool
        Baseline is always attended. A visit's odds depend only on visits attended before.

    Examples
    --------
    >>> from brainage.synthetic.options import DropoutOptions
    >>> gaps = np.zeros((4, 3))
    >>> attended = draw_attendance(gaps, DropoutOptions(rate=0.0), np.random.default_rng(0))
    >>> attended.all(axis=0).tolist()
    [True, True, True]
    """
    n, n_visits = gaps_years.shape
    attended = np.ones((n, n_visits), dtype=bool)
    if dropout.rate == 0 or n == 0:
        return attended
    center = gaps_years[:, 0].mean()
    sd = gaps_years[:, 0].std() or 1.0
    base = np.log(dropout.rate / (1 - dropout.rate))
    last_seen = gaps_years[:, 0].copy()
    for visit in range(1, n_visits):
        seen = {"baseline_gap": gaps_years[:, 0], "previous_gap": last_seen}
        gap = seen.get(dropout.depends_on, np.full(n, center))
        odds = base + dropout.log_odds_per_sd * (gap - center) / sd
        missed = rng.random(n) < 1 / (1 + np.exp(-odds))
        stays_away = ~attended[:, visit - 1] & (rng.random(n) >= dropout.return_share)
        attended[:, visit] = ~(missed | stays_away)
        last_seen = np.where(attended[:, visit], gaps_years[:, visit], last_seen)
    return attended


def _confounded_age(age_years: float, plan: ReferenceOptions, site: int) -> float:
    """Return an age drawn over the whole range, moved towards the ages that its site scans."""
    place = site / (plan.n_sites - 1) if plan.n_sites > 1 else 0.5
    own = plan.age_low_years + place * (plan.age_high_years - plan.age_low_years)
    return age_years + plan.site_age_confounding * (own - age_years)


def _draw_trait(
    first_age_years: float, difficulty: DifficultyOptions, rng: np.random.Generator
) -> float:
    # A stream of its own: without traits every other draw is as it was.
    return float(first_age_years + difficulty.trait_sd_years * rng.standard_normal())


def _share_kept(arm: ArmPlan, visit: int) -> float:
    return arm.shares_kept[visit - 1] if visit and arm.shares_kept else 1.0


def _draw_person(difficulty: DifficultyOptions, rng: np.random.Generator) -> dict:
    return {
        "sex": "F" if rng.random() < 0.55 else "M",
        "person_offset_years": difficulty.person_offset_sd_years * rng.standard_normal(),
        "motion_level": 0.3 * rng.standard_normal(),
    }


def _scan_row(
    person: dict, age_years: float, difficulty: DifficultyOptions, rng: np.random.Generator
) -> dict:
    # Motion rises with age: 0.10 mm at 18, 0.15 mm at 60 and 0.19 mm at 90, typically.
    log_fd = np.log(0.14) + 0.009 * (age_years - 50) + person["motion_level"]
    return {
        "sex": person["sex"],
        "age_years": age_years,
        "person_offset_years": person["person_offset_years"],
        "state_years": difficulty.state_sd_years * rng.standard_normal(),
        "mean_fd_mm": float(np.exp(log_fd + 0.2 * rng.standard_normal())),
    }


def _scanner(plan: TrialPlan, visit: int, new_scanner: bool) -> str:
    if plan.scanner_change_from is None or not new_scanner:
        return plan.site
    sessions = [planned.session_id for planned in plan.visits]
    changed = visit >= sessions.index(plan.scanner_change_from)
    return f"{plan.site}-new" if changed else plan.site


def _finish(rows: list[dict]) -> pd.DataFrame:
    truth = pd.DataFrame(rows, columns=list(TRUTH.names))
    known = ["age_years", "person_offset_years", "state_years", "common_effect_years"]
    without = truth[known].astype(float).sum(axis=1)
    truth["brain_age_without_effect_years"] = without.clip(_LOW_BRAIN_AGE, _HIGH_BRAIN_AGE)
    with_effect = without + truth["effect_years"].astype(float)
    truth["brain_age_years"] = with_effect.clip(_LOW_BRAIN_AGE, _HIGH_BRAIN_AGE)
    return truth
