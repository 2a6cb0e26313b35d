"""The statistical analysis plan: written and hashed before the allocation may be read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from brainage.errors import DesignError
from brainage.files import read_json_object, write_json, write_text
from brainage.options import fingerprint_of
from brainage.showing import Shown
from brainage.tables import WHOLE_BRAIN
from brainage.trial.analyses.planned import HEADLINE, analysis, asked_for
from brainage.trial.analyses.record import Analysis, RowName
from brainage.trial.options import TrialOptions
from brainage.trial.plan.plan_words import plan_text
from brainage.trial.results.contrasts import CORRECTIONS

#: 2: `written` is hashed, tables of analyses are planned.
_FORMAT = 2

BEFOREHAND = "beforehand"
AFTERWARDS = "after a comparison"
#: In force, but for scores that were to be made otherwise.
OTHER_SCORES = "for other scores"


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """A statistical analysis plan.

    Parameters
    ----------
    options : TrialOptions
        Every choice.
    hash : str
        SHA-256 fingerprint (16 digits) of everything else here.
    analyses : tuple of dict
        What is planned: of each effect analysis, arm, versus, visit, outcome, analysis_set,
        estimand_id, primary; of each table of an analysis its name, and the values that name
        each planned row.
    written : {"beforehand", "by the comparison", ...}, default="beforehand"
        By `brainage compare --plan`; by a comparison that found no plan, moments before it read
        the allocation; "after a comparison" (arms had been compared already) and "for other
        scores" (see `judging`) plan nothing.
    scores_by : str or None, default=None
        Fingerprint of the choices behind the scores (cleaning, clock, seed); None: not known.

    Examples
    --------
    >>> plan = ba.write_plan(examples.trial_options(), folder / "plan.json")
    >>> plan.written, len(plan.analyses) > 10
    ('beforehand', True)
    >>> sorted(path.name for path in folder.iterdir())
    ['plan.json', 'plan.txt']
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

    def names(self, key: str, options: TrialOptions, row: dict[str, str]) -> bool:
        """Return whether the plan names an analysis of a row, done with these options.

        Parameters
        ----------
        key : str
            Key of a registered analysis.
        options : TrialOptions
            As used; a setting that changes the analysis's numbers and differs from the plan's
            makes the row post hoc.
        row : dict
            arm, versus, visit, outcome, analysis_set, network. Any network's row is named by the
            whole brain's: the plan says that each network is analysed the same way.
        """
        if not self._holds_for(analysis(key), options):
            return False
        if estimand_id(options, row) != estimand_id(self.options, row):
            return False
        wanted = (key, *(row[name] for name in _ROW))
        return wanted in {
            (each["analysis"], *(each.get(n) for n in _ROW)) for each in self.analyses
        }

    def names_row(self, record: Analysis, options: TrialOptions, row: dict[str, str]) -> bool:
        """Return whether the plan names a row of a table of an analysis, done with these options.

        Parameters
        ----------
        record : Analysis
            Whose table.
        options : TrialOptions
            As used.
        row : dict
            "table", and the values of the table's `planned_by` columns.
        """
        if not self._holds_for(record, options):
            return False
        if any(getattr(options, s) != getattr(self.options, s) for s in _OF_EVERY_TABLE):
            return False
        return {"analysis": record.key, **row} in self.analyses

    def names_analysis(self, record: Analysis, options: TrialOptions) -> bool:
        """Return whether the plan names an analysis at all, with these settings."""
        named = any(each["analysis"] == record.key for each in self.analyses)
        return named and self._holds_for(record, options)

    def _holds_for(self, record: Analysis, options: TrialOptions) -> bool:
        if self.written in (AFTERWARDS, OTHER_SCORES):
            return False
        return all(_setting(options, s) == _setting(self.options, s) for s in record.settings)

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
    "contrasts": ("style", "primary_arm", "primary_visit", "multiplicity", "secondary"),
    "networks": ("style",),
    "deltas": ("style", "within_arm_multiplicity"),
}
_ROW = ("arm", "versus", "visit", "outcome", "analysis_set")
#: What every table of an analysis is about.
_OF_EVERY_TABLE = ("arms", "visits", "outcome", "estimand")


