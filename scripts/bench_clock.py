"""Times of the clock room against its peers, in one run.

    python scripts/bench_clock.py                         # every part at full size
    python scripts/bench_clock.py --part ridge --scale 0.2
    python scripts/bench_clock.py --json bench.json

Each part runs in a process of its own, so that its peak memory is its own. Data are synthetic:
time depends on sizes only (and, for tangent space, on how unlike scans are). A peer that would
take hours runs one fold, and the printed line says how it is multiplied. The exit code is 1 where
a figure asked for was missed.
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
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib.externals.loky import get_reusable_executor
from nilearn.connectome import ConnectivityMeasure
from pyriemann.tangentspace import TangentSpace
from scipy.signal import lfilter
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.svm import SVR

from brainage.clock import ClockOptions, ValidationOptions, cross_validate_clock, fit_clock
from brainage.clock.options import PENALTIES
from brainage.clock.regressors.primal import MAX_LEFT_OUT, moments_of
from brainage.connectivity import FeatureTable, TangentTransformer, View, ViewSpec
from brainage.connectivity.covariance import estimate_covariance, standardize
from brainage.connectivity.spd import half_vectorise

C_VALUES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
FIFTEEN_TIMES_FIVE = ValidationOptions(n_folds=5, n_repeats=15, inner_folds=5, n_bootstrap=0)


@dataclass(frozen=True)
class Check:
    """One figure that was asked for."""

    what: str
    sign: str
    asked: float
    found: float

    @property
    def holds(self) -> bool:
        """Whether it was reached."""
        return self.found <= self.asked if self.sign == "<=" else self.found >= self.asked


@dataclass(frozen=True)
class Found:
    """What one part measured."""

    facts: dict
    checks: list[Check]


def write_features(folder: Path, n_scans: int, p: int) -> FeatureTable:
    """Write synthetic features with an age effect a block of scans at a time; map them back."""
    rng = np.random.default_rng(0)
    spec = _spec("fisher_z", "upper", p)
    age = rng.uniform(18, 90, n_scans)
    path = folder / "features.npy"
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
    return FeatureTable({"fisher_z": View(np.load(path, mmap_mode="r"), spec)}, _rows(age))


def _spec(kind: str, layout: str, p: int) -> ViewSpec:
    names = tuple(f"parcel{i}" for i in range(p))
    return ViewSpec(kind, "none", layout, names, (None,) * p, "bench", "bench")


def _rows(age: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "participant_id": [f"{i:06d}" for i in range(len(age))],
            "session_id": "n/a",
            "age_years": age,
            "sex": None,
            "site": "one",
            "scanner": None,
            "family_id": None,
            "mean_fd_mm": np.nan,
            "retained_s": np.nan,
        }
    )


def bench_lisa_like(folder: Path, scale: float) -> Found:
    """75 linear SVR models, each C by an inner 5-fold over 5 values, and their average."""
    n, p = max(200, int(2433 * scale)), max(20, int(300 * scale**0.5))
    features = write_features(folder, n, p)
    options = ClockOptions(
        estimator="svr",
        svr_c=C_VALUES,
        svr_epsilon=1e-4,
        ensemble=True,
        validation=FIFTEEN_TIMES_FIVE,
    )
    seconds, cv = _timed(lambda: cross_validate_clock(features, options, n_jobs=2))
    averaging, _ = _timed(lambda: fit_clock(features, options, cv=cv, n_jobs=2))
    facts = {
        "scans": n,
        "edges": features.views["fisher_z"].spec.n_features,
        "models": len(cv.fits),
        "seconds, of which averaging": averaging,
    }
    return Found(
        facts,
        [
            Check("seconds", "<=", 600, seconds + averaging),
            Check("gigabytes", "<=", 4, _peak_gigabytes()),
        ],
    )


def bench_grid_search(folder: Path, scale: float) -> Found:
    """The 75 models beside GridSearchCV on features, one outer fold of which is timed."""
    n, p = max(100, int(300 * scale)), 300
    features = write_features(folder, n, p)
    options = ClockOptions(
        estimator="svr", svr_c=C_VALUES, svr_epsilon=1e-4, validation=FIFTEEN_TIMES_FIVE
    )
    seconds, cv = _timed(lambda: cross_validate_clock(features, options, n_jobs=2))
    X = np.asarray(features.views["fisher_z"].values)
    y = features.rows["age_years"].to_numpy()
    train, test = next(KFold(5, shuffle=True, random_state=0).split(X))
    search = GridSearchCV(
        SVR(kernel="linear", epsilon=1e-4),
        {"C": C_VALUES},
        cv=5,
        n_jobs=2,
        scoring="neg_mean_absolute_error",
    )
    one_fold, _ = _timed(lambda: search.fit(X[train], y[train]))
    difference = np.abs(search.predict(X[test]) - cv.fits[0].predicted).max()
    facts = {
        "scans": n,
        "edges": X.shape[1],
        "models": len(cv.fits),
        "seconds": seconds,
        "seconds, GridSearchCV, one outer fold": one_fold,
        "C of that fold, ours": cv.fits[0].model.chosen["c"],
        "C of that fold, GridSearchCV": search.best_params_["C"],
        "largest difference of predictions, years": float(difference),
    }
    return Found(
        facts, [Check("times faster (75 x one fold / ours)", ">=", 50, 75 * one_fold / seconds)]
    )


def bench_ridge(folder: Path, scale: float) -> Found:
    """Ridge, alpha by leave-one-out, 10 folds x 5 repeats; beside RidgeCV of one fold."""
    n, p = max(200, int(2433 * scale)), max(20, int(300 * scale**0.5))
    features = write_features(folder, n, p)
    options = ClockOptions(validation=ValidationOptions(n_folds=10, n_repeats=5, n_bootstrap=0))
    seconds, cv = _timed(lambda: cross_validate_clock(features, options))
    gigabytes = _peak_gigabytes()
    X = np.asarray(features.views["fisher_z"].values, dtype=float)
    y = features.rows["age_years"].to_numpy()
    train, test = next(KFold(10, shuffle=True, random_state=0).split(X))
    one_fold, model = _timed(lambda: _ridge_cv(X[train], y[train]))
    difference = np.abs(model.predict(X[test]) - cv.fits[0].predicted).max()
    facts = {
        "scans": n,
        "edges": X.shape[1],
        "fits": len(cv.fits),
        "gigabytes": gigabytes,
        "times faster (50 x one RidgeCV / ours)": 50 * one_fold / seconds,
        "largest difference of predictions, years": float(difference),
    }
    return Found(facts, [Check("seconds", "<=", 180, seconds)])


def bench_many_scans(folder: Path, scale: float) -> Found:
    """More scans than edges: ridge with 10 folds on memory-mapped features."""
    n, p = int(40_000 * scale), max(20, int(100 * scale**0.5))
    features = write_features(folder, n, p)
    view = features.views["fisher_z"]
    options = ClockOptions(validation=ValidationOptions(n_folds=10, n_bootstrap=0))
    seconds, cv = _timed(lambda: cross_validate_clock(features, options))
    gigabytes = _peak_gigabytes()
    # Of the work only this depends on the number of scans; penalties are compared on as many
    # left-out scans whatever the cohort.
    age = features.rows["age_years"].to_numpy()
    half, whole = (_processor_seconds(view.values, age, rows) for rows in (n // 2, n))
    facts = {
        "scans": n,
        "edges": view.spec.n_features,
        "folds": len(cv.fits),
        "left-out scans a penalty": min(MAX_LEFT_OUT, len(cv.fits[0].train)),
        "processor seconds, sums over half the scans": half,
        "processor seconds, sums over all": whole,
        "skill (1 - MAE / MAE of the median)": _skill(cv),
    }
    return Found(
        facts,
        [
            Check("seconds", "<=", 300, seconds),
            Check("gigabytes", "<=", 4, gigabytes),
            Check("growth of the sums, twice the scans", "<=", 2.4, whole / half),
        ],
    )


def _processor_seconds(values: np.ndarray, age: np.ndarray, n: int) -> float:
    started = time.process_time()
    moments_of(values, age, np.arange(n))
    return time.process_time() - started


def bench_tangent(folder: Path, scale: float) -> Found:
    """Tangent space fitted in each of 10 folds, with ridge; nilearn and pyRiemann on one fold."""
    n, p = max(40, int(564 * scale)), max(20, int(264 * scale**0.5))
    signals, age = _signals(n, p)
    matrices = np.array([estimate_covariance(s, shrinkage="ledoit_wolf") for s in signals])
    values = half_vectorise(matrices).astype(np.float32)
    view = View(values, _spec("tangent", "upper_with_diagonal", p))
    features = FeatureTable({"tangent": view}, _rows(age))
    options = ClockOptions(
        views=("tangent",), validation=ValidationOptions(n_folds=10, n_bootstrap=0)
    )
    started = time.process_time()
    seconds, cv = _timed(lambda: cross_validate_clock(features, options))
    processor = time.process_time() - started
    gigabytes = _peak_gigabytes()
    train, test = next(KFold(10, shuffle=True, random_state=0).split(values))
    facts = {
        "scans": n,
        "parcels": p,
        "seconds, ours, 10 folds": seconds,
        "gigabytes": gigabytes,
        "skill (1 - MAE / MAE of the median), ours": _skill(cv),
        "MAE of fold 0, ours": _error(cv.fits[0].predicted, age[test]),
    }
    peers = {"nilearn": _nilearn, "pyRiemann": _pyriemann, "ours, affine-invariant": _affine}
    folds = {}
    for name, peer in peers.items():
        started = time.process_time()
        folds[name], predicted = _timed(
            lambda: peer(signals, matrices, age, train, test)  # noqa: B023
        )
        spent = time.process_time() - started
        facts |= {
            f"seconds, {name}, one fold": folds[name],
            f"processor time, 10 x {name} / ours": 10 * spent / processor,
            f"MAE of fold 0, {name}": _error(predicted, age[test]),
            f"r with ours, {name}": float(np.corrcoef(predicted, cv.fits[0].predicted)[0, 1]),
        }
    facts["times faster than pyRiemann"] = 10 * folds["pyRiemann"] / seconds
    return Found(
        facts,
        [
            Check(
                "times faster than nilearn (10 x one fold / ours)",
                ">=",
                20,
                10 * folds["nilearn"] / seconds,
            ),
            Check(
                "MAE of fold 0, ours / nilearn's",
                "<=",
                1.05,
                facts["MAE of fold 0, ours"] / facts["MAE of fold 0, nilearn"],
            ),
        ],
    )


def _signals(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw signals (n, 180, p) as unlike each other as ABIDE's, and ages.

    Whitened by their mean, the eigenvalues of their covariances run from 0.2 to 15 (5 and 95 %),
    as ABIDE's do: nilearn's mean takes the 10 to 12 steps it takes there.
    """
    rng = np.random.default_rng(0)
    age = rng.uniform(18, 90, n)
    common, slope = rng.standard_normal((20, p)), 0.01 * rng.standard_normal((20, p))
    signals = np.empty((n, 180, p))
    for i in range(n):
        mixing = common + 0.7 * rng.standard_normal((20, p)) + (age[i] - 54) * slope
        white = rng.standard_normal((230, 20 + p))
        slow = lfilter([1.0], [1.0, -0.8], white, axis=0)[50:]
        signals[i] = standardize(slow[:, :20] @ mixing + 3 * slow[:, 20:])
    return signals, age


