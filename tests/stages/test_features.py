"""Which series and ages a feature table is made from, and when it is made again."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from brainage.config import study_from_mapping
from brainage.errors import BrainAgeError
from brainage.series import ParcelSeries, ScanQuality, write_series
from brainage.stages.features import cohort_features, cohort_series, series_inputs
from brainage.stages.records import SCANS, write_record, write_summary


def write_run(folder, participant, *, atlas="toy", seed=0):
    rng = np.random.default_rng(seed)
    series = ParcelSeries(
        participant_id=participant,
        session_id="n/a",
        run="n/a",
        task="n/a",
        values=rng.standard_normal((60, 4)),
        parcel_names=tuple("abcd"),
        networks=("x",) * 4,
        kept_volumes=np.arange(60),
        t_r_s=2.0,
        atlas=atlas,
        cleaning_fingerprint="0" * 16,
        quality=ScanQuality(0.1, 60, 60, 120.0, np.ones(4)),
        cleaning="none",
    )
    return write_series(series, folder)


@pytest.fixture
def folder(tmp_path):
    """Four people's series of one atlas in ``series``, ages in two columns."""
    for i in range(4):
        write_run(tmp_path / "series", f"{i}", seed=i)
    people = pd.DataFrame(
        {"participant_id": list("0123"), "age": [20, 40, 60, 80], "age_at_death": [90, 91, 92, 93]}
    )
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    return tmp_path


def study(folder, **reference):
    paths = {"series": "series", "participants": "people.tsv", **reference}
    return study_from_mapping(
        {
            "extends": "fisher_z_ridge",
            "paths": {"output": "out", "reference": {k: v for k, v in paths.items() if v}},
            "run": {"n_jobs": 1},
        },
        base=folder,
    )


def extracted(folder):
    """Lay the series where `extract` writes them, with their summary."""
    base = folder / "out" / "extract" / "reference"
    rows = []
    for i in range(4):
        path = write_run(base, f"{i}", seed=i)
        rows.append(
            {
                "participant_id": f"{i}",
                "session_id": "n/a",
                "run": "n/a",
                "task": "n/a",
                "status": "done",
                "series": str(path.relative_to(base)),
            }
        )
    for row in rows:
        write_record(base, row, made_by="", inputs=[])
    table = pd.DataFrame(rows).reindex(columns=list(SCANS.names))
    write_summary(table, base, options={})
    return base, table


def names(files):
    return [file.participant_id for file in files]


def test_another_age_column_makes_the_features_again(folder):
    first, key = cohort_features(study(folder), "reference", folder / "f")
    other = study(folder, columns={"age_years": "age_at_death"})
    second, other_key = cohort_features(other, "reference", folder / "f")
    assert key != other_key
    assert second.rows["age_years"].tolist() == [90, 91, 92, 93]


def test_ages_beside_the_scans_are_among_the_inputs(folder):
    extracted(folder)
    (folder / "scans").mkdir()
    beside = folder / "scans" / "participants.tsv"
    beside.write_bytes((folder / "people.tsv").read_bytes())
    one = study(folder, series=None, participants=None, scans="scans")
    before = series_inputs(one, "reference")
    beside.write_text(beside.read_text().replace("\t20\t", "\t21\t"))
    assert series_inputs(one, "reference") != before


def test_one_atlas_of_several_in_a_foreign_folder_is_taken_by_name(folder):
    for i in range(4):
        write_run(folder / "series", f"{i}", atlas="other", seed=i)
    with pytest.raises(BrainAgeError, match="one run in several forms"):
        cohort_series(study(folder), "reference")
    files = cohort_series(study(folder, atlas="other"), "reference")
    assert names(files) == list("0123")
    assert all("atlas-other" in file.path.name for file in files)


def test_a_table_of_series_files_is_a_source_like_a_folder(folder):
    table = pd.DataFrame(
        [
            {"path": str(file.path), "participant_id": file.participant_id}
            for file in cohort_series(study(folder), "reference")
        ]
    )
    table.to_csv(folder / "list.tsv", sep="\t", index=False)
    features, _ = cohort_features(study(folder, series="list.tsv"), "reference", folder / "f")
    assert features.rows["age_years"].tolist() == [20, 40, 60, 80]


def test_series_that_the_last_extraction_did_not_name_are_not_used(folder):
    base, table = extracted(folder)
    write_run(base, "3", atlas="former", seed=3)
    write_run(base, "gone", seed=5)
    table.loc[0, ["status", "series"]] = ["failed", None]
    write_summary(table, base, options={})
    assert names(cohort_series(study(folder, series=None, scans="x"), "reference")) == list("123")


def test_an_extraction_that_did_not_end_is_refused(folder):
    base, _ = extracted(folder)
    (base / "scans.tsv").unlink()
    one = study(folder, series=None, scans="x")
    with pytest.raises(BrainAgeError, match=r"scans\.tsv: no summary .* extract --collect"):
        cohort_series(one, "reference")


def test_a_series_that_was_deleted_is_named(folder):
    base, table = extracted(folder)
    (base / table["series"][2]).unlink()
    with pytest.raises(BrainAgeError, match=r"sub-2.*listed in .* but not there \(1 such"):
        cohort_series(study(folder, series=None, scans="x"), "reference")


def test_the_manifest_of_the_features_names_the_columns_that_were_read(folder):
    cohort_features(study(folder, columns={"age_years": "age"}), "reference", folder / "f")
    options = json.loads((folder / "f" / "manifest.json").read_text())["options"]
    assert options[-1]["columns"] == {"age_years": "age"}
