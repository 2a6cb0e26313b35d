"""The statistical analysis plan: written and hashed before the allocation may be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from brainage.errors import DesignError
from brainage.files import write_json, write_text
from brainage.options import fingerprint_of
from brainage.tables import WHOLE_BRAIN
from brainage.trial.design.sets import COMPLETERS, INTENTION_TO_TREAT, PER_PROTOCOL
from brainage.trial.options import TrialOptions
from brainage.trial.plan.plan_words import plan_text
from brainage.trial.results.contrasts import AVERAGE, BASELINE, CORRECTIONS

_FORMAT = 1

_COVARIATES = ("strata", "covariates", "score_covariates")
_MODEL = (*_COVARIATES, "degrees_of_freedom", "covariance_by_arm")

#: Analyses that make deltas and contrasts, with the settings that change their numbers.
ANALYSES = {
    "mmrm": _MODEL,
    "within_arm": ("within_arm_multiplicity",),
    "change_scores": (),
    "levakov": ("n_bootstraps",),
    "ancova": _COVARIATES,
    "rerandomization": (*_COVARIATES, "randomization"),
    "uncorrected": _MODEL,
    "constrained": _MODEL,
    "other_degrees_of_freedom": _MODEL,
    "other_covariance": _MODEL,
    "completers": _MODEL,
    "per_protocol": (*_MODEL, "dose_column", "per_protocol_min_dose"),
    "motion": _MODEL,
    "interval": _MODEL,
    "scanner": _MODEL,
}
#: Style -> analysis behind the headline contrasts.
HEADLINE = {"recommended": "mmrm", "lisa_like": "change_scores", "levakov2023": "levakov"}

BEFOREHAND, BY_COMPARISON = "beforehand", "by the comparison"
AFTERWARDS = "after a comparison"
#: In force, but for scores that were to be made otherwise.
OTHER_SCORES = "for other scores"


@dataclass(frozen=True)
class Plan:
    """A statistical analysis plan.

    Parameters
    ----------
    options : TrialOptions
        Every choice.
    hash : str
        SHA-256 fingerprint (16 digits) of the choices, the analyses they name and `scores_by`.
    analyses : tuple of dict
        What is planned: analysis, arm, versus, visit, outcome, analysis_set, estimand_id, primary.
    written : {"beforehand", "by the comparison", ...}, default="beforehand"
        By `brainage compare --plan`; by a comparison that found no plan, moments before it read
        the allocation; "after a comparison" (arms had been compared already) and "for other
        scores" (see `judging`) plan nothing. Not part of the hash.
    scores_by : str or None, default=None
        Fingerprint of the choices behind the scores (cleaning, clock, seed); None: not known.
    """

    options: TrialOptions
    hash: str
    analyses: tuple[dict, ...] = field(repr=False)
    written: str = BEFOREHAND
    scores_by: str | None = None

    def judging(self, scores_by: str | None) -> Plan:
        """Return the plan as it is in force for scores made by these choices.

        A clock chosen again once its contrasts were seen is not the planned one: where the
        fingerprints differ nothing is prespecified. A fingerprint that is not known (scores made
        elsewhere, a plan of before it was stored) cannot tell.
        """
        if None in (scores_by, self.scores_by) or scores_by == self.scores_by:
            return self
        return self if self.written == AFTERWARDS else replace(self, written=OTHER_SCORES)

    def adjusts_alike(self, family: str, options: TrialOptions) -> bool:
        """Return whether a family's p-values are adjusted as planned with these options.

        Parameters
        ----------
        family : {"primary", "contrasts", "networks", "deltas"}
            Key of `FAMILIES`.
        options : TrialOptions
            As used.
        """
        return all(
            _setting(options, name) == _setting(self.options, name) for name in FAMILIES[family]
        )

    def names(self, analysis: str, options: TrialOptions, row: dict) -> bool:
        """Return whether the plan names an analysis of a row, done with these options.

        Parameters
        ----------
        analysis : str
            One of `ANALYSES`.
        options : TrialOptions
            As used; a setting that changes the analysis's numbers and differs from the plan's
            makes the row post hoc.
        row : dict
            arm, versus, visit, outcome, analysis_set, network. Any network's row is named by the
            whole brain's: the plan says that each network is analysed the same way.
        """
        if self.written in (AFTERWARDS, OTHER_SCORES):
            return False
        if any(getattr(options, s) != getattr(self.options, s) for s in ANALYSES[analysis]):
            return False
        if estimand_id(options, row) != estimand_id(self.options, row):
            return False
        wanted = (analysis, *(row[name] for name in _ROW))
        return wanted in {(each["analysis"], *(each[n] for n in _ROW)) for each in self.analyses}

    def differences(self, options: TrialOptions) -> list[str]:
        """Return the settings that differ from the plan's, in words."""
        mine = self.options.model_dump(mode="json")
        other = options.model_dump(mode="json")
        return [
            f"{key}: planned {mine[key]}, used {other[key]}"
            for key in mine
            if mine[key] != other[key]
        ]


#: What decides how a row of the headline analysis is adjusted for multiplicity.
FAMILIES = {
    "primary": ("style", "primary_arm", "primary_visit"),
    "contrasts": ("style", "primary_arm", "primary_visit", "multiplicity"),
    "networks": ("style",),
    "deltas": ("style", "within_arm_multiplicity"),
}
_ROW = ("arm", "versus", "visit", "outcome", "analysis_set")


