"""Times of the clock room against its peers, in one run.

    python scripts/bench_clock.py                         # every part at full size
    python scripts/bench_clock.py --part ridge --scale 0.2
    python scripts/bench_clock.py --json bench.json

Each part runs in a process of its own, so that its peak memory is its own. Data are synthetic:
time depends on sizes only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.svm import SVR

from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock, fit_clock
from brainage.clock.stacked import PENALTIES
from brainage.connectivity import FeatureTable, TangentTransformer, View, ViewSpec
from brainage.connectivity.spd import half_vectorise, unvectorise

C_VALUES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


def write_features(
    folder: Path, n_scans: int, p: int, *, layout: str = "upper", kind: str = "fisher_z"
) -> FeatureTable:
    """Write synthetic features with an age effect a block of scans at a time; map them back."""
    rng = np.random.default_rng(0)
    names = tuple(f"parcel{i}" for i in range(p))
    spec = ViewSpec(kind, "none", layout, names, (None,) * p, "bench", "bench")
    age = rng.uniform(18, 90, n_scans)
    path = folder / f"{kind}_{n_scans}_{p}.npy"
    values = np.lib.format.open_memmap(
        path, mode="w+", dtype=np.float32, shape=(n_scans, spec.n_features)
    )
    # Brains differ along common directions as well as edge by edge.
    common = rng.normal(size=(20, spec.n_features)).astype(np.float32) * 0.1
    slope = rng.normal(size=spec.n_features).astype(np.float32) * 0.002
    for start in range(0, n_scans, 500):
        own = age[start : start + 500].astype(np.float32)
        block = 0.3 * rng.standard_normal((len(own), spec.n_features), dtype=np.float32)
        block += rng.standard_normal((len(own), 20), dtype=np.float32) @ common
        block += (own - 50)[:, None] * slope
        values[start : start + len(own)] = block
    values.flush()
    rows = pd.DataFrame({
        "participant_id": [f"{i:06d}" for i in range(n_scans)], "session_id": "n/a",
        "age_years": age, "sex": None, "site": "one", "scanner": None, "family_id": None,
        "mean_fd_mm": np.nan, "retained_s": np.nan,
    })  # fmt: skip
    return FeatureTable({kind: View(np.load(path, mmap_mode="r"), spec)}, rows)


def bench_lisa_like(folder: Path, scale: float) -> dict:
    """75 linear SVR models, each C by an inner 5-fold over 5 values; beside GridSearchCV."""
    n, p = max(200, int(2433 * scale)), max(20, int(300 * scale**0.5))
    features = write_features(folder, n, p)
    validation = ValidationOptions(n_folds=5, n_repeats=15, inner_folds=5, n_bootstrap=0)
    options = ClockOptions(
        estimator="svr", svr_c=C_VALUES, svr_epsilon=1e-4, ensemble=True, validation=validation
    )
    seconds, cv = _timed(lambda: cross_validate_clock(features, options, n_jobs=2))
    averaging, _ = _timed(lambda: fit_clock(features, options, cv=cv, n_jobs=2))
    return {"n": n, "edges": features.views["fisher_z"].spec.n_features,
            "seconds": seconds + averaging, "models": len(cv.fits), "target_seconds": 600,
            "target_gigabytes": 4}  # fmt: skip


def bench_grid_search(folder: Path, scale: float) -> dict:
    """One outer fold of a grid search on features against ours on one Gram matrix."""
    n, p = max(100, int(500 * scale)), 300
    features = write_features(folder, n, p)
    X = np.asarray(features.views["fisher_z"].values)
    y = features.rows["age_years"].to_numpy()
    folds = list(KFold(5, shuffle=True, random_state=0).split(X))
    train, test = folds[0]
    search = GridSearchCV(
        SVR(kernel="linear", epsilon=1e-4), {"C": C_VALUES}, cv=5, n_jobs=2,
        scoring="neg_mean_absolute_error",
    )  # fmt: skip
    peer_fold, _ = _timed(lambda: search.fit(X[train], y[train]))
    validation = ValidationOptions(n_folds=5, n_repeats=15, inner_folds=5, n_bootstrap=0)
    options = ClockOptions(estimator="svr", svr_c=C_VALUES, svr_epsilon=1e-4, validation=validation)
    ours, cv = _timed(lambda: cross_validate_clock(features, options, n_jobs=2))
    difference = np.abs(search.predict(X[test]) - cv.fits[0].predicted).max()
    peer = peer_fold * 75
    return {"n": n, "edges": X.shape[1], "seconds": ours, "models": 75,
            "peer_seconds (75 x one fold)": peer, "times_faster": peer / ours, "target_times": 50,
            "largest_difference_years": float(difference)}  # fmt: skip


def bench_ridge(folder: Path, scale: float) -> dict:
    """Ridge, alpha by leave-one-out, 10 folds x 5 repeats, nested; beside RidgeCV of one fold."""
    n, p = max(200, int(2433 * scale)), max(20, int(300 * scale**0.5))
    features = write_features(folder, n, p)
    options = ClockOptions(validation=ValidationOptions(n_folds=10, n_repeats=5, n_bootstrap=0))
    seconds, cv = _timed(lambda: cross_validate_clock(features, options))
    X = np.asarray(features.views["fisher_z"].values, dtype=float)
    y = features.rows["age_years"].to_numpy()
    train, test = next(KFold(10, shuffle=True, random_state=0).split(X))
    centred = X[train] - X[train].mean(axis=0)
    unit = np.einsum("ij,ij->", centred, centred) / len(train)
    del centred
    peer = RidgeCV(alphas=unit * np.array(PENALTIES))
    peer_fold, model = _timed(lambda: peer.fit(X[train], y[train]))
    difference = np.abs(model.predict(X[test]) - cv.fits[0].predicted).max()
    return {"n": n, "edges": X.shape[1], "seconds": seconds, "fits": len(cv.fits),
            "target_seconds": 180, "peer_seconds (50 x one RidgeCV)": peer_fold * 50,
            "largest_difference_years": float(difference)}  # fmt: skip


def bench_many_scans(folder: Path, scale: float) -> dict:
    """More scans than edges: ridge with 10 folds on memory-mapped features."""
    found = {}
    for part, share in (("half", 0.5), ("whole", 1.0)):
        n, p = int(40_000 * scale * share), max(20, int(100 * scale**0.5))
        features = write_features(folder, n, p)
        options = ClockOptions(validation=ValidationOptions(n_folds=10, n_bootstrap=0))
        seconds, _ = _timed(lambda: cross_validate_clock(features, options))  # noqa: B023
        found |= {f"n ({part})": n, f"seconds ({part})": seconds}
        edges = features.views["fisher_z"].spec.n_features
    return found | {"edges": edges, "seconds": found["seconds (whole)"], "target_seconds": 300,
                    "target_gigabytes": 4}  # fmt: skip


def bench_tangent(folder: Path, scale: float) -> dict:
    """Tangent space fitted in each of 10 folds with ridge; nilearn's and pyRiemann's one fold."""
    from nilearn.connectome import ConnectivityMeasure
    from pyriemann.tangentspace import TangentSpace

    n, p = max(40, int(564 * scale)), max(20, int(264 * scale**0.5))
    rng = np.random.default_rng(0)
    age = rng.uniform(18, 90, n)
    slope = rng.normal(size=p)
    matrices = np.empty((n, p, p))
    for i in range(n):
        signals = rng.normal(size=(2 * p, p)) * (1 + 0.005 * (age[i] - 50) * slope)
        matrices[i] = np.cov(signals.T)
    features = write_features(folder, n, p, layout="upper_with_diagonal", kind="tangent")
    spec = features.views["tangent"].spec
    values = half_vectorise(matrices).astype(np.float32)
    features = FeatureTable({"tangent": View(values, spec)}, features.rows.assign(age_years=age))
    options = ClockOptions(
        views=("tangent",), validation=ValidationOptions(n_folds=10, n_bootstrap=0)
    )
    seconds, cv = _timed(lambda: cross_validate_clock(features, options))
    predictions = cv.predictions
    error = (predictions["predicted_age_years"] - predictions["age_years"]).abs()
    train, test = next(KFold(10, shuffle=True, random_state=0).split(values))
    stack = unvectorise(values.astype(float))
    from sklearn.covariance import EmpiricalCovariance

    peer = ConnectivityMeasure(
        EmpiricalCovariance(assume_centered=True), kind="tangent", vectorize=True
    )
    # Signals whose second moments are the matrices: nilearn takes series, not matrices.
    series = [np.linalg.cholesky(one).T * np.sqrt(p) for one in stack]
    nilearn_fold, peer_train = _timed(lambda: peer.fit_transform([series[i] for i in train]))
    pyriemann_fold, _ = _timed(lambda: TangentSpace(metric="riemann").fit(stack[train]))
    model = RidgeCV(alphas=np.geomspace(1e-2, 1e6, 41)).fit(peer_train, age[train])
    held_out = model.predict(peer.transform([series[i] for i in test]))
    own_fold, _ = _timed(lambda: TangentTransformer().fit_transform(values[train]))
    affine, _ = _timed(
        lambda: TangentTransformer(reference="affine_invariant").fit_transform(values[train])
    )
    return {"n": n, "parcels": p, "seconds": seconds, "peer_seconds (10 x one nilearn fold)":
            10 * nilearn_fold, "times_faster": 10 * nilearn_fold / seconds, "target_times": 20,
            "one fold, log-Euclidean mean": own_fold, "one fold, affine-invariant mean": affine,
            "one fold, nilearn": nilearn_fold, "one fold, pyRiemann": pyriemann_fold,
            "mean_error_years_fold_0": float(error[predictions["fold"] == 0].mean()),
            "peer_mean_error_years_fold_0": float(np.abs(held_out - age[test]).mean()),
            }  # fmt: skip


PARTS: dict[str, Callable[[Path, float], dict]] = {
    "lisa_like": bench_lisa_like,
    "grid_search": bench_grid_search,
    "ridge": bench_ridge,
    "many_scans": bench_many_scans,
    "tangent": bench_tangent,
}


def main() -> int:
    """Run the parts asked for; print and, on request, write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=list(PARTS), action="append", help="default: all")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--folder", type=Path, help="where synthetic features may lie")
    arguments = parser.parse_args()
    found = {}
    for part in arguments.part or PARTS:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            receiver, sender = multiprocessing.Pipe(duplex=False)
            process = multiprocessing.get_context("spawn").Process(
                target=_run, args=(part, folder, arguments.scale, sender)
            )
            process.start()
            sender.close()
            try:
                found[part] = receiver.recv()
            except EOFError:
                process.join()
                print(f"{part}: ended with exit code {process.exitcode}", file=sys.stderr)
                return 1
            process.join()
        print(f"{part}")
        for name, value in found[part].items():
            print(f"  {name:40} {value:,.4g}" if isinstance(value, float) else
                  f"  {name:40} {value:,}")  # fmt: skip
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _run(part: str, folder: str, scale: float, sender) -> None:
    found = PARTS[part](Path(folder), scale)
    # Linux counts in kilobytes. Mapped features count while the kernel keeps their pages.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    sender.send(found | {"peak_gigabytes": peak})


def _timed(work: Callable):
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    raise SystemExit(main())
