"""Does the trial analysis keep its promises? Simulated trials at LISA's size, scores redrawn.

Each trial is drawn at score level: a brain-age gap is a person effect, a slope on age (age bias
left in), a visit effect common to all arms, a planted arm effect and scan noise. Part (a) is what
must hold between arms; part (b) is what within-arm tests and naive choices do, shown with its
size and cause.

    python scripts/validate_trial.py OUT [--trials 2000] [--jobs 2] [--table docs/validation.md]

Resumable: each chunk of trials is one file in OUT; a chunk that is there is not drawn again.
With --table, the table between the markers in that file is rewritten.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats
from simulated_trials import (
    ARMS,
    COVARIATES,
    HOLDS,
    NOISE_SD_YEARS,
    PERSON_SD_YEARS,
    SHOWN,
    VISITS,
    Setting,
    draw_trial,
)

from brainage.files import atomic_path, write_text
from brainage.trial.analyses.change import within_arm_changes
from brainage.trial.analyses.levakov import levakov_outcome
from brainage.trial.analyses.rerandomize import rerandomization_test
from brainage.trial.models.ancova import fit_ancova
from brainage.trial.models.mmrm import fit_frame
from brainage.trial.models.model_frame import FEW_PEOPLE, build_model_frame

CHUNK = 100
SEED = 20260211
#: What promises to hold, and where; every other row is shown beside it.
PROMISED = ("MMRM", "constrained", "ANCOVA", "re-randomisation, ancova", "re-randomisation, gls")
PROMISED_UNDER_DROP_OUT = ("MMRM", "constrained")


def analyse_between(setting: Setting, n_per_arm: int, rng: np.random.Generator) -> list[tuple]:
    """Return (analysis, visit, truth, estimate, se, ci_low, ci_high, p, fell back) rows."""
    _, data = draw_trial(setting, n_per_arm, rng)
    crossed = ("baseline_gap", "baseline_age")
    change = build_model_frame(
        data,
        response="change",
        arms=ARMS,
        visits=VISITS[1:],
        covariates=COVARIATES,
        crossed_with_visit=crossed,
    )
    constrained = build_model_frame(
        data,
        response="gap",
        arms=ARMS,
        visits=VISITS,
        covariates=COVARIATES[1:],
        crossed_with_visit=("baseline_age",),
        form="constrained",
    )
    fits = {
        "MMRM": (change, {}),
        "constrained": (constrained, {}),
        "MMRM, one covariance, Satterthwaite": (
            change,
            {"covariance_by_arm": False, "errors": "model"},
        ),
    }
    if n_per_arm < FEW_PEOPLE:
        for name, frame in (("MMRM", change), ("constrained", constrained)):
            own = f"{name}, own covariances"
            fits[f"{own}, Satterthwaite"] = frame, {"errors": "model"}
            fits[f"{own}, Kenward-Roger"] = frame, {"degrees_of_freedom": "kenward_roger"}
    rows = []
    for name, (frame, options) in fits.items():
        fit = fit_frame(frame, **options)
        for k, visit in enumerate(VISITS[1:]):
            truth = setting.effect.get("HRT", (0, 0))[k]
            rows.append(
                _row(name, visit, truth, fit.contrast("HRT", visit), bool(fit.fell_back_because))
            )
    ancova = {"ANCOVA": "automatic"} | ({"ANCOVA, HC3": "hc3"} if n_per_arm < FEW_PEOPLE else {})
    for name, errors in ancova.items():
        for k, visit in enumerate(VISITS[1:]):
            fit = fit_ancova(
                data[data["visit"] == visit],
                response="change",
                arms=ARMS,
                covariates=COVARIATES,
                errors=errors,
            )
            truth = setting.effect.get("HRT", (0, 0))[k]
            rows.append(_row(name, visit, truth, fit.contrast("HRT"), False))
    return rows


def analyse_rerandomized(setting: Setting, n_per_arm: int, rng) -> list[tuple]:
    """Return one row per statistic of the re-randomisation test, 499 draws each."""
    allocation, data = draw_trial(setting, n_per_arm, rng)
    rows = []
    for statistic in ("ancova", "gls"):
        result = rerandomization_test(
            allocation,
            data[data["visit"] != "baseline"],
            response="change",
            arm="HRT",
            control="CON",
            visit="1y",
            covariates=COVARIATES,
            scheme="stratified_blocks",
            block_size=6,
            strata=("sex", "bmi"),
            n_draws=499,
            seed=int(rng.integers(2**31)),
            statistic=statistic,
            interval=statistic == "ancova",
        )
        truth = setting.effect.get("HRT", (0, 0))[0]
        rows.append(
            (
                f"re-randomisation, {statistic}",
                "1y",
                truth,
                result.estimate,
                np.nan,
                result.ci_low,
                result.ci_high,
                result.p_value,
                False,
            )
        )
    return rows


def analyse_naive(setting: Setting, n_per_arm: int, rng: np.random.Generator) -> list[tuple]:
    """Return rows of within-arm tests and of contrasts that ignore or adjust the artefact."""
    _, data = draw_trial(setting, n_per_arm, rng)
    later = data[data["visit"] != "baseline"]
    rows = _within_rows(data, later)
    counts = data.groupby("participant_id")["visit"].transform("size")
    tables = {
        "ANCOVA": (data, COVARIATES),
        "ANCOVA, completers": (data[counts == 3], COVARIATES),
        "ANCOVA + years since baseline": (data, (*COVARIATES, "years")),
        "ANCOVA + motion change": (data, (*COVARIATES, "motion_change")),
    }
    for name, (table, covariates) in tables.items():
        part = table[table["visit"] == "2y"]
        fit = fit_ancova(part, response="change", arms=ARMS, covariates=covariates)
        truth = setting.effect.get("HRT", (0.0, 0.0))[1]
        rows.append(_row(name, "2y", truth, fit.contrast("HRT"), False))
    return rows + _mmrm_rows(setting, later)


def _mmrm_rows(setting: Setting, later: pd.DataFrame) -> list[tuple]:
    frame = build_model_frame(
        later,
        response="change",
        arms=ARMS,
        visits=VISITS[1:],
        covariates=COVARIATES,
        crossed_with_visit=("baseline_gap", "baseline_age"),
    )
    fit = fit_frame(frame)
    truth = setting.effect.get("HRT", (0.0, 0.0))[1]
    return [
        _row("MMRM", "2y", truth, fit.contrast("HRT", "2y"), False),
        _row("MMRM, delta of HRT", "2y", truth, fit.arm_delta("HRT", "2y"), False),
    ]


def _within_rows(data: pd.DataFrame, later: pd.DataFrame) -> list[tuple]:
    """Return the within-arm tests of LISA-like and Levakov-like studies."""
    changes = within_arm_changes(later, ARMS, VISITS[1:]).set_index(["arm", "visit"])
    found = changes.loc[("CON", "1y")]
    rows = [
        (
            "paired t within control",
            "1y",
            0.0,
            found["mean_change_years"],
            found["se_years"],
            found["change_ci_low_years"],
            found["change_ci_high_years"],
            found["p_value"],
            False,
        )
    ]
    scans = data.assign(
        network="whole_brain", age_years=data["age"], predicted_age_years=data["age"] + data["gap"]
    )
    first = scans[scans["visit"] == "baseline"].set_index("participant_id")
    follow_ups = scans[scans["visit"] != "baseline"]
    before = first["predicted_age_years"].reindex(follow_ups["participant_id"]).to_numpy()
    outcome = (
        levakov_outcome(
            scans,
            follow_ups.assign(baseline_predicted_years=before),
            arms=ARMS,
            visits=VISITS[1:],
            baseline="baseline",
            n_bootstraps=400,
            seed=0,
        )
        .table.set_index(["arm", "visit"])
        .loc[("CON", "1y")]
    )
    # Attenuation is good above zero; our sign is below zero for younger.
    estimate, se = -outcome["attenuation_years"], outcome["sd_years"] / np.sqrt(outcome["n"])
    half = stats.t.ppf(0.975, outcome["df"]) * se
    rows.append(
        (
            "Levakov within control, published t",
            "1y",
            0.0,
            estimate,
            se,
            estimate - half,
            estimate + half,
            outcome["p_value"],
            False,
        )
    )
    low, high = -outcome["bootstrap_ci_high_years"], -outcome["bootstrap_ci_low_years"]
    rows.append(
        (
            "Levakov within control, bootstrap",
            "1y",
            0.0,
            estimate,
            outcome["bootstrap_se_years"],
            low,
            high,
            float(low <= 0 <= high),
            False,
        )
    )
    adjusted = stats.false_discovery_control(changes["p_value"])
    claims = (adjusted < 0.05) & (changes["mean_change_years"] < 0)
    rows.append(
        (
            "lisa_like: any arm 'younger' (BH)",
            "any",
            0.0,
            np.nan,
            np.nan,
            np.nan,
            np.nan,
            0.0 if claims.any() else 1.0,
            False,
        )
    )
    return rows


def _row(name, visit, truth, result, fell_back) -> tuple:
    return (
        name,
        visit,
        truth,
        result.estimate,
        result.se,
        result.ci_low,
        result.ci_high,
        result.p_value,
        fell_back,
    )


COLUMNS = ("analysis", "visit", "truth", "estimate", "se", "ci_low", "ci_high", "p", "fell_back")
PARTS = {
    "between": (HOLDS, analyse_between),
    "rerandomized": (HOLDS, analyse_rerandomized),
    "naive": (SHOWN, analyse_naive),
}


def chunk_path(out: Path, job: tuple) -> Path:
    """Return the file of one chunk."""
    part, index, n_per_arm, (number, size) = job
    return out / f"{part}_{index}_n{n_per_arm}_{number:03d}_of{size}.tsv"


def run_chunk(out: Path, part: str, index: int, n_per_arm: int, chunk: tuple[int, int]) -> Path:
    """Draw and analyse one chunk of trials, unless its file is there."""
    number, size = chunk
    settings, analyse = PARTS[part]
    path = chunk_path(out, (part, index, n_per_arm, chunk))
    if path.exists():
        return path
    stream = np.random.SeedSequence([SEED, list(PARTS).index(part), index, n_per_arm, number])
    rng = np.random.default_rng(stream)
    rows = [row for _ in range(size) for row in analyse(settings[index], n_per_arm, rng)]
    with atomic_path(path) as temporary:
        pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(temporary, sep="\t", index=False)
    return path


def jobs_of(trials: int, redraws: int) -> list[tuple]:
    """Return every chunk of the study: part, setting, people per arm, chunk."""
    plan = [("between", n, trials) for n in (103, 15)]
    plan += [("rerandomized", n, redraws) for n in (103, 15)] + [("naive", 103, trials)]
    jobs = []
    for part, n_per_arm, total in plan:
        size = min(CHUNK, total)
        for index in range(len(PARTS[part][0])):
            jobs += [(part, index, n_per_arm, (k, size)) for k in range(total // size)]
    # Chunk by chunk over all settings: an interrupted run leaves a table that is even.
    return sorted(jobs, key=lambda job: job[3][0])


def summarise(paths: dict[tuple, list[Path]]) -> pd.DataFrame:
    """Return one row per part, setting, size, analysis and visit."""
    rows = []
    for (part, index, n_per_arm), files in paths.items():
        table = pd.concat([pd.read_csv(file, sep="\t") for file in files])
        setting = PARTS[part][0][index]
        for (analysis, visit), own in table.groupby(["analysis", "visit"], sort=False):
            m, rejected = len(own), (own["p"] <= 0.05).mean()
            covered = ((own["ci_low"] <= own["truth"]) & (own["truth"] <= own["ci_high"])).mean()
            rows.append(
                {
                    "part": part,
                    "setting": setting.name,
                    "n_per_arm": n_per_arm,
                    "analysis": analysis,
                    "visit": visit,
                    "trials": m,
                    "truth": own["truth"].iloc[0],
                    "bias": (own["estimate"] - own["truth"]).mean(),
                    "bias_se": own["estimate"].std() / np.sqrt(m),
                    "rejected": rejected,
                    "rejected_se": np.sqrt(rejected * (1 - rejected) / m),
                    "covered": covered if own["ci_low"].notna().all() else np.nan,
                    "mean_se": own["se"].mean(),
                    "sd": own["estimate"].std(),
                    "fell_back": own["fell_back"].mean(),
                    "cause": setting.cause,
                }
            )
    return pd.DataFrame(rows)


def planned_power(n_per_arm: int, effect_years: float) -> float:
    """Power of a baseline-adjusted comparison of two arms, from the simulation's own numbers."""
    total = PERSON_SD_YEARS**2 + NOISE_SD_YEARS**2
    left = total * (1 - (PERSON_SD_YEARS**2 / total) ** 2)
    n = n_per_arm * (1 - 0.08)
    df, shift = 3 * n - 7, effect_years / np.sqrt(left * 2 / n)
    limit = stats.t.ppf(0.975, df)
    return float(stats.nct.sf(limit, df, abs(shift)) + stats.nct.cdf(-limit, df, abs(shift)))