def _setting(options: TrialOptions, name: str):
    if name == "primary_arm":
        return options.primary_arm or options.arms[-1]
    return getattr(options, name)


def estimand_id(options: TrialOptions, row: dict) -> str:
    """Return the hash of what a row estimates, whatever the method.

    Parameters
    ----------
    options : TrialOptions
        Holds the estimand's words, the arms and the visits.
    row : dict
        arm, versus, visit, outcome, analysis_set, network.

    Returns
    -------
    identity : str
        16 hexadecimal digits.
    """
    visits = [visit.model_dump(mode="json") for visit in options.visits]
    return fingerprint_of(
        {
            "estimand": options.estimand.model_dump(mode="json"),
            "arms": list(options.arms),
            "visits": visits,
            "network": row["network"],
            **{name: row[name] for name in _ROW},
        }
    )


def planned_analyses(options: TrialOptions) -> list[dict]:
    """Return every analysis that the options plan, the primary contrast first."""
    later = [visit.label for visit in options.visits[1:]]
    primary_arm = options.primary_arm or options.arms[-1]
    rows = []
    for analysis in ("mmrm", "change_scores", "ancova", "levakov"):
        visits = [*later, AVERAGE] if analysis == "mmrm" and len(later) > 1 else later
        rows += [
            (analysis, arm, options.control_arm, visit)
            for arm in options.arms[1:]
            for visit in visits
        ]
    for analysis in ("mmrm", "within_arm", "levakov"):
        rows += [(analysis, arm, BASELINE, visit) for arm in options.arms for visit in later]
    rows.append(("rerandomization", primary_arm, options.control_arm, options.primary_visit))
    planned = [_planned(options, row) for row in rows]
    visits = [*later, AVERAGE] if len(later) > 1 else later
    pairs = [(arm, options.control_arm, visit) for arm in options.arms[1:] for visit in visits]
    pairs += [(arm, BASELINE, visit) for arm in options.arms for visit in later]
    for name in list(ANALYSES)[list(ANALYSES).index("uncorrected") :]:
        if name != "per_protocol" or options.dose_column is not None:
            planned += [_planned(options, (name, *pair)) for pair in pairs]
    return sorted(planned, key=lambda each: not each["primary"])


def write_plan(
    options: TrialOptions,
    path: str | Path,
    *,
    written: str = BEFOREHAND,
    scores_by: str | None = None,
) -> Plan:
    """Write the plan as JSON and, beside it, in words; nothing but the options is read.

    Parameters
    ----------
    options : TrialOptions
        Every choice.
    path : str or Path
        Ends in ``.json``; the words go to the same name with ``.txt``.
    written : {"beforehand", "by the comparison", "after a comparison"}, default="beforehand"
        See `Plan`.
    scores_by : str or None, default=None
        Fingerprint of the choices behind the scores, where they are known.

    Returns
    -------
    plan : Plan
    """
    path = Path(path)
    analyses = planned_analyses(options)
    content = {"format": _FORMAT, "options": options.model_dump(mode="json"), "analyses": analyses}
    if scores_by is not None:
        content["scores_by"] = scores_by
    plan = Plan(options, fingerprint_of(content), tuple(analyses), written, scores_by)
    words = plan_text(options, plan.hash, analyses[0], scores_by=scores_by)
    write_text(path.with_suffix(".txt"), words)
    write_json(path, {**content, "hash": plan.hash, "written": written})
    return plan


def read_plan(path: str | Path) -> Plan:
    """Read a plan and check that nobody changed it since it was hashed.

    Parameters
    ----------
    path : str or Path
        Written by `write_plan`.

    Returns
    -------
    plan : Plan

    Raises
    ------
    DesignError
        Absent, not a plan, or its content does not have its hash.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        stored = content.pop("hash")
        written = content.pop("written", BEFOREHAND)
        analyses = tuple(content["analyses"])
        if fingerprint_of(content) != stored:
            raise DesignError(
                f"{path}: the plan was changed after it was hashed ({stored}). Write "
                "a new one with `brainage compare --plan`; what the old one did not "
                "name is post hoc."
            )
        options = TrialOptions.model_validate_json(json.dumps(content["options"]))
    except FileNotFoundError:
        raise DesignError(f"{path}: no plan there. `brainage compare --plan` writes it.") from None
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        raise DesignError(f"{path}: expected a plan written by brainage, found: {error}") from error
    return Plan(options, stored, analyses, written, content.get("scores_by"))


def _planned(options: TrialOptions, row: tuple[str, str, str, str]) -> dict:
    analysis, arm, versus, visit = row
    outcome = "gap_years" if analysis == "uncorrected" else options.outcome
    own_set = analysis if analysis in (COMPLETERS, PER_PROTOCOL) else INTENTION_TO_TREAT
    named = {
        "arm": arm,
        "versus": versus,
        "visit": visit,
        "outcome": outcome,
        "analysis_set": own_set,
        "network": WHOLE_BRAIN,
    }
    primary = (analysis, arm, versus, visit) == (
        HEADLINE[options.style],
        options.primary_arm or options.arms[-1],
        options.control_arm,
        options.primary_visit,
    )
    return {
        "analysis": analysis,
        **named,
        "correction": CORRECTIONS[outcome],
        "estimand_id": estimand_id(options, named),
        "primary": primary,
    }
