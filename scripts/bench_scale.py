"""What every stage of a study costs as scans grow in number: time, memory, files, system calls.

    python scripts/bench_scale.py 2000 8000                  every stage, from images
    python scripts/bench_scale.py --records 40000            scans put on record, none extracted
    python scripts/bench_scale.py --calls                    system calls on files, for each scan

Images are tiny (5 x 5 x 5 voxels, 40 volumes, with confounds, mask and sidecar, as fMRIPrep lays
them out), so that bookkeeping is measured and not inflation: see bench_extract.py for that. Nine
tenths of the scans are of a reference cohort, one tenth of a trial (two visits a person). Each
stage is a command of its own; its wall and CPU seconds, peak memory (largest process) and the files
it leaves are printed as a table, and at the end each stage's slope: the power of the number of
scans with which CPU grows (1: linear). ``--calls`` needs strace; it takes what a stage needs for
120 scans less what it needs for 40, so that what starting Python costs is not in it.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import NamedTuple

import numpy as np

from brainage.config import load_study
from brainage.imaging import Scan, write_nifti
from brainage.series import ParcelSeries, ScanQuality, write_series
from brainage.stages.extract import scan_work
from brainage.stages.records import known_by, scan_row, write_record
from brainage.stages.scan_list import cohort_scans
from brainage.stages.scan_work import ScanWork

_SHAPE, _T, _P = (5, 5, 5), 40, 100
_AFFINE = np.diag([10.0, 10.0, 10.0, 1.0])
_SPACE = "space-MNI152NLin2009cAsym"
_CALLS = (
    "trace=open,openat,stat,newfstatat,statx,lstat,fstat,access,faccessat,faccessat2,mkdir,mkdirat,"
    "unlink,unlinkat,rename,renameat,renameat2,getdents64,readlink,chmod,fchmod,fchmodat"
)
_STUDY = Template("""\
extends: $preset
paths:
  output: out
  reference: {scans: reference, participants: reference/participants.tsv}
  trial: {scans: trial, participants: trial/participants.tsv}
  allocation: allocation.tsv
run: {n_jobs: 2}
science:
  atlas: {name: toy, path: atlas.nii.gz}
  exclusion: {min_retained_s: 60.0}
  clock: {networks: false, half_scans: "$half_scans"}
  trial:
    arms: [CON, HRT]
    control_arm: CON
    visits:
      - {label: baseline, session_id: baseline, nominal_years: 0}
      - {label: 1 year, session_id: 1y, nominal_years: 1}
    primary_visit: 1 year
    randomization: {n_draws: 199}