def _nilearn(signals, matrices, age, train, test) -> np.ndarray:
    measure = ConnectivityMeasure(
        kind="tangent", cov_estimator=LedoitWolf(), vectorize=True, standardize=False
    )
    own = measure.fit_transform(list(signals[train]))
    return _ridge_cv(own, age[train]).predict(measure.transform(list(signals[test])))


def _pyriemann(signals, matrices, age, train, test) -> np.ndarray:
    space = TangentSpace(metric="riemann")
    own = space.fit_transform(matrices[train])
    return _ridge_cv(own, age[train]).predict(space.transform(matrices[test]))


def _affine(signals, matrices, age, train, test) -> np.ndarray:
    vectors = half_vectorise(matrices)
    space = TangentTransformer("affine_invariant").fit(vectors[train])
    own = space.transform(vectors[train])
    return _ridge_cv(own, age[train]).predict(space.transform(vectors[test]))


def _ridge_cv(X: np.ndarray, y: np.ndarray) -> RidgeCV:
    """Fit scikit-learn's ridge over the penalties ours tries."""
    mean = X.mean(axis=0)
    unit = np.mean([np.sum((row - mean) ** 2) for row in X])
    return RidgeCV(alphas=unit * np.array(PENALTIES)).fit(X, y)


def _error(predicted: np.ndarray, age: np.ndarray) -> float:
    return float(np.abs(predicted - age).mean())


