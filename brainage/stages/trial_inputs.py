"""What a trial's analyses need beside scores and allocation: what a record asks for is read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from brainage.clock import BrainClock
from brainage.config import StudyConfig
from brainage.connectivity import FeatureTable
from brainage.errors import AtlasError, ConfigError
from brainage.files import hash_file
from brainage.imaging import Atlas, load_atlas
from brainage.options import fingerprint_of
from brainage.stages.cohorts import cohort_paths, made_elsewhere, stage_folder
from brainage.stages.features import cohort_features
from brainage.stages.manifest import read_checked_manifest, read_manifest
from brainage.stages.train import study_clocks
from brainage.trial import TrialInputs, TrialOptions, needs_of, read_outcomes


def trial_inputs(study: StudyConfig, options: TrialOptions) -> tuple[TrialInputs, dict[str, str]]:
    """Read what the analyses that the options ask for need, and hash it.

    An input that is not there (no clock behind scores made elsewhere, no series) is left out:
    the analyses that need it are listed as not run, with the reason.

    Parameters
    ----------
    study : StudyConfig
        Names the files.
    options : TrialOptions
        Ask for analyses.

    Returns
    -------
    inputs : TrialInputs
    hashes : dict of str to str
        For the stage's key.

    Raises
    ------
    ConfigError
        Outcomes are named by an analysis and no table is.
    """
    needs = needs_of(options)
    outcomes = None
    clocks: dict[str, dict] = {}
    hashes: dict[str, str] = {}
    features, made_by = _features(study, build="features" in needs)
    hashes |= {} if made_by is None else {"features": made_by}
    if "outcomes" in needs:
        outcomes, path = _outcomes(study, options)
        hashes["outcomes"] = hash_file(path)
    if study.paths.scores is None:
        clocks = {name: _known_of(clock) for name, clock in study_clocks(study).items()}
        hashes |= {f"clock {name}": known["clock_id"] for name, known in clocks.items()}
    coordinates = None if features is None else parcel_centres(study, features)
    if coordinates is not None:
        hashes["coordinates"] = fingerprint_of(coordinates.to_dict("list"))
    inputs = TrialInputs(
        features=features,
        outcomes=outcomes,
        clocks=clocks,
        coordinates=coordinates,
    )
    return inputs, hashes


def _features(study: StudyConfig, *, build: bool) -> tuple[FeatureTable | None, str | None]:
    """Return the features that were scored; else, where asked to, those of the trial's series."""
    folder = stage_folder(study, "score") / "features"
    manifest = read_manifest(folder, missing_ok=True)
    if study.paths.scores is None and manifest is not None:
        read_checked_manifest(folder)
        return FeatureTable.load(folder), _content_of(folder)
    paths = cohort_paths(study, "trial")
    if not build or not (paths.scans or made_elsewhere(paths)) or paths.participants is None:
        return None, None
    own = stage_folder(study, "compare") / "features"
    features, _ = cohort_features(study, "trial", own, verb="compare")
    return features, _content_of(own)


def _content_of(folder: Path) -> str:
    """Hash what the features hold: a stage's key also holds its inputs' times."""
    manifest = read_manifest(folder)
    assert manifest is not None
    return fingerprint_of(manifest["outputs"])


def atlas_of(study: StudyConfig, features: FeatureTable) -> tuple[Atlas | None, str]:
    """Return the atlas of the features' parcels; None, and why, where it is not the study's.

    Series made elsewhere have the places of the atlas that the study names only where they name
    the same atlas: equal labels alone (1, 2, ...) would put one atlas's parcels where another's
    are.

    Parameters
    ----------
    study : StudyConfig
        Names the atlas.
    features : FeatureTable
        Of the trial.

    Returns
    -------
    atlas : Atlas or None
    why_not : str
        Empty where there is one.
    """
    named = study.science.atlas if study.synthetic is None else study.synthetic.atlas
    spec = next(iter(features.views.values())).spec
    try:
        atlas = load_atlas(named)
    except AtlasError as error:
        # Matrices and series need no atlas file; nothing is drawn or boxed without one.
        return None, str(error)
    made_here = study.synthetic is not None or bool(cohort_paths(study, "trial").scans)
    if not made_here and spec.atlas != atlas.name:
        return None, (
            f"the series were made elsewhere with atlas '{spec.atlas}', and science.atlas names "
            f"'{atlas.name}'"
        )
    if set(spec.parcel_names) - set(atlas.parcel_names):
        return None, f"the features have parcels that atlas {atlas.name} does not have"
    return atlas, ""


def parcel_centres(study: StudyConfig, features: FeatureTable) -> pd.DataFrame | None:
    """Return the centres of the features' parcels; None where the atlas or its places lack."""
    atlas, _ = atlas_of(study, features)
    if atlas is None or atlas.centres_mm is None:
        return None
    places = pd.DataFrame(atlas.centres_mm, columns=["x_mm", "y_mm", "z_mm"])
    return places.assign(parcel=list(atlas.parcel_names))


def _outcomes(study: StudyConfig, options: TrialOptions) -> tuple[pd.DataFrame, Path]:
    named = study.paths.outcomes
    if named is None:
        raise ConfigError(
            "paths.outcomes: expected a table with participant_id, session_id and "
            f"{', '.join(options.outcome_columns)}, which science.trial names; found none."
        )
    columns = study.paths.outcomes_columns
    return read_outcomes(named, options.outcome_columns, columns=columns), Path(named)


def _known_of(clock: BrainClock) -> dict:
    return {"clock_id": clock.clock_id, **clock.facts}