def _setting(options: TrialOptions, name: str) -> object:
    if name == "secondary":
        # One more member of the family changes every adjusted p in it.
        return [each for each in options.contrasts if each.family == "secondary"]
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
            "estimand": options.estimand_in_words,
            "arms": list(options.arms),
            "visits": visits,
            "network": row["network"],
            **{name: row[name] for name in _ROW},
        }
    )


def planned_analyses(options: TrialOptions) -> list[dict]:
    """Return every row that the options plan, the primary contrast first."""
    planned: list[dict] = []
    for record in asked_for(options):
        planned += [_planned(options, record, row) for row in record.rows(options)]
        # JSON and Python must agree on what a row is called.
        named = [
            {name: str(value) for name, value in row.items()} for row in record.table_rows(options)
        ]
        whole = [
            {"table": table.name}
            for table in record.tables
            if not (table.planned_by or table.describes)
        ]
        planned += [{"analysis": record.key, **row} for row in (*named, *whole)]
    return sorted(planned, key=lambda each: not each.get("primary", False))


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

    Examples
    --------
    >>> plan = ba.write_plan(examples.trial_options(), folder / "plan.json")
    >>> len(plan.hash), (folder / "plan.json").is_file()
    (16, True)
    """
    path = Path(path)
    analyses = planned_analyses(options)
    content = {
        "format": _FORMAT,
        "written": written,
        "options": _chosen(options),
        "analyses": analyses,
    }
    if scores_by is not None:
        content["scores_by"] = scores_by
    plan = Plan(options, fingerprint_of(content), tuple(analyses), written, scores_by)
    words = plan_text(options, plan.hash, analyses[0], scores_by=scores_by)
    write_text(path.with_suffix(".txt"), words)
    write_json(path, {**content, "hash": plan.hash})
    return plan


def _chosen(options: TrialOptions) -> dict:
    """Return the options as the plan keeps them: what is not asked for is not there.

    A plan then keeps its hash when a later version offers an analysis that it does not ask for.
    """
    values = options.model_dump(mode="json")
    # Not every empty value says nothing: score_covariates may be emptied on purpose.
    silent = {
        name
        for name, value in TrialOptions.model_fields.items()
        if value.default in (None, (), {}) and values[name] in (None, [], {})
    }
    return {name: value for name, value in values.items() if name not in silent}


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

    Examples
    --------
    >>> plan = ba.write_plan(examples.trial_options(), folder / "plan.json")
    >>> ba.read_plan(folder / "plan.json").hash == plan.hash
    True
    """
    path = Path(path)
    if not path.exists():
        raise DesignError(f"{path}: no plan there. `brainage compare --plan` writes it.")
    content = read_json_object(path, error=DesignError)
    try:
        stored = content.pop("hash")
        if content.get("format") != _FORMAT:
            raise DesignError(
                f"{path}: expected a plan of format {_FORMAT}, found {content.get('format')}, in "
                "which the word that says when the plan was written is not hashed. Write the "
                "plan anew with `brainage compare --plan`."
            )
        written = content["written"]
        analyses = tuple(content["analyses"])
        if fingerprint_of(content) != stored:
            raise DesignError(
                f"{path}: the plan was changed after it was hashed ({stored}). Write "
                "a new one with `brainage compare --plan`; what the old one did not "
                "name is post hoc."
            )
        options = TrialOptions.model_validate_json(json.dumps(content["options"]))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DesignError(f"{path}: expected a plan written by brainage, found: {error}") from error
    return Plan(options, stored, analyses, written, content.get("scores_by"))


def _planned(options: TrialOptions, record: Analysis, row: RowName) -> dict:
    arm, versus, visit = row
    outcome = record.outcome(options)
    named = {
        "arm": arm,
        "versus": versus,
        "visit": visit,
        "outcome": outcome,
        "analysis_set": record.analysis_set,
        "network": WHOLE_BRAIN,
    }
    primary = (record.key, arm, versus, visit) == (
        HEADLINE[options.style],
        options.primary_arm or options.arms[-1],
        options.control_arm,
        options.primary_visit,
    )
    return {
        "analysis": record.key,
        **named,
        "correction": CORRECTIONS[outcome],
        "estimand_id": estimand_id(options, named),
        "primary": primary,
    }
