"""Time extraction beside inflating the file to nowhere and beside nilearn's maskers.

Every measured run is a fresh process (imports outside the clock, operator and file cache warm),
the ways alternate, and medians are compared::

    python scripts/bench_extract.py                           # all of it, about half an hour
    python scripts/bench_extract.py --volumes 60 --repeats 1 --only labels,inflate

Prints one row a measurement, then the ratios that were promised, each PASS or MISS.
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
import zlib
from pathlib import Path

# One thread of arithmetic: two cores are for inflating beside it, not for BLAS.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402 - after the threads are set

SHAPE = (97, 115, 97)
AFFINE = np.array([[2.0, 0, 0, -96], [0, 2, 0, -132], [0, 0, 2, -78], [0, 0, 0, 1]])
T_R_S = 2.0
N_LABELS = 400
N_SPHERES = 300
N_CONFOUNDS = 24
SMOOTHING_MM = 6.0

#: (what, slower way, faster way, bound, whether the ratio must be at least or at most it)
TARGETS = (
    ("ours / inflate, two cores", "ours_labels", "inflate", 1.35, "at most"),
    ("ours / inflate, one core", "ours_labels_1core", "inflate_1core", 1.6, "at most"),
    ("nilearn / ours, 400 labels", "nilearn_labels", "ours_labels", 7.0, "at least"),
    ("nilearn / ours, labels + 6 mm", "nilearn_smooth", "ours_smooth", 12.0, "at least"),
    ("nilearn / ours, 300 spheres", "nilearn_spheres", "ours_spheres", 15.0, "at least"),
)
PEAK_MB = 300
WORKERS_RATIO = 1.8


def main() -> int:
    """Make the scans, measure every way, print rows and ratios; 1 where a target is missed."""
    options = _arguments()
    if options.worker:
        return _worker(json.loads(options.worker))
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench_extract") as name:
        folder = Path(name)
        _make_everything(folder, options)
        medians, peaks = _measure(folder, options)
        missed = _print_targets(medians, peaks)
        if _wanted("workers", options.only):
            missed += _two_workers(folder, options.repeats)
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--volumes", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="comma-separated parts of names of ways")
    parser.add_argument("--folder", default=None, help="where the temporary files go")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _ways() -> dict[str, dict]:
    """Name every measurement: which code, which file, how many cores."""
    gz, plain, f32 = "bold.nii.gz", "bold.nii", "float32.nii.gz"
    return {
        "inflate": {"do": "inflate", "file": gz},
        "ours_labels": {"do": "ours", "file": gz, "atlas": "labels"},
        "nilearn_labels": {"do": "nilearn", "file": gz, "atlas": "labels"},
        "ours_smooth": {"do": "ours", "file": gz, "atlas": "labels", "mm": SMOOTHING_MM},
        "nilearn_smooth": {"do": "nilearn", "file": gz, "atlas": "labels", "mm": SMOOTHING_MM},
        "ours_spheres": {"do": "ours", "file": gz, "atlas": "spheres"},
        "nilearn_spheres": {"do": "nilearn", "file": gz, "atlas": "spheres"},
        "ours_labels_1core": {"do": "ours", "file": gz, "atlas": "labels", "cores": 1},
        "inflate_1core": {"do": "inflate", "file": gz, "cores": 1},
        "ours_plain": {"do": "ours", "file": plain, "atlas": "labels"},
        "ours_float32": {"do": "ours", "file": f32, "atlas": "labels"},
        "inflate_float32": {"do": "inflate", "file": f32},
        "ours_long": {"do": "ours", "file": "long.nii.gz", "atlas": "labels"},
        "ours_cold": {"do": "ours", "file": gz, "atlas": "labels", "cold": True},
        "ours_smooth_cold": {"do": "ours", "file": gz, "atlas": "labels", "mm": SMOOTHING_MM,
                             "cold": True},
    }  # fmt: skip


def _wanted(name: str, only: str) -> bool:
    return not only or any(part in name for part in only.split(","))


def _measure(folder: Path, options) -> tuple[dict[str, float], dict[str, float]]:
    times: dict[str, list[float]] = {}
    peaks: dict[str, float] = {}
    chosen = {name: way for name, way in _ways().items() if _wanted(name, options.only)}
    for way in chosen.values():
        if way["do"] == "ours":
            # Builds the operator if need be, so that no measured process does.
            _in_fresh_process(folder, way | {"scans": 0})
    for _ in range(options.repeats):
        for name, way in chosen.items():
            found = _in_fresh_process(folder, way)
            times.setdefault(name, []).append(found["wall_s"])
            peaks[name] = max(peaks.get(name, 0.0), found["peak_mb"])
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{'way':<20}{'median s':>10}{'fastest s':>11}{'peak MB':>9}")
    for name in chosen:
        print(f"{name:<20}{medians[name]:>10.2f}{min(times[name]):>11.2f}{peaks[name]:>9.0f}")
    return medians, peaks


def _print_targets(medians: dict[str, float], peaks: dict[str, float]) -> int:
    missed = 0
    for what, above, below, bound, side in TARGETS:
        if above in medians and below in medians:
            ratio = medians[above] / medians[below]
            held = ratio <= bound if side == "at most" else ratio >= bound
            missed += not held
            print(f"{what:<34}{ratio:6.2f}  {side} {bound:<5} {'PASS' if held else 'MISS'}")
    for name in ("ours_labels", "ours_long"):
        if name in peaks:
            held = peaks[name] <= PEAK_MB
            missed += not held
            print(f"{name + ' peak memory':<34}{peaks[name]:6.0f}  at most {PEAK_MB} MB "
                  f"{'PASS' if held else 'MISS'}")  # fmt: skip
    return missed


def _two_workers(folder: Path, repeats: int) -> int:
    """Run two pinned single-threaded workers, six scans each, and one; compare scans a minute."""
    job = {"do": "ours", "file": "bold.nii.gz", "atlas": "labels", "scans": 6}
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(max(1, repeats // 2)):
        for n_workers, kept in rates.items():
            started = [_start(folder, job | {"core": core}) for core in range(n_workers)]
            found = [_result(process) for process in started]
            kept.append(sum(60 * job["scans"] / one["wall_s"] for one in found))
    one, two = (statistics.median(rates[n]) for n in (1, 2))
    held = two / one >= WORKERS_RATIO
    print(f"scans a minute: one worker {one:.1f}, two workers {two:.1f}")
    print(f"{'two workers / one':<34}{two / one:6.2f}  at least {WORKERS_RATIO} "
          f"{'PASS' if held else 'MISS'}")  # fmt: skip
    return int(not held)


def _in_fresh_process(folder: Path, way: dict) -> dict:
    return _result(_start(folder, way))


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
    start = time.perf_counter()
    for _ in range(way.get("scans", 1)):
        work()
    wall_s = time.perf_counter() - start
    peak_mb = _peak_mb()
    print(json.dumps({"wall_s": wall_s, "peak_mb": peak_mb}))
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

    def work() -> None:
        with igzip.open(folder / way["file"], "rb") as stream:
            while stream.readinto(buffer):
                pass

    return work


def _ours(folder: Path, way: dict):
    from brainage.imaging import CleaningOptions, ExclusionRules, Scan, extract_parcel_series

    atlas = _atlas(folder, way["atlas"])
    name = "long" if way["file"].startswith("long") else "bold"
    scan = Scan("01", "n/a", "n/a", "rest", None, folder / way["file"],
                folder / f"{name}_confounds.tsv", None, T_R_S)  # fmt: skip
    cleaning = CleaningOptions(strategy=str(folder / "all.toml"), smoothing_fwhm_mm=way.get("mm"))
    cache = folder / ("cold" if way.get("cold") else "operators")

    def work() -> None:
        series = extract_parcel_series(
            scan, atlas=atlas, cleaning=cleaning, exclusion=ExclusionRules(), cache_folder=cache
        )
        assert np.isfinite(series.values).all()

    if way.get("cold"):
        for entry in cache.glob("*.npz"):
            entry.unlink()
        return lambda: _operator_alone(atlas, cleaning, cache)
    _operator_alone(atlas, cleaning, cache)
    return work


def _operator_alone(atlas, cleaning, cache: Path) -> None:
    from brainage.imaging.nifti import Grid
    from brainage.imaging.operator import parcel_operator

    parcel_operator(
        atlas, Grid(SHAPE, AFFINE), smoothing_fwhm_mm=cleaning.smoothing_fwhm_mm,
        cache_folder=cache,
    )  # fmt: skip


def _nilearn(folder: Path, way: dict):
    import warnings

    from nilearn.maskers import NiftiLabelsMasker, NiftiSpheresMasker

    settings = {"standardize": "zscore_sample", "detrend": True, "high_pass": 0.01,
                "low_pass": 0.1, "t_r": T_R_S, "smoothing_fwhm": way.get("mm")}  # fmt: skip
    confounds = np.loadtxt(folder / "bold_confounds.tsv", skiprows=1)
    bold = str(folder / way["file"])
    if way["atlas"] == "labels":
        made = [NiftiLabelsMasker(str(folder / "labels.nii.gz"), reports=False, **settings)]
    else:
        atlas = _atlas(folder, "spheres")
        made = [NiftiSpheresMasker(atlas.coordinates_mm[atlas.radii_mm == radius], radius=radius,
                                   allow_overlap=True, reports=False, **settings)
                for radius in np.unique(atlas.radii_mm)]  # fmt: skip

    def work() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for masker in made:
                masker.fit_transform(bold, confounds=confounds)

    return work


def _atlas(folder: Path, kind: str):
    from brainage.imaging import Atlas, load_atlas

    if kind == "spheres":
        return load_atlas("seitzman300")
    names = tuple(f"label{i}" for i in range(1, N_LABELS + 1))
    nothing = (None,) * N_LABELS
    return Atlas("made", "labels", names, nothing, nothing, None, folder / "labels.nii.gz",
                 np.arange(1, N_LABELS + 1), None, None, "benchmark labels")  # fmt: skip


def _make_everything(folder: Path, options: argparse.Namespace) -> None:
    from scipy.spatial import KDTree

    from brainage.imaging import write_nifti

    n_volumes = options.volumes
    files = {way["file"] for name, way in _ways().items() if _wanted(name, options.only)}
    files.add("bold.nii.gz")
    rng = np.random.default_rng(0)
    index = np.indices(SHAPE).reshape(3, -1).T
    radius = np.linalg.norm((index - [48, 57, 44]) / [37, 46, 36], axis=1)
    brain = (radius < 1).reshape(SHAPE)
    inside = index[radius < 1]
    seeds = inside[rng.choice(len(inside), N_LABELS, replace=False)]
    labels = np.zeros(SHAPE)
    labels[brain] = 1 + KDTree(seeds).query(inside)[1]
    write_nifti(folder / "labels.nii.gz", labels, AFFINE)
    for name in sorted(files):
        n = 4 * n_volumes if name.startswith("long") else n_volumes
        _write_bold(folder / name, brain, n, "float32" if name.startswith("float") else "int16")
    (folder / "all.toml").write_text('description = "every column"\nall_columns = true\n')
    names = [f"confound{i:02d}" for i in range(N_CONFOUNDS)]
    for name, n in (("bold", n_volumes), ("long", 4 * n_volumes)):
        values = np.cumsum(rng.normal(0, 0.001, (n, N_CONFOUNDS)), axis=0)
        np.savetxt(folder / f"{name}_confounds.tsv", values, delimiter="\t", comments="",
                   header="\t".join(names), fmt="%.6f")  # fmt: skip
    size = (folder / "bold.nii.gz").stat().st_size / 1e6
    print(f"{SHAPE} x {n_volumes} int16: {size:.0f} MB compressed, load {os.getloadavg()[0]:.1f}")


def _write_bold(path: Path, brain: np.ndarray, n_volumes: int, dtype: str) -> None:
    """Write noise on a bright brain in a quiet background, one volume at a time."""
    import nibabel as nib

    rng = np.random.default_rng(1)
    header = nib.Nifti1Header()
    header.set_data_shape((*SHAPE, n_volumes))
    header.set_data_dtype(dtype)
    header.set_sform(AFFINE, code=4)
    header.set_xyzt_units("mm", "sec")
    header.set_zooms((2, 2, 2, T_R_S))
    header["magic"], header["vox_offset"] = b"n+1", 352
    mean = np.where(brain, rng.normal(8000, 1500, SHAPE), 0.0)
    # Scans that were resampled and masked hold no noise outside the brain and its margin.
    spread = np.where(brain, 120.0, 0.0)
    shell = ~brain & (rng.random(SHAPE) < _BACKGROUND_SHARE)
    spread[shell] = 12.0
    noise = rng.standard_normal((12, *SHAPE)).astype(np.float32)
    packer = zlib.compressobj(1, wbits=31)
    with open(path, "wb") as stream:
        zipped = path.suffix == ".gz"
        write = (lambda raw: stream.write(packer.compress(raw))) if zipped else stream.write
        write(header.binaryblock + b"\0" * 4)
        for i in range(n_volumes):
            field = np.roll(noise[i % len(noise)], i, axis=i % 3)
            volume = mean + spread * field
            if dtype == "int16":
                volume = np.rint(volume)
            write(volume.astype(dtype).tobytes(order="F"))
        if zipped:
            stream.write(packer.flush())


#: Share of voxels outside the brain with faint noise, for a file of about 360 MB at 300 volumes.
_BACKGROUND_SHARE = 0.75


if __name__ == "__main__":
    sys.exit(main())
