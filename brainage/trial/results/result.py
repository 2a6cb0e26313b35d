"""What a comparison of arms found, and its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from brainage.errors import DesignError
from brainage.files import read_json_object, write_json, write_text
from brainage.showing import Shown
from brainage.tables import TableSchema, read_table, write_table
from brainage.trial.results.contrasts import NO_PLAN, Contrast, as_contrasts
from brainage.trial.results.schemas import (
    ANALYSES,
    CONTRASTS,
    COVARIATES,
    DELTAS,
    EXCLUSIONS,
    FLOW,
    LEVAKOV,
    MODELS,
    MOTION,
    SENSITIVITY,
    SPECIFICATIONS,
    TIMING,
    empty_table,
)
from brainage.trial.results.tables import TableRecord

_TABLES: dict[str, TableSchema] = {
    "deltas": DELTAS,
    "contrasts": CONTRASTS,
    "flow": FLOW,
    "exclusions": EXCLUSIONS,
    "sensitivity": SENSITIVITY,
    "specifications": SPECIFICATIONS,
    "analyses": ANALYSES,
    "motion": MOTION,
    "models": MODELS,
    "covariates": COVARIATES,
    "timing": TIMING,
}
RECORD = "comparison.json"
#: `plan_written` of a plan that the comparison itself wrote, moments before it read the arms.
BY_COMPARISON = "by the comparison"


@dataclass(frozen=True, repr=False)
class TrialResult(Shown):
    """Everything a comparison found; years below zero are younger.

    Parameters
    ----------
    deltas : DataFrame
        Change from baseline by network, arm and visit (schema `DELTAS`).
    contrasts : DataFrame
        Arms against control, the primary contrast first (schema `CONTRASTS`).
    flow, exclusions : DataFrame
        Participant flow, and each excluded scan with its reason.
    sensitivity : DataFrame
        The same contrasts by other means (schema `SENSITIVITY`).
    specifications : DataFrame
        The primary contrast by every means, in order of the estimate: a specification plot's data
        (schema `SPECIFICATIONS`).
    analyses : DataFrame
        Every analysis asked for: done, or not run with the reason (schema `ANALYSES`).
    timing : DataFrame
        Actual years since baseline by arm and visit (schema `TIMING`).
    motion : DataFrame
        Framewise displacement by arm and visit (schema `MOTION`).
    models, covariates : DataFrame
        Covariance structure, numbers and covariates of each fitted model.
    notes : tuple of str
        To print: what was left out, fallen back on, post hoc.
    estimand : dict
        Of the primary contrast, in words.
    scores_hash : str
        Of the scores, taken before they met the allocation.
    plan_hash : str
        Of the plan in force; "no plan" without one.
    seed : int
        Of bootstrap and re-randomisation.
    plan_written : str
        When the plan in force was written (`Plan.written`); "no plan" without one.
    shows_nothing : dict of str to str
        Network -> why its clock shows nothing of age; empty where every clock shows some, or
        where that is not known.
    tables : dict of str to DataFrame
        The analyses' own tables by name, each row marked as planned or not.
    table_records : dict of str to TableRecord
        What each of them shows, and its columns.
    files : dict of str to str
        Text files of the analyses by name (``reproduce.R``).

    Examples
    --------
    >>> result = examples.result()
    >>> result.contrasts[["arm", "versus", "visit"]].head(2)
       arm versus   visit
    0  HRT    CON  1 year
    1  MIT    CON  1 year
    >>> result.primary.arm, result.standing
    ('HRT', 'post hoc')
    """

    deltas: pd.DataFrame = field(repr=False)
    contrasts: pd.DataFrame = field(repr=False)
    flow: pd.DataFrame = field(repr=False)
    exclusions: pd.DataFrame = field(repr=False)
    sensitivity: pd.DataFrame = field(repr=False)
    specifications: pd.DataFrame = field(repr=False)
    analyses: pd.DataFrame = field(repr=False)
    timing: pd.DataFrame = field(repr=False)
    motion: pd.DataFrame = field(repr=False)
    models: pd.DataFrame = field(repr=False)
    covariates: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...]
    estimand: dict
    scores_hash: str
    plan_hash: str
    seed: int
    plan_written: str = NO_PLAN
    shows_nothing: dict[str, str] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    table_records: dict[str, TableRecord] = field(default_factory=dict, repr=False)
    files: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def levakov(self) -> pd.DataFrame:
        """Levakov's attenuation in its own sign (above zero is good); empty if not computed."""
        return self.tables.get(LEVAKOV.name, empty_table(LEVAKOV))

    @property
    def read_first(self) -> tuple[str, ...]:
        """What must be said before any number: which clocks show nothing of age."""
        return tuple(
            f"the clock of {network} shows nothing of age ({why}): its changes within an arm are "
            "the time that passed and no biology, and its contrasts say nothing of brain age"
            for network, why in self.shows_nothing.items()
        )

    @property
    def standing(self) -> str:
        """How the primary contrast was planned, in words: the headline says no more than that."""
        if not self.primary.prespecified:
            return "post hoc"
        if self.plan_written == BY_COMPARISON:
            return "planned by this comparison itself"
        return "prespecified"

    @property
    def primary(self) -> Contrast:
        """The primary contrast."""
        return as_contrasts(self.contrasts[self.contrasts["primary"]])[0]

    def save(self, folder: str | Path) -> None:
        """Write each table as TSV with a data dictionary, and the rest as JSON, last.

        Parameters
        ----------
        folder : str or Path
            Made if absent.
        """
        folder = Path(folder)
        (folder / RECORD).unlink(missing_ok=True)
        for name, schema in _TABLES.items():
            write_table(getattr(self, name), folder / f"{name}.tsv", schema)
        for name, table in self.tables.items():
            write_table(table, folder / f"{name}.tsv", self.table_records[name].schema)
        for name, text in self.files.items():
            write_text(folder / name, text)
        self._forget(folder)
        write_json(
            folder / RECORD,
            {
                "notes": list(self.notes),
                "estimand": self.estimand,
                "seed": self.seed,
                "scores_hash": self.scores_hash,
                "plan_hash": self.plan_hash,
                "plan_written": self.plan_written,
                "shows_nothing": self.shows_nothing,
                "files": list(self.files),
                "tables": {name: each.as_json() for name, each in self.table_records.items()},
            },
        )

    def _forget(self, folder: Path) -> None:
        """Delete tables of an earlier comparison that this one did not make."""
        for path in folder.glob("*.R"):
            if path.name not in self.files:
                path.unlink()
        for path in folder.glob("*.tsv"):
            if path.stem not in _TABLES and path.stem not in self.tables:
                path.unlink()
                path.with_suffix(".json").unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: str | Path) -> TrialResult:
        """Read what `save` wrote.

        Parameters
        ----------
        folder : str or Path
            Holds comparison.json.

        Raises
        ------
        DesignError
            The folder is absent or unfinished.
        TableError
            A table does not have its columns.
        """
        folder = Path(folder)
        if not (folder / RECORD).is_file():
            raise DesignError(
                f"{folder / RECORD}: expected a finished comparison, found none. Run `brainage "
                "compare` again."
            )
        record = read_json_object(folder / RECORD, error=DesignError)
        try:
            records = {
                name: TableRecord.from_json(name, values)
                for name, values in record.pop("tables").items()
            }
            texts = [folder / name for name in record.pop("files")]
            result = cls(
                **{
                    name: read_table(folder / f"{name}.tsv", schema)
                    for name, schema in _TABLES.items()
                },
                files={path.name: path.read_text(encoding="utf-8") for path in texts},
                notes=tuple(map(str, record.pop("notes"))),
                tables={
                    name: read_table(folder / f"{name}.tsv", each.schema)
                    for name, each in records.items()
                },
                table_records=records,
                **record,
            )
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            raise DesignError(
                f"{folder / RECORD}: expected the record of a finished comparison, found: "
                f"{error!r:.200}. Run `brainage compare` again."
            ) from error
        return result
