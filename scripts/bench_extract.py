"""Time extraction beside inflating the file to nowhere and beside nilearn's maskers.

Every measured run is a fresh process (imports outside the clock, operator and file cache warm),
the ways alternate, and medians are compared::

    python scripts/bench_extract.py                           # all of it, about twelve minutes
    python scripts/bench_extract.py --volumes 60 --repeats 1 --only labels,inflate

Prints one row a measurement, then every figure that was promised: asked, found, PASS or MISS.
Figures without a promise (uncompressed, float32, cold builds) are printed with "-".

nilearn's labels masker takes some 9 ms a volume where the atlas file holds integers and 49 ms where
it holds floats, as the Schaefer-Tian, AAL and Power files in circulation do; ours takes the same
time for both. Both are measured; the other ways have the integers.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# One thread of arithmetic: two cores are for inflating beside it, not for BLAS.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402 - after the threads are set
from bench_extract_images import AFFINE, N_LABELS, SHAPE, T_R_S, make_everything  # noqa: E402

SMOOTHING_MM = 6.0
#: What is measured for the figures without a promise: not so often.
FEW = 2

GZ, PLAIN, F32, LONG = "bold.nii.gz", "bold.nii", "float32.nii.gz", "long.nii.gz"
LABELS = {"atlas": "labels"}
SMOOTH = {"atlas": "labels", "mm": SMOOTHING_MM}
SPHERES = {"atlas": "spheres"}
#: Every measurement: which code, which file, how many cores, and how often at most.
WAYS = {
    "inflate": {"do": "inflate", "file": GZ},
    "ours_labels": {"do": "ours", "file": GZ, **LABELS},
    "nilearn_labels": {"do": "nilearn", "file": GZ, **LABELS, "labels": "labels_float32.nii.gz"},
    "nilearn_labels_int16": {"do": "nilearn", "file": GZ, **LABELS},
    "ours_smooth": {"do": "ours", "file": GZ, **SMOOTH},
    "nilearn_smooth": {"do": "nilearn", "file": GZ, **SMOOTH},
    "ours_spheres": {"do": "ours", "file": GZ, **SPHERES},
    "nilearn_spheres": {"do": "nilearn", "file": GZ, **SPHERES},
    "inflate_1core": {"do": "inflate", "file": GZ, "cores": 1},
    "ours_labels_1core": {"do": "ours", "file": GZ, **LABELS, "cores": 1},
    "ours_long": {"do": "ours", "file": LONG, **LABELS, "at_most": FEW},
    "read_plain": {"do": "inflate", "file": PLAIN, "at_most": FEW},
    "ours_plain": {"do": "ours", "file": PLAIN, **LABELS, "at_most": FEW},
    "nilearn_plain": {"do": "nilearn", "file": PLAIN, **LABELS, "at_most": 1},
    "inflate_float32": {"do": "inflate", "file": F32, "at_most": FEW},
    "ours_float32": {"do": "ours", "file": F32, **LABELS, "at_most": FEW},
    "nilearn_float32": {"do": "nilearn", "file": F32, **LABELS, "at_most": 1},
    "ours_smooth_mask": {"do": "ours", "file": GZ, **SMOOTH, "own_mask": True, "at_most": FEW},
    "cold_labels": {"do": "ours", "file": GZ, **LABELS, "cold": True, "at_most": FEW},
    "cold_smooth": {"do": "ours", "file": GZ, **SMOOTH, "cold": True, "at_most": FEW},
    "cold_spheres": {"do": "ours", "file": GZ, **SPHERES, "cold": True, "at_most": FEW},
}
#: (what, one way, the way it is divided by, bound or None, whether at most or at least)
RATIOS = (
    ("ours / inflating, two cores", "ours_labels", "inflate", 1.35, "at most"),
    ("ours / inflating, pinned to one", "ours_labels_1core", "inflate_1core", 1.6, "at most"),
    ("nilearn / ours, 400 labels, float32", "nilearn_labels", "ours_labels", 7.0, "at least"),
    ("nilearn / ours, 400 labels, int16", "nilearn_labels_int16", "ours_labels", 7.0, "at least"),
    ("nilearn / ours, labels + 6 mm", "nilearn_smooth", "ours_smooth", 12.0, "at least"),
    ("nilearn / ours, 300 spheres", "nilearn_spheres", "ours_spheres", 15.0, "at least"),
    ("ours / reading, .nii", "ours_plain", "read_plain", None, ""),
    ("nilearn / ours, .nii", "nilearn_plain", "ours_plain", None, ""),
    ("ours / inflating, float32", "ours_float32", "inflate_float32", None, ""),
    ("nilearn / ours, float32", "nilearn_float32", "ours_float32", None, ""),
    ("smoothing in each scan's mask / in the grid", "ours_smooth_mask", "ours_smooth", None, ""),
)
#: Largest difference in standard deviations of a series. Printed without a promise where nilearn
#: rounds: it smooths integers in float32, and cuts means of spheres to the image's own int16. The
#: tests compare those with nilearn given the same values as float64.
DIFFERENCES = (("labels", 1e-6), ("spheres", None), ("smooth", None))
PEAK_MB = 300
WORKERS_RATIO = 1.8


def main() -> int:
    """Make the scans, measure every way, print rows and figures; 1 where a promise is missed."""
    options = _arguments()
    if options.worker:
        return _worker(json.loads(options.worker))
    chosen = {name: way for name, way in WAYS.items() if _wanted(name, options.only)}
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench_extract") as name:
        folder = Path(name)
        make_everything(folder, {GZ} | {way["file"] for way in chosen.values()}, options.volumes)
        size = (folder / GZ).stat().st_size / 1e6
        print(
            f"{SHAPE} x {options.volumes} int16: {size:.0f} MB compressed, "
            f"load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        medians, peaks = _measure(folder, chosen, options.repeats)
        figures = [*_ratios(medians), *_peaks(peaks, options.volumes), *_differences(folder)]
        if _wanted("workers", options.only):
            figures.append(_two_workers(folder, options.repeats))
    return _print_figures(figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--volumes", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="comma-separated parts of names of ways")
    parser.add_argument("--folder", default=None, help="where the temporary files go")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _wanted(name: str, only: str) -> bool:
    return not only or any(part in name for part in only.split(","))


def _measure(folder: Path, chosen: dict, repeats: int) -> tuple[dict, dict]:
    """Return the median seconds and the median peak memory of every way."""
    times: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}
    for way in chosen.values():
        if way["do"] == "ours" and not way.get("cold"):
            # Builds the operator if need be, so that no measured process does.
            _result(_start(folder, way | {"scans": 0}))
    for repeat in range(repeats):
        for name, way in chosen.items():
            if repeat < way.get("at_most", repeats):
                found = _result(_start(folder, way | {"name": name}))
                times.setdefault(name, []).append(found["wall_s"])
                peaks.setdefault(name, []).append(found["peak_mb"])
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{'way':<20}{'runs':>5}{'median s':>10}{'fastest s':>11}{'peak MB':>9}")
    for name, values in times.items():
        print(
            f"{name:<20}{len(values):>5}{medians[name]:>10.2f}{min(values):>11.2f}"
            f"{statistics.median(peaks[name]):>9.0f}"
        )
    return medians, {name: statistics.median(values) for name, values in peaks.items()}


def _ratios(medians: dict[str, float]) -> list[tuple]:
    figures = [
        (what, bound, side, medians[above] / medians[below], "{:.2f}")
        for what, above, below, bound, side in RATIOS
        if above in medians and below in medians
    ]
    return figures + [
        (f"cold operator build, {name.removeprefix('cold_')}, s", None, "", medians[name], "{:.2f}")
        for name in medians
        if name.startswith("cold")
    ]


def _peaks(peaks: dict[str, float], n_volumes: int) -> list[tuple]:
    figures = []
    if "ours_labels" in peaks:
        figures.append(
            (f"peak MB, {n_volumes} volumes", PEAK_MB, "at most", peaks["ours_labels"], "{:.0f}")
        )
        if "ours_long" in peaks:
            figures.append(
                (
                    f"peak MB, {4 * n_volumes:,} volumes",
                    peaks["ours_labels"],
                    "at most",
                    peaks["ours_long"],
                    "{:.0f}",
                )
            )
    return figures


def _differences(folder: Path) -> list[tuple]:
    figures = []
    for name, bound in DIFFERENCES:
        saved = [folder / f"{whose}_{name}.npy" for whose in ("ours", "nilearn")]
        if all(path.is_file() for path in saved):
            ours, theirs = map(np.load, saved)
            largest = float((np.abs(ours - theirs) / theirs.std(axis=0)).max())
            figures.append(
                (
                    f"largest difference from nilearn, {name}, SD",
                    bound,
                    "at most" if bound else "",
                    largest,
                    "{:.1e}",
                )
            )
    return figures


def _two_workers(folder: Path, repeats: int) -> tuple:
    """Run two pinned single-threaded workers, five scans each, and one; compare scans a minute."""
    job = {"do": "ours", "file": GZ, **LABELS, "scans": 5}
    _result(_start(folder, job | {"scans": 0}))
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(max(1, repeats // 2)):
        for n_workers, kept in rates.items():
            started = [_start(folder, job | {"core": core}) for core in range(n_workers)]
            found = [_result(process) for process in started]
            kept.append(sum(60 * job["scans"] / one["wall_s"] for one in found))
    one, two = (statistics.median(rates[n]) for n in (1, 2))
    print(f"scans a minute: one worker {one:.1f}, two workers {two:.1f}")
    return "scans a minute, two workers / one", WORKERS_RATIO, "at least", two / one, "{:.2f}"


def _print_figures(figures: list[tuple]) -> int:
    missed = 0
    print(f"\n{'figure':<46}{'asked':>16}{'found':>10}  verdict")
    for what, bound, side, found, form in figures:
        asked, verdict = "-", "-"
        if bound is not None:
            # Compared as printed: a tenth of a megabyte is a page or two.
            shown = [float(form.format(value)) for value in (found, bound)]
            held = shown[0] <= shown[1] if side == "at most" else shown[0] >= shown[1]
            missed += not held
            asked, verdict = f"{side} {form.format(bound)}", "PASS" if held else "MISS"
        print(f"{what:<46}{asked:>16}{form.format(found):>10}  {verdict}")
    return int(missed > 0)


def _start(folder: Path, way: dict) -> subprocess.Popen:
    command = [sys.executable, __file__, "--worker", json.dumps(way | {"folder": str(folder)})]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _result(process: subprocess.Popen) -> dict:
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a measurement failed with exit code {process.returncode}")
    return json.loads(out.splitlines()[-1])


def _worker(way: dict) -> int:
    """Do one measurement in this process and print it as JSON."""
    cores = sorted(os.sched_getaffinity(0))
    if "core" in way:
        os.sched_setaffinity(0, {cores[way["core"] % len(cores)]})
    elif way.get("cores") == 1:
        os.sched_setaffinity(0, {cores[0]})
    folder = Path(way["folder"])
    work = {"inflate": _inflate, "ours": _ours, "nilearn": _nilearn}[way["do"]](folder, way)
    series = None
    start = time.perf_counter()
    for _ in range(way.get("scans", 1)):
        series = work()
    wall_s = time.perf_counter() - start
    print(json.dumps({"wall_s": wall_s, "peak_mb": _peak_mb()}))
    if series is not None and "name" in way:
        np.save(folder / f"{way['name']}.npy", series)
    return 0


def _peak_mb() -> float:
    """Return this process's largest resident size.

    From /proc, because the kernel lets getrusage's figure start at the parent's size, and the
    parent made the scans.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def _inflate(folder: Path, way: dict):
    from isal import igzip

    buffer = memoryview(bytearray(2**20))
    opener = igzip.open if way["file"].endswith(".gz") else open

    def work() -> None:
        with opener(folder / way["file"], "rb") as stream:
            while stream.readinto(buffer):
                pass

    return work