""")
#: Stages in the order in which they are measured.
_STAGES = {
    "check": ["check"],
    "extract": ["extract"],
    "resume": ["extract"],
    "collect": ["extract", "--collect"],
    "train": ["train"],
    "score": ["score"],
    "compare": ["compare"],
    "report": ["report"],
    "verify": ["check", "--verify"],
}


class Kind(NamedTuple):
    """Which clock is measured: the preset a study extends, and whether it trains on halves."""

    preset: str
    half_scans: str


class Cost(NamedTuple):
    """What a stage took."""

    n_scans: int
    stage: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    files_a_scan: float


def make_study(folder: Path, n_scans: int, how: Kind) -> Path:
    """Lay out a study of so many scans; return its file."""
    rng = np.random.default_rng(0)
    labels = np.arange(125).reshape(_SHAPE) % (_P + 1)
    write_nifti(folder / "atlas.nii.gz", labels, _AFFINE)
    n_trial = max(4, n_scans // 20)
    n_reference = n_scans - 2 * n_trial
    pattern = rng.normal(size=_SHAPE)
    for cohort, n, sessions in (
        ("reference", n_reference, [None]),
        ("trial", n_trial, ["baseline", "1y"]),
    ):
        people = ["participant_id\tsession_id\tage\tsex"]
        for i in range(n):
            age = float(rng.uniform(62, 70) if cohort == "trial" else rng.uniform(20, 80))
            for session in sessions:
                years = age + (session == "1y")
                write_scan(folder / cohort, f"sub-{cohort[0]}{i:05d}", session, years, pattern, rng)
                named = "n/a" if session is None else f"ses-{session}"
                people.append(f"sub-{cohort[0]}{i:05d}\t{named}\t{years:.3f}\t{'FM'[i // 2 % 2]}")
        (folder / cohort / "participants.tsv").write_text("\n".join(people) + "\n")
    arms = [f"sub-t{i:05d}\t{('CON', 'HRT')[i % 2]}" for i in range(n_trial)]
    (folder / "allocation.tsv").write_text("\n".join(["participant_id\tarm", *arms]) + "\n")
    (folder / "study.yaml").write_text(_STUDY.substitute(how._asdict()))
    return folder / "study.yaml"


def write_scan(
    root: Path,
    person: str,
    session: str | None,
    age_years: float,
    pattern: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Write an image in which two halves of the brain go together the more the older, and more."""
    stem = person if session is None else f"{person}_ses-{session}"
    func = root / person / ("" if session is None else f"ses-{session}") / "func"
    shared = rng.standard_normal(_T) * age_years / 40
    values = 1000 + 40 * (rng.standard_normal((*_SHAPE, _T)) + pattern[..., None] * shared)
    image = func / f"{stem}_task-rest_{_SPACE}_desc-preproc_bold"
    write_nifti(func / f"{image.name}.nii.gz", values, _AFFINE, t_r_s=2.0)
    (func / f"{image.name}.json").write_text('{"RepetitionTime": 2.0}')
    mask, confounds = root / "mask.nii.gz", root / "confounds.tsv"
    if not mask.exists():
        write_nifti(mask, np.ones(_SHAPE), _AFFINE, dtype="uint8")
        names = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
        motion = np.cumsum(rng.normal(0, 2e-4, (_T, 6)), axis=0)
        np.savetxt(confounds, motion, "%.6f", "\t", header="\t".join(names), comments="")
    # The same for all: names cost what they cost, and content is not what is measured.
    os.link(mask, func / f"{stem}_task-rest_{_SPACE}_desc-brain_mask.nii.gz")
    os.link(confounds, func / f"{stem}_task-rest_desc-confounds_timeseries.tsv")


def put_all_on_record(study_file: Path) -> None:
    """Leave what an extraction would leave of every scan, without reading one."""
    study, rng = load_study(study_file), np.random.default_rng(0)
    for cohort in ("reference", "trial"):
        work = scan_work(study, cohort)
        for scan in cohort_scans(study, cohort):
            put_on_record(work, scan, rng.standard_normal((_T, _P)).astype(np.float32))


def put_on_record(work: ScanWork, scan: Scan, values: np.ndarray) -> None:
    """Write the series and the record that an extraction of this scan would leave."""
    series = ParcelSeries(
        participant_id=scan.participant_id,
        session_id=scan.session_id,
        run=scan.run,
        task=scan.task,
        values=values,
        parcel_names=work.atlas.parcel_names,
        networks=work.atlas.networks,
        kept_volumes=np.arange(_T),
        t_r_s=2.0,
        atlas="toy",
        cleaning_fingerprint="bench",
        cleaning="none",
        quality=ScanQuality(0.1, _T, _T, _T * 2.0, None, None, {}),
    )
    path = write_series(series, work.folder)
    row = scan_row(scan, "done", None) | {"series": str(path.relative_to(work.folder))}
    row |= {"n_volumes": _T, "n_kept": _T, "retained_s": _T * 2.0, "mean_fd_mm": 0.1, "t_r_s": 2.0}
    row |= {"n_parcels": _P, "n_missing_parcels": 0}
    inputs = [known_by(file, "size_mtime") for file in work.files(scan)]
    write_record(work.folder, row, made_by=work.fingerprint(scan), inputs=inputs)


def command(stage: str, study_file: Path) -> list[str]:
    """Return the command line of a stage."""
    verb, *more = _STAGES[stage]
    return [sys.executable, "-m", "brainage", verb, str(study_file), "--quiet", *more]