def _skill(cv) -> float:
    ages = cv.predictions["age_years"]
    own = (cv.predictions["predicted_age_years"] - ages).abs().mean()
    return float(1 - own / (cv.predictions["median_age_years"] - ages).abs().mean())


PARTS: dict[str, Callable[[Path, float], Found]] = {
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
        _print(part, found[part])
    if arguments.json:
        report = {part: asdict(one) for part, one in found.items()}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if all(check.holds for one in found.values() for check in one.checks) else 1


def _print(part: str, found: Found) -> None:
    print(part)
    for name, value in found.facts.items():
        print(f"  {name:52} {value:,.4g}" if isinstance(value, float) else f"  {name:52} {value:,}")
    for check in found.checks:
        print(
            f"  {check.what:52} {check.found:,.4g}   asked {check.sign} {check.asked:g}: "
            f"{'holds' if check.holds else 'MISS'}",
            flush=True,
        )


def _run(part: str, folder: str, scale: float, sender) -> None:
    sender.send(PARTS[part](Path(folder), scale))
    # A process made by multiprocessing waits for joblib's idle workers, five minutes, as it ends.
    get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _peak_gigabytes() -> float:
    """Return the most memory this process has held; mapped pages count while they are cached."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _timed(work: Callable):
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    raise SystemExit(main())
