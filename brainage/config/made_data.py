"""Where a synthetic study's own data are: said once, when the study is loaded."""

from __future__ import annotations

from pathlib import Path

from brainage.config.paths import CohortPaths, PathsSection
from brainage.synthetic import SyntheticOptions

#: What `brainage.synthetic.write_study` writes a cohort's data into, by depth: key and folder.
_SOURCES = {"nifti": ("scans", "derivatives/fmriprep"), "series": ("series", "series")}


def with_made_data(paths: PathsSection, made: SyntheticOptions, data: Path) -> PathsSection:
    """Return paths that point at the data which a synthetic study makes for itself.

    Parameters
    ----------
    paths : PathsSection
        Of the study; its cohorts and allocation give way.
    made : SyntheticOptions
        What is made; without a trial only the reference cohort.
    data : Path
        Folder that `brainage.synthetic.write_study` writes into.
    """
    update: dict[str, object] = {"reference": _cohort(made, data / "reference")}
    if made.trial is not None:
        trial = _cohort(made, data / "trial")
        sessions = str(data / "trial" / "sessions.tsv")
        update["trial"] = trial.model_copy(update={"sessions": sessions})
        update["allocation"] = str(data / "trial" / "allocation.tsv")
    return paths.model_copy(update=update)


def _cohort(made: SyntheticOptions, folder: Path) -> CohortPaths:
    kind, inside = _SOURCES[made.depth]
    return CohortPaths.model_validate(
        {kind: str(folder / inside), "participants": str(folder / "participants.tsv")}
    )