def _ours(folder: Path, way: dict):
    from brainage.imaging import CleaningOptions, ExclusionRules, Scan, extract_parcel_series

    atlas = _atlas(folder, way["atlas"])
    name = "long" if way["file"] == LONG else "bold"
    own_mask = way.get("own_mask", False)
    scan = Scan(
        "01",
        "n/a",
        "n/a",
        "rest",
        None,
        folder / way["file"],
        folder / f"{name}_confounds.tsv",
        folder / "mask.nii.gz" if own_mask else None,
        T_R_S,
    )
    cleaning = CleaningOptions(
        strategy=str(folder / "all.toml"),
        smoothing_fwhm_mm=way.get("mm"),
        smoothing_mask="scan" if own_mask else "grid",
    )
    cache = folder / ("cold" if way.get("cold") else "operators")

    def work() -> np.ndarray:
        series = extract_parcel_series(
            scan, atlas=atlas, cleaning=cleaning, exclusion=ExclusionRules(), cache_folder=cache
        )
        assert np.isfinite(series.values).all()
        return series.values

    if way.get("cold"):
        for entry in cache.glob("*.npz"):
            entry.unlink()
        return lambda: _operator_alone(atlas, cleaning, cache)
    _operator_alone(atlas, cleaning, cache)
    return work


