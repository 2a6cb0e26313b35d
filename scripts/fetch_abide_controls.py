#!/usr/bin/env python3
"""Fetch the ABIDE-I controls with nilearn and write them as parcel series.

    python scripts/fetch_abide_controls.py DIR [--nilearn-data FOLDER]

writes DIR/sub-*/func/sub-*_task-rest_atlas-cc400_timeseries.tsv (with sidecars),
DIR/participants.tsv and DIR/dataset_description.json, which `brainage run configs/abide.yaml`
reads. Files that nilearn finds in place are not downloaded.

Which scans: healthy controls (DX_GROUP 2) that have a file and a mean framewise displacement
(func_mean_fd) below 0.2 mm, sorted by FILE_ID: 476 scans of 476 people at 20 sites. Preprocessing:
C-PAC, band-pass 0.01-0.1 Hz, global signal regressed, Craddock CC400. ROIs that are constant in a
scan are written as missing parcels (n/a). The repetition time differs by site and is not stated
by the source, so it is left unknown.

ABIDE is CC BY-NC-SA 3.0 (Preprocessed Connectomes Project); do not redistribute it with this
package. The download itself (about 700 MB) was never tried by the authors, who had no network;
the conversion was, on files already in nilearn's layout.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import pandas as pd
from nilearn.datasets import fetch_abide_pcp

from brainage.connectivity.covariance import find_missing
from brainage.files import write_json, write_text
from brainage.series import ParcelSeries, ScanQuality, write_series

MAX_MEAN_FD_MM = 0.2
CLEANING = (
    "ABIDE PCP, C-PAC: 0.01-0.1 Hz, nuisance and global signal regressed, CC400 means; "
    "scanner units"
)
FINGERPRINT = "abide_pcp_cpac_filt_global"
SEX = {1: "M", 2: "F"}
_CHOICE = {
    "pipeline": "cpac",
    "derivatives": ["rois_cc400"],
    "band_pass_filtering": True,
    "global_signal_regression": True,
    "quality_checked": False,
    "DX_GROUP": 2,
}


def choose_controls(phenotypes: pd.DataFrame) -> list[str]:
    """Return the FILE_IDs of the controls by the stated rule, sorted."""
    chosen = (
        (phenotypes["DX_GROUP"] == 2)
        & (phenotypes["FILE_ID"] != "no_filename")
        & (phenotypes["func_mean_fd"] < MAX_MEAN_FD_MM)
    )
    return sorted(phenotypes.loc[chosen, "FILE_ID"])


def fetch(nilearn_data: Path) -> tuple[pd.DataFrame, list[Path]]:
    """Return the phenotypes and .1D files of the chosen controls, in the order of FILE_ID."""
    csv = nilearn_data / "ABIDE_pcp" / "Phenotypic_V1_0b_preprocessed1.csv"
    if not csv.is_file():
        # No scan has this id: nilearn fetches the phenotypes and nothing else.
        fetch_abide_pcp(data_dir=nilearn_data, verbose=1, **{**_CHOICE, "FILE_ID": "none"})
    file_ids = choose_controls(pd.read_csv(csv))
    fetch_abide_pcp(data_dir=nilearn_data, verbose=1, FILE_ID=file_ids, **_CHOICE)
    phenotypes = pd.read_csv(csv).set_index("FILE_ID").loc[file_ids]
    folder = nilearn_data / "ABIDE_pcp" / "cpac" / "filt_global"
    return phenotypes, [folder / f"{file_id}_rois_cc400.1D" for file_id in file_ids]


def read_roi_file(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return signals (n_volumes, p), constant ROIs as NaN columns, and the ROI names."""
    with path.open(encoding="utf-8") as stream:
        header = stream.readline()
    names = tuple("CC400-" + name.strip().lstrip("#").strip() for name in header.split("\t"))
    values = np.loadtxt(path)
    values[:, find_missing(values)] = np.nan
    return values, names


def to_series(path: Path, person: pd.Series) -> ParcelSeries:
    """Turn one .1D file and its phenotypes into a parcel series."""
    values, names = read_roi_file(path)
    n_volumes = len(values)
    quality = ScanQuality(
        mean_fd_mm=float(person["func_mean_fd"]),
        n_volumes=n_volumes,
        n_kept=n_volumes,
        retained_s=None,
        coverage=None,
    )
    return ParcelSeries(
        participant_id=participant_id(path.name.removesuffix("_rois_cc400.1D")),
        session_id="n/a",
        run="n/a",
        task="rest",
        values=values,
        parcel_names=names,
        networks=(None,) * len(names),
        kept_volumes=np.arange(n_volumes),
        t_r_s=None,
        atlas="cc400",
        cleaning_fingerprint=FINGERPRINT,
        quality=quality,
        cleaning=CLEANING,
    )


def participant_id(file_id: str) -> str:
    """Return a BIDS label (letters and digits); sorted labels keep the order of the ids."""
    return re.sub("[^A-Za-z0-9]", "", file_id)


def main() -> None:
    """Fetch, convert, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to write the derivatives tree")
    parser.add_argument(
        "--nilearn-data",
        type=Path,
        default=None,
        help="nilearn's data folder (default: DIR/sourcedata)",
    )
    args = parser.parse_args()
    source = args.nilearn_data or args.folder / "sourcedata"
    phenotypes, files = fetch(source)
    people = []
    for number, (path, (_, person)) in enumerate(zip(files, phenotypes.iterrows(), strict=True), 1):
        series = to_series(path, person)
        write_series(series, args.folder)
        people.append(
            (
                f"sub-{series.participant_id}",
                repr(float(person["AGE_AT_SCAN"])),
                SEX[int(person["SEX"])],
                person["SITE_ID"],
            )
        )
        if number % 50 == 0 or number == len(files):
            print(f"{number} of {len(files)} scans written", flush=True)
    lines = ["participant_id\tage_years\tsex\tsite", *("\t".join(row) for row in people)]
    write_text(args.folder / "participants.tsv", "\n".join(lines) + "\n")
    write_json(
        args.folder / "dataset_description.json",
        {
            "Name": "ABIDE-I controls, C-PAC CC400 (PCP)",
            "BIDSVersion": "1.10.0",
            "DatasetType": "derivative",
            "License": "CC BY-NC-SA 3.0",
            "GeneratedBy": [{"Name": "brainage scripts/fetch_abide_controls.py"}],
            "SourceDatasets": [{"URL": "http://preprocessed-connectomes-project.org/abide/"}],
        },
    )
    print(f"{len(people)} people at {phenotypes['SITE_ID'].nunique()} sites in {args.folder}")


if __name__ == "__main__":
    main()
