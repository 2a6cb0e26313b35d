#!/usr/bin/env python3
"""Measure length curves and half scans as training rows on the ABIDE controls.

    python scripts/fetch_abide_controls.py DIR
    python scripts/abide_length.py DIR --cache parts.npz [--seeds 0 1 ... 9]
        [--clocks fisher_z stacked] [--rows off half_weight] [--length-scans 200] [--out FOLDER]

For each clock: as it is, and trained on whole scans and halves with the weights (1, 1/2, 1/2) and
(1, 1, 1). Printed are error and r, the within-scan figures of docs/efficiency.md, and the length
curve (parts cut after filtering: the released series are band-passed), each the mean over seeds
with the SD over them in brackets, with the largest |shift| and |slope on age x SD of age| from one
half upward. After every seed the tables so far are printed, and written where --out says, with
those of every seed.

Features are made once and kept in the few coordinates that whole scans and halves span
(--cache: also for the next call, which then reads no series). Ridges know scans by their inner
products alone, so no figure changes; a part's distance from that span is a coordinate as well.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainage.blocks import blocks
from brainage.clock import (
    LENGTH_CUTS,
    ClockOptions,
    ValidationOptions,
    cross_validate_clock,
    measure_efficiency,
    measure_length_curve,
    predict_halves,
    scans_for_curve,
)
from brainage.connectivity import (
    KINDS,
    FeatureTable,
    HalfFeatures,
    PartFeatures,
    View,
    ViewSpec,
    build_features,
    build_half_features,
    build_part_features,
)
from brainage.series import find_series, read_series
from brainage.tables import LengthCurve, read_people

DIRECTIONS = ("log_correlation_direction", "log_correlation_direction_80")
OURS = ("log_covariance", "log_correlation", *DIRECTIONS, "lagged", "amplitude")
VALIDATION = ValidationOptions(n_folds=10, n_bootstrap=0)
STACK = ClockOptions(
    estimator="stacked", views=OURS, strong_views=DIRECTIONS, validation=VALIDATION
)
CLOCKS = {
    "fisher_z": ClockOptions(views=("fisher_z",), validation=VALIDATION),
    "log_correlation": ClockOptions(views=("log_correlation",), validation=VALIDATION),
    "stacked": STACK,
    "stacked_years": STACK.model_copy(update={"age_scale": "years"}),
    # What "auto" chooses in every fold here, at a third of its time.
    "stacked_log": STACK.model_copy(update={"age_scale": "log"}),
}
ROWS = ("off", "half_weight", "full_weight")
MEASURES = (
    "within_scan_noise_years",
    "share_pooled",
    "share_within_site",
    "participants_change_state_0",
    "participants_change_state_4",
)


@dataclass(frozen=True)
class Scans:
    """The 457 controls in few columns, with their halves, and the parts of the length curve."""

    features: FeatureTable
    parts: PartFeatures

    @classmethod
    def build(cls, folder: Path, views: tuple[str, ...], n_length_scans: int, n_jobs: int) -> Scans:
        """Build every view of whole scans, halves and parts from the series."""
        people = read_people(folder / "participants.tsv")
        # Read once: they are cut three times.
        series = [read_series(file) for file in find_series(folder)]
        features = build_features(
            series,
            people,
            kinds=views,
            parcel_presence=0.99,
            incomplete_scans="exclude",
            n_jobs=n_jobs,
        )
        halves = build_half_features(series, people, features, views=views, n_jobs=n_jobs)
        print(f"{len(features)} scans; too short to halve: {len(halves.reasons)}", flush=True)
        parts = build_part_features(
            series,
            people,
            features,
            views=views,
            cuts=LENGTH_CUTS,
            scans=scans_for_curve(features, n_length_scans),
            n_jobs=n_jobs,
        )
        print(f"length curve of {len(parts.scans)} scans spread over the ages", flush=True)
        values = {}
        for name in views:
            sides = (halves.first[name], halves.second[name])
            own = np.vstack([features[name].values, *sides])
            cut = np.vstack([parts.parts[part][name] for part in parts.parts])
            values[name] = in_few_columns(own, cut)
        return cls.of(values, features.rows, parts.scans)

    @classmethod
    def of(cls, values: dict[str, np.ndarray], rows: pd.DataFrame, scans: np.ndarray) -> Scans:
        """Put together what is measured of coordinates: whole scans, halves, then every part."""
        n = len(rows)
        cuts = [cut.name for cut in LENGTH_CUTS]
        sides = {name: np.split(own, [n, 2 * n, 3 * n]) for name, own in values.items()}
        none = pd.DataFrame(columns=["participant_id", "session_id", "reason"])
        first, second = ({name: own[i] for name, own in sides.items()} for i in (1, 2))
        views = {name: View(own[0], spec_of(name, own[0].shape[1])) for name, own in sides.items()}
        features = FeatureTable(views, rows, halves=HalfFeatures(first, second, none))
        by_part = {name: np.split(own[3], len(cuts)) for name, own in sides.items()}
        parts = {cut: {name: own[i] for name, own in by_part.items()} for i, cut in enumerate(cuts)}
        return cls(features, PartFeatures(scans, parts, none))

    @classmethod
    def load(cls, path: Path) -> Scans:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            text = io.StringIO(str(stored["rows"]))
            rows = pd.read_csv(text, sep="\t", dtype={"participant_id": str, "session_id": str})
            rows["session_id"] = rows["session_id"].fillna("n/a")
            values = {name: stored[name] for name in stored.files if name in KINDS}
            return cls.of(values, rows, stored["scans"])

    def save(self, path: Path) -> None:
        """Write coordinates, rows and which scans were cut."""
        halves, parts = self.features.halves, self.parts.parts
        values = {
            name: np.vstack(
                [view.values, halves.first[name], halves.second[name]]
                + [own[name] for own in parts.values()]
            )
            for name, view in self.features.views.items()
        }
        rows = self.features.rows.to_csv(sep="\t", index=False)
        np.savez(path, rows=rows, scans=self.parts.scans, **values)


def in_few_columns(own: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Return rows with the inner products of `own` and of `cut` with them, and every length.

    Parameters
    ----------
    own, cut : ndarray of shape (n, n_features), (m, n_features)
        Rows that a clock may be trained on, and rows that it only predicts.

    Returns
    -------
    rows : ndarray of shape (n + m, n + 1)
    """
    gram, cross, squares = np.zeros((len(own),) * 2), np.zeros((len(cut), len(own))), 0.0
    for columns in blocks(own.shape[1], len(own) + len(cut)):
        one, other = own[:, columns].astype(np.float64), cut[:, columns].astype(np.float64)
        gram += one @ one.T
        cross += other @ one.T
        squares = squares + np.sum(other**2, axis=1)
    spectrum, axes = np.linalg.eigh(gram)
    kept = spectrum > spectrum[-1] * 1e-13
    basis = axes[:, kept] / np.sqrt(spectrum[kept])
    rows = np.zeros((len(own) + len(cut), len(own) + 1))
    rows[: len(own), : kept.sum()] = gram @ basis
    rows[len(own) :, : kept.sum()] = cross @ basis
    # What of a part lies outside of that span no clock sees, but its length counts in a direction.
    outside = squares - np.sum(rows[len(own) :] ** 2, axis=1)
    rows[len(own) :, -1] = np.sqrt(np.maximum(outside, 0.0))
    return rows