LONG_TABLES = {"between_arms.tsv": "between arms", "shown_not_held.tsv": "shown, not held"}


def long_tables(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the tables that lie beside docs/validation.md; Monte-Carlo error in ().

    Figures of one row are those at 1 and at 2 years, in that order.
    """
    key = ["part", "n_per_arm", "setting", "analysis"]
    between = []
    for _, rows in table[table["part"] != "naive"].groupby(key, sort=False):
        first = rows.iloc[0]
        between.append(
            {
                "people per arm": first["n_per_arm"],
                "setting": first["setting"],
                "analysis": first["analysis"],
                "trials": first["trials"],
                "bias, years": _joined(rows["bias"], "{:+.2f}") + f" ({rows['bias_se'].max():.2f})",
                "mean SE / SD": _joined(rows["mean_se"] / rows["sd"], "{:.2f}"),
                "rejected %": _joined(100 * rows["rejected"])
                + f" ({100 * rows['rejected_se'].max():.1f})",
                "covered %": _joined(100 * rows["covered"]),
                "verdict": _verdict(rows),
            }
        )
    shown = [
        {
            "setting": row.setting,
            "cause": row.cause,
            "analysis": row.analysis,
            "visit": row.visit,
            "trials": row.trials,
            "mean estimate, years": "n/a"
            if np.isnan(row.bias)
            else f"{row.truth + row.bias:+.2f} ({row.bias_se:.2f})",
            "'significant' %": f"{100 * row.rejected:.1f} ({100 * row.rejected_se:.1f})",
        }
        for row in table[table["part"] == "naive"].itertuples()
    ]
    return dict(zip(LONG_TABLES, (pd.DataFrame(between), pd.DataFrame(shown)), strict=True))


def summary_lines(between: pd.DataFrame) -> list[str]:
    """Return the summary table of docs/validation.md: a row a size and analysis, over its settings.

    "rejected %" leaves out the setting with a planted effect, where it is power.
    """
    lines = [
        "| people per arm | analysis | settings | trials each | rejected % (5 is right) "
        "| covered % (95 is right) | outside two Monte-Carlo errors |",
        "|---|---|---|---|---|---|---|",
    ]
    for (people, analysis), rows in between.groupby(["people per arm", "analysis"], sort=False):
        null = rows[~rows["verdict"].str.contains("power")]
        outside = rows["verdict"].str.count(r"\*\*(?:size|coverage)").sum()
        promised = ~rows["verdict"].str.startswith("shown")
        kind = "" if promised.all() else " (shown)" if not promised.any() else " (partly shown)"
        lines.append(
            f"| {people} | {analysis}{kind} | {len(rows)} | {rows['trials'].min()} "
            f"| {_range(null['rejected %'])} | {_range(rows['covered %'])} | {outside} |"
        )
    return lines


def _range(cells: pd.Series) -> str:
    found = [
        float(number)
        for cell in cells
        for number in re.findall(r"\d+\.\d", str(cell).partition("(")[0])
    ]
    return f"{min(found):.1f} to {max(found):.1f}" if found else "n/a"


def _joined(values, form: str = "{:.1f}") -> str:
    return "n/a" if values.isna().any() else " / ".join(form.format(value) for value in values)


def _promised(row) -> bool:
    drop_out = row.setting == "drop-out on observed gaps"
    return row.analysis in (PROMISED_UNDER_DROP_OUT if drop_out else PROMISED)


def _off(row) -> tuple[str, float]:
    """Return what is judged, and by how far it is off: coverage under an effect, else size."""
    if row.truth != 0 and not np.isnan(row.covered):
        return "coverage", row.covered - 0.95
    return "size", 0.0 if row.truth != 0 else row.rejected - 0.05


def _band(row) -> float:
    return 2 * np.sqrt(0.05 * 0.95 / row.trials)


def _verdict(rows: pd.DataFrame) -> str:
    """Within two Monte-Carlo errors of 5 % and 95 %; under an effect, power against planned."""
    words = []
    for row in rows.itertuples():
        if row.truth != 0:
            words.append(f"planned power {100 * planned_power(row.n_per_arm, row.truth):.0f} %")
        what, off = _off(row)
        words.append(
            f"**{what} {100 * off:+.1f} at {row.visit}**" if abs(off) > _band(row) else "holds"
        )
    if (rows["fell_back"] > 0).any():
        words.append(f"fell back in {100 * rows['fell_back'].mean():.1f} %")
    return ("" if _promised(rows.iloc[0]) else "shown: ") + "; ".join(dict.fromkeys(words))


def tally(table: pd.DataFrame) -> str:
    """Say how many of the promised figures lie outside two Monte-Carlo errors, and by how much."""
    rows = [row for row in table[table["part"] != "naive"].itertuples() if _promised(row)]
    judged = [(row, *_off(row)) for row in rows if not (row.truth != 0 and np.isnan(row.covered))]
    outside = [(row, what, off) for row, what, off in judged if abs(off) > _band(row)]
    worst = max((abs(off) for _, _, off in judged), default=0.0)
    mean = np.mean([off for _, _, off in judged])
    return (
        f"Of {len(judged)} promised figures {len(outside)} lie outside two Monte-Carlo errors "
        f"(by chance {0.0455 * len(judged):.1f} would); the mean distance from nominal is "
        f"{100 * mean:+.2f} points, the largest {100 * worst:.1f}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--redraws", type=int, default=1000, help="re-randomised trials")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--part", choices=sorted(PARTS), help="only this part")
    parser.add_argument("--summary", action="store_true", help="draw nothing, sum up what is there")
    parser.add_argument(
        "--table",
        type=Path,
        help="markdown file with the table's markers; long tables go beside it",
    )
    options = parser.parse_args()
    began = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [
        job for job in jobs_of(options.trials, options.redraws) if options.part in (None, job[0])
    ]
    if not options.summary:
        Parallel(n_jobs=options.jobs)(delayed(run_chunk)(options.out, *job) for job in jobs)
    paths: dict[tuple, list[Path]] = {}
    for job in jobs:
        if (file := chunk_path(options.out, job)).exists():
            paths.setdefault(job[:3], []).append(file)
    done = sum(map(len, paths.values()))
    print(f"{done} of {len(jobs)} chunks")
    table = summarise(paths)
    with atomic_path(options.out / "summary.tsv") as temporary:
        table.to_csv(temporary, sep="\t", index=False)
    tables = long_tables(table)
    text = "\n".join([tally(table), "", *summary_lines(tables["between_arms.tsv"])])
    if options.table is None:
        print(text)
    else:
        for name, long in tables.items():
            with atomic_path(options.table.with_suffix("") / name) as temporary:
                long.to_csv(temporary, sep="\t", index=False)
        before, _, rest = options.table.read_text().partition("<!-- table begins -->")
        after = rest.partition("<!-- table ends -->")[2]
        write_text(
            options.table, f"{before}<!-- table begins -->\n\n{text}\n\n<!-- table ends -->{after}"
        )
    print(f"wall time {time.monotonic() - began:.0f} s, {options.jobs} jobs")


if __name__ == "__main__":
    main()