def _operator_alone(atlas, cleaning, cache: Path) -> None:
    from brainage.imaging.atlas.operator import parcel_operator
    from brainage.imaging.reading.nifti import Grid

    # As extraction does: without smoothing for the coverage, with it for the signals.
    for fwhm_mm in {None, cleaning.smoothing_fwhm_mm}:
        parcel_operator(atlas, Grid(SHAPE, AFFINE), smoothing_fwhm_mm=fwhm_mm, cache_folder=cache)


def _nilearn(folder: Path, way: dict):
    import warnings

    from nilearn.maskers import NiftiLabelsMasker, NiftiSpheresMasker

    settings = {
        "standardize": "zscore_sample",
        "detrend": True,
        "high_pass": 0.01,
        "low_pass": 0.1,
        "t_r": T_R_S,
        "smoothing_fwhm": way.get("mm"),
    }
    confounds = np.loadtxt(folder / "bold_confounds.tsv", skiprows=1)
    bold = str(folder / way["file"])
    columns = [np.arange(N_LABELS)]
    if way["atlas"] == "labels":
        labels = folder / way.get("labels", "labels.nii.gz")
        made = [NiftiLabelsMasker(str(labels), reports=False, **settings)]
    else:
        atlas = _atlas(folder, "spheres")
        columns = [np.flatnonzero(atlas.radii_mm == radius) for radius in np.unique(atlas.radii_mm)]
        made = [
            NiftiSpheresMasker(
                atlas.coordinates_mm[some],
                radius=atlas.radii_mm[some[0]],
                allow_overlap=True,
                reports=False,
                **settings,
            )
            for some in columns
        ]

    def work() -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parts = [masker.fit_transform(bold, confounds=confounds) for masker in made]
        return np.hstack(parts)[:, np.argsort(np.concatenate(columns))]

    return work


def _atlas(folder: Path, kind: str):
    from brainage.imaging import LabelAtlas, Parcels, load_atlas

    if kind == "spheres":
        return load_atlas("seitzman300")
    names = tuple(f"label{i}" for i in range(1, N_LABELS + 1))
    return LabelAtlas(
        name="made",
        parcels=Parcels(names),
        space=None,
        content_hash="benchmark labels",
        image=folder / "labels.nii.gz",
        label_values=np.arange(1, N_LABELS + 1),
    )


if __name__ == "__main__":
    sys.exit(main())