def spec_of(kind: str, n_columns: int) -> ViewSpec:
    """Return a spec of coordinates."""
    names = tuple(f"axis {i}" for i in range(n_columns))
    return ViewSpec(kind, "none", "parcel", names, (None,) * n_columns, "coordinates", "ABIDE")


def measure(
    scans: Scans, options: ClockOptions, seed: int, grams: dict[tuple, np.ndarray]
) -> tuple[dict[str, float], LengthCurve]:
    """Return the figures of one clock on one draw of folds, and its length curve."""
    features = scans.features
    cv = cross_validate_clock(features, options, seed=seed, grams=grams)
    halves = predict_halves(features, features.halves, options, cv)
    asked = measure_efficiency(halves, n_bootstrap=0).set_index("measure")["estimate"]
    found = cv.metrics.set_index("metric")["estimate"]
    figures = {"MAE": found["MAE"], "r": found["r"]}
    figures |= {name: float(asked[name]) for name in MEASURES}
    return figures, measure_length_curve(features, scans.parts, options, cv)


def show(figures: pd.DataFrame, curves: pd.DataFrame, sd_age: float, out: Path | None) -> None:
    """Print the means and SDs over seeds; write them as TSV where a folder is given."""
    keys = ["clock", "half_scans"]
    curves = curves.assign(slope_x_sd_years=curves["slope_on_age"] * sd_age)
    of_cut = curves.groupby([*keys, "loss", "share_kept"], sort=False)
    columns = ["shift_years", "shift_low_years", "shift_high_years", "slope_x_sd_years"]
    curve = of_cut[columns].mean()
    curve["shift_sd_over_seeds"] = of_cut["shift_years"].std()
    curve["slope_sd_over_seeds"] = of_cut["slope_x_sd_years"].std()
    from_half = curve[curve.index.get_level_values("share_kept") >= 0.5]
    worst = from_half[["shift_years", "slope_x_sd_years"]].abs().groupby(keys, sort=False).max()
    off = figures[figures["half_scans"] == "off"].set_index(["clock", "seed"])
    people = "participants_change_state_4"
    base = off[people].reindex(pd.MultiIndex.from_frame(figures[["clock", "seed"]])).to_numpy()
    figures = figures.assign(participants_ratio=figures[people] / base)
    by_clock = figures.groupby(keys, sort=False)
    names = [name for name in figures if name not in (*keys, "seed")]
    means = by_clock[names].mean().join(worst.add_suffix(", worst from 1/2"))
    spread = by_clock[names].std().reindex(columns=means.columns)
    cells = means.round(3).map(str) + spread.map(lambda sd: f" ({sd:.3f})" if sd >= 0 else "")
    print(f"\nseeds: {figures['seed'].nunique()}; SD of age {sd_age:.2f} years; mean (SD)")
    print(cells.T.to_string())
    for name in ("shift_years", "shift_low_years", "shift_high_years", "slope_x_sd_years"):
        print(f"{name}\n{curve[name].unstack('share_kept').round(2).to_string()}", flush=True)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        figures.round(4).to_csv(out / "half_scans_by_seed.tsv", sep="\t", index=False)
        means.round(4).to_csv(out / "half_scans.tsv", sep="\t")
        curve.round(4).to_csv(out / "length_curves.tsv", sep="\t")


