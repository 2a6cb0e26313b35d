"""What an extraction of many scans costs when nothing is left to do: resume, collect, verify.

Scans of a few bytes with a record each, so that only the bookkeeping is measured:

    python scripts/bench_scale.py 2000 8000 40000

prints wall and CPU seconds, peak memory and files a scan, and with ``strace`` on PATH the system
calls on files a scan. Slopes (times per doubling) tell what is not linear.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from brainage.config import load_study
from brainage.imaging import Scan, write_nifti
from brainage.series import ParcelSeries, ScanQuality, write_series
from brainage.stages.extract import collect_cohort, extract_cohort, scan_work
from brainage.stages.records import known_by, record_path, scan_row, write_record
from brainage.stages.scan_list import cohort_scans
from brainage.stages.scan_work import ScanWork
from brainage.stages.verify import verify

_P, _T = 5, 4
_CALLS = "trace=openat,stat,newfstatat,statx,lstat,access,faccessat2,mkdir,unlink,rename,getdents64"


def make(folder: Path, n: int) -> Path:
    """Lay out a study of n scans that are all on record; return its file."""
    rng = np.random.default_rng(0)
    write_nifti(folder / "atlas.nii.gz", np.arange(125).reshape(5, 5, 5) % (_P + 1), np.eye(4) * 4)
    rows = ["path\tparticipant_id"]
    for i in range(n):
        image = folder / "scans" / f"s{i:05d}.nii.gz"
        image.parent.mkdir(exist_ok=True)
        image.write_bytes(b"1")
        rows.append(f"scans/s{i:05d}.nii.gz\t{i:05d}")
    (folder / "scans.tsv").write_text("\n".join(rows) + "\n")
    (folder / "study.yaml").write_text(
        "paths: {output: out, reference: {scans: scans.tsv}}\nrun: {n_jobs: 2}\nscience:\n"
        "  atlas: {name: toy, path: atlas.nii.gz}\n  cleaning: {strategy: none, t_r_s: 2.0}\n"
    )
    study = load_study(folder / "study.yaml")
    work = scan_work(study, "reference")
    for scan in cohort_scans(study, "reference"):
        put_on_record(work, scan, rng.standard_normal((_T, _P)))
    return folder / "study.yaml"


def put_on_record(work: ScanWork, scan: Scan, values: np.ndarray) -> None:
    """Write the series and the record that an extraction of this scan would leave."""
    names = tuple(f"P{i}" for i in range(_P))
    series = ParcelSeries(
        participant_id=scan.participant_id,
        session_id=scan.session_id,
        run=scan.run,
        task=scan.task,
        values=values,
        parcel_names=names,
        networks=(None,) * _P,
        kept_volumes=np.arange(_T),
        t_r_s=2.0,
        atlas="toy",
        cleaning_fingerprint="bench",
        cleaning="none",
        quality=ScanQuality(0.1, _T, _T, _T * 2.0, None, None, {}),
    )
    path = write_series(series, work.folder)
    row = scan_row(scan, "done", None) | {"series": str(path.relative_to(work.folder))}
    inputs = [known_by(file, "size_mtime") for file in work.files(scan)]
    write_record(work.folder, row, made_by=work.fingerprint(scan), inputs=inputs)


def measured(name: str, n: int, call) -> None:
    """Print what a call costs."""
    wall, cpu = time.monotonic(), time.process_time()
    call()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n}\t{name}\t{wall:.1f}\t{cpu:.1f}\t{peak:.0f}\t{1e3 * cpu / n:.2f}")


def calls(study_file: Path, n: int) -> str:
    """Return the system calls on files that a resume makes for each scan; "" without strace."""
    if shutil.which("strace") is None:
        return ""
    command = [sys.executable, "-m", "brainage", "extract", str(study_file), "--quiet"]
    totals = []
    for more in ([], ["--participant", "00000"]):
        traced = ["strace", "-f", "-c", "-e", _CALLS, *command, *more]
        told = subprocess.run(traced, capture_output=True, text=True, check=True).stderr
        totals.append(int(re.findall(r"^\s*100\.00\s+\S+\s+\S*\s+(\d+)", told, re.M)[-1]))
    # What starting Python costs is taken off by a run that looks at one scan.
    return f"{(totals[0] - totals[1]) / n:.1f}"


def main() -> None:
    """Measure at each size that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="+")
    sizes = parser.parse_args().sizes
    print("scans\twhat\twall_s\tcpu_s\tpeak_mb\tcpu_ms_a_scan")
    for n in sizes:
        with tempfile.TemporaryDirectory(prefix="brainage-scale-") as folder:
            started = time.monotonic()
            file = make(Path(folder), n)
            print(f"{n}\tmade\t{time.monotonic() - started:.1f}")
            study = load_study(file)
            measured("resume", n, lambda study=study: extract_cohort(study, "reference"))
            measured("collect", n, lambda study=study: collect_cohort(study, "reference"))
            measured("verify", n, lambda study=study: verify(study))
            n_files = sum(1 for path in Path(folder, "out").rglob("*") if path.is_file())
            fullest = max(len(list(path.iterdir())) for path in record_path_folders(Path(folder)))
            print(f"{n}\tfiles a scan {n_files / n:.2f}, records in the fullest folder {fullest}")
            if told := calls(file, n):
                print(f"{n}\tresume: {told} calls on files a scan")


def record_path_folders(folder: Path) -> list[Path]:
    """Return the folders that hold records."""
    some = record_path(
        folder / "out" / "extract" / "reference",
        {"participant_id": "0", "session_id": "n/a", "task": "n/a", "run": "n/a"},
    )
    return [path for path in some.parent.parent.iterdir() if path.is_dir()]


if __name__ == "__main__":
    main()