def measured(n_scans: int, stage: str, study_file: Path) -> Cost:
    """Run a stage and return what it took."""
    before = n_files(study_file.parent / "out")
    wall = time.monotonic()
    process = subprocess.Popen(
        command(stage, study_file), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - wall
    if process.returncode not in (0, 1):
        raise SystemExit(f"{stage} at {n_scans} scans: exit {process.returncode}\n{told[-2000:]}")
    made = n_files(study_file.parent / "out") - before
    cpu = used.ru_utime + used.ru_stime
    return Cost(n_scans, stage, wall, cpu, used.ru_maxrss / 1024, made / n_scans)


def n_files(folder: Path) -> int:
    """Return how many files lie in a tree."""
    return sum(len(names) for _, _, names in os.walk(folder))


def calls_of(stage: str, study_file: Path) -> int:
    """Return the system calls on files that a stage makes, workers included."""
    traced = ["strace", "-f", "-c", "-e", _CALLS, *command(stage, study_file)]
    told = subprocess.run(traced, capture_output=True, text=True, check=False)
    if told.returncode not in (0, 1):
        raise SystemExit(f"{stage}: exit {told.returncode}\n{told.stderr[-2000:]}")
    total = re.findall(r"^\s*100\.00\s+\S+\s+\S+\s+(\d+)(?:\s+\d+)?\s+total", told.stderr, re.M)
    return int(total[-1])


def print_calls(stages: list[str], how: Kind) -> None:
    """Print the system calls on files that each stage makes for each scan."""
    few, many = 40, 120
    counts: dict[int, dict[str, int]] = {}
    for n in (few, many):
        with tempfile.TemporaryDirectory(prefix="brainage-scale-") as folder:
            study_file = make_study(Path(folder), n, how)
            counts[n] = {stage: calls_of(stage, study_file) for stage in stages}
    print("stage\tcalls_a_scan")
    for stage in stages:
        print(f"{stage}\t{(counts[many][stage] - counts[few][stage]) / (many - few):.1f}")


def print_costs(
    sizes: list[int], stages: list[str], make: Callable[[Path, int, Kind], Path], how: Kind
) -> None:
    """Print what each stage costs at each size, and how it grows."""
    print("\t".join(Cost._fields))
    costs = []
    for n in sizes:
        with tempfile.TemporaryDirectory(prefix="brainage-scale-") as folder:
            study_file = make(Path(folder), n, how)
            for stage in stages:
                cost = measured(n, stage, study_file)
                costs.append(cost)
                shown = [f"{value:.2f}" for value in cost[2:]]
                print("\t".join([str(n), stage, *shown]), flush=True)
    print("stage\tslope")
    for stage in stages:
        own = [cost for cost in costs if cost.stage == stage]
        if len(own) > 1:
            logs = np.log([(cost.n_scans, cost.cpu_s) for cost in own])
            print(f"{stage}\t{np.polyfit(*logs.T, 1)[0]:.2f}")


def make_on_record(folder: Path, n_scans: int, how: Kind) -> Path:
    """Lay out a study whose scans are all extracted."""
    study_file = make_study(folder, n_scans, how)
    put_all_on_record(study_file)
    return study_file


def main() -> None:
    """Measure at each size that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*")
    parser.add_argument("--records", action="store_true", help="extract nothing")
    parser.add_argument("--calls", action="store_true", help="count system calls (strace)")
    parser.add_argument("--stages", nargs="+", choices=list(_STAGES), default=list(_STAGES))
    parser.add_argument("--preset", default="recommended", help="what the study extends")
    parser.add_argument("--half-scans", default="off", help="science.clock.half_scans")
    asked = parser.parse_args()
    how = Kind(asked.preset, asked.half_scans)
    if asked.calls:
        print_calls(asked.stages, how)
    if asked.sizes:
        stages = [stage for stage in asked.stages if not asked.records or stage != "extract"]
        make = make_on_record if asked.records else make_study
        print_costs(asked.sizes, stages, make, how)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"this script: {peak:.0f} MB")


if __name__ == "__main__":
    main()