def main() -> None:
    """Measure every clock on every seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--clocks", nargs="+", choices=CLOCKS, default=list(CLOCKS))
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--length-scans", type=int, default=457)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--cache", type=Path, help=".npz of all clocks' views; made if not there")
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    wanted = CLOCKS if asked.cache is not None else asked.clocks
    views = tuple(dict.fromkeys(view for name in wanted for view in CLOCKS[name].views))
    # What was kept serves every clock; without a file to keep it in, only what is asked is built.
    if asked.cache is not None and asked.cache.is_file():
        scans = Scans.load(asked.cache)
    else:
        scans = Scans.build(asked.folder, views, asked.length_scans, asked.jobs)
        if asked.cache is not None:
            scans.save(asked.cache)
    figures, curves = [], []
    grams: dict[tuple, np.ndarray] = {}
    for seed in asked.seeds:
        for name in asked.clocks:
            for rows in asked.rows:
                options = CLOCKS[name].model_copy(update={"half_scans": rows})
                own, curve = measure(scans, options, seed, grams)
                labels = {"clock": name, "half_scans": rows, "seed": seed}
                figures.append(labels | own)
                curves.append(curve.rows.assign(**labels))
        sd_age = float(np.std(scans.features.ages))
        show(pd.DataFrame(figures), pd.concat(curves), sd_age, asked.out)


if __name__ == "__main__":
    main()
