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
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats

from brainage.files import atomic_path, write_text
from brainage.trial.ancova import fit_ancova
from brainage.trial.mmrm import fit_frame
from brainage.trial.model_frame import build_model_frame
from brainage.trial.rerandomize import rerandomization_test

ARMS = ("CON", "MIT", "HRT")
VISITS = ("baseline", "1y", "2y")
COVARIATES = ("baseline_gap", "baseline_age", "sex", "bmi")
PERSON_SD_YEARS, NOISE_SD_YEARS = 3.5, 2.5
CHUNK = 100
SEED = 20260211


@dataclass(frozen=True)
class Setting:
    """How scores are drawn; every number in years unless said otherwise."""

    name: str
    effect: dict[str, tuple[float, float]] = field(default_factory=dict)
    common_visit: tuple[float, float] = (0.0, 0.0)
    age_slope: float = 0.0
    noise_factor: dict[str, float] = field(default_factory=dict)
    missing: float = 0.08
    dropout: dict[str, float] = field(default_factory=dict)
    dropout_on: str = "none"
    interval_spread: float = 0.0
    interval_shift: dict[str, float] = field(default_factory=dict)
    motion_shift: dict[str, float] = field(default_factory=dict)
    cause: str = ""


LISA = {"MIT": (-1.39, -1.4), "HRT": (-1.4, -2.3)}
HOLDS = (
    Setting("person effects"),
    Setting("unequal arm variances", noise_factor={"HRT": 2.0}),
    Setting("active third arm", effect={"MIT": (-1.39, -1.4)}),
    Setting("common visit effect", common_visit=(1.0, 1.5)),
    Setting("unequal intervals, alike", age_slope=-0.4, interval_spread=0.4),
    Setting("age bias left in", age_slope=-0.4),
    Setting("drop-out on observed gaps", dropout={"CON": 0.15, "MIT": 0.15, "HRT": 0.45},
            dropout_on="gap"),
    Setting("planted LISA effect", effect=LISA),
)  # fmt: skip
SHOWN = (
    Setting("no artefact", cause="nothing: reference"),
    Setting("age bias left in", age_slope=-0.4,
            cause="a gap that falls 0.4 years per year of age falls in every arm"),
    Setting("common visit effect", common_visit=(-1.0, -1.0),
            cause="scanner drift or habituation moves every arm"),
    Setting("drop-out on baseline", dropout={"CON": 0.5, "MIT": 0.5, "HRT": 0.5},
            dropout_on="baseline", cause="people with young-looking baselines leave: regression "
            "to the mean"),
    Setting("differential drop-out", dropout={"CON": 0.0, "HRT": 0.6}, dropout_on="gap",
            cause="people of one arm whose gap stayed high leave"),
    Setting("intervals differ by arm", age_slope=-0.4, interval_spread=0.4,
            interval_shift={"HRT": 1.0},
            cause="age bias acts for one more year in one arm"),
    Setting("motion differs by arm", motion_shift={"HRT": 0.1},
            cause="motion moves the gap 8 years per mm and rises by 0.1 mm in one arm"),
    Setting("planted LISA effect", effect=LISA, cause="an effect of -2.3 years in HRT at 2 years"),
)  # fmt: skip
MOTION_YEARS_PER_MM = 8.0
GLS_SETTINGS = ("person effects", "unequal arm variances")


def draw_trial(setting: Setting, n_per_arm: int, rng: np.random.Generator):
    """Return the randomised list (in order) and the long table of scores of those scanned."""
    n_allocated = len(ARMS) * int(np.ceil(n_per_arm * 1.46))
    sex, bmi = rng.integers(0, 2, (2, n_allocated))
    arm = np.empty(n_allocated, dtype=object)
    for code in range(4):
        mine = np.flatnonzero(sex * 2 + bmi == code)
        blocks = [rng.permutation(np.repeat(ARMS, 2)) for _ in range(len(mine) // 6 + 1)]
        arm[mine] = np.concatenate(blocks)[: len(mine)]
    ids = np.array([f"p{i:04d}" for i in range(n_allocated)])
    allocation = pd.DataFrame({"participant_id": ids, "arm": arm, "sex": sex, "bmi": bmi})
    scanned = np.sort(rng.permutation(n_allocated)[: n_per_arm * len(ARMS)])
    return allocation, _scores(setting, allocation.iloc[scanned], rng)


def _scores(setting: Setting, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n, arm = len(people), people["arm"].to_numpy()
    age = rng.uniform(62, 70, n)
    years = np.column_stack([np.zeros(n), np.ones(n), np.full(n, 2.0)])
    years[:, 1:] += rng.uniform(-1, 1, (n, 1)) * setting.interval_spread
    years[:, 1:] += _by_arm(arm, setting.interval_shift)[:, None]
    noise = rng.normal(0, NOISE_SD_YEARS, (n, 3))
    noise[:, 1:] *= _by_arm(arm, setting.noise_factor, 1.0)[:, None]
    motion = rng.gamma(4, 0.04, (n, 3))
    motion[:, 1:] += _by_arm(arm, setting.motion_shift)[:, None]
    planted = np.zeros((n, 3))
    for name, effect in setting.effect.items():
        planted[arm == name, 1:] = effect
    gap = rng.normal(0, PERSON_SD_YEARS, n)[:, None] + planted + noise
    gap = gap + setting.age_slope * (age[:, None] + years - 66) + (0.0, *setting.common_visit)
    if setting.motion_shift:
        gap = gap + MOTION_YEARS_PER_MM * (motion - 0.16)
    present = rng.random((n, 3)) >= (0.0, setting.missing, setting.missing)
    present &= _stays(setting, gap, arm, rng)
    frame = {"participant_id": np.repeat(people["participant_id"].to_numpy(), 3),
             "arm": np.repeat(arm, 3), "visit": np.tile(VISITS, n), "gap": gap.ravel(),
             "change": (gap - gap[:, :1]).ravel(), "baseline_gap": np.repeat(gap[:, 0], 3),
             "baseline_age": np.repeat(age, 3), "sex": np.repeat(people["sex"].to_numpy(), 3),
             "bmi": np.repeat(people["bmi"].to_numpy(), 3), "years": years.ravel(),
             "motion_change": (motion - motion[:, :1]).ravel(), "age": (age[:, None] + years
                                                                        ).ravel()}  # fmt: skip
    return pd.DataFrame(frame)[present.ravel()]


def _by_arm(arm: np.ndarray, values: dict[str, float], default: float = 0.0) -> np.ndarray:
    return np.array([values.get(name, default) for name in arm])


def _stays(setting: Setting, gap, arm, rng) -> np.ndarray:
    stays = np.ones(gap.shape, dtype=bool)
    if setting.dropout_on == "none":
        return stays
    strength = _by_arm(arm, setting.dropout)
    if setting.dropout_on == "baseline":
        leaves = (rng.random(len(arm)) < strength) & (gap[:, 0] < 0)
        stays[leaves, 1:] = False
        return stays
    # After each visit people leave in proportion to how old their brain looked at that visit:
    # missing at random, because the gap they left on was observed.
    for visit in (0, 1):
        chance = strength * stats.norm.cdf((gap[:, visit] - 1) / 3)
        stays[rng.random(len(arm)) < chance, visit + 1 :] = False
    return stays


def analyse_between(setting: Setting, n_per_arm: int, rng: np.random.Generator) -> list[tuple]:
    """Return (analysis, visit, truth, estimate, se, ci_low, ci_high, p, fell back) rows."""
    _, data = draw_trial(setting, n_per_arm, rng)
    crossed = ("baseline_gap", "baseline_age")
    change = build_model_frame(data, response="change", arms=ARMS, visits=VISITS[1:],
                               covariates=COVARIATES, crossed_with_visit=crossed)  # fmt: skip
    constrained = build_model_frame(
        data, response="gap", arms=ARMS, visits=VISITS, covariates=COVARIATES[1:],
        crossed_with_visit=("baseline_age",), form="constrained",
    )  # fmt: skip
    fits = {
        "MMRM": (change, {}),
        "MMRM, Kenward-Roger": (change, {"degrees_of_freedom": "kenward_roger"}),
        "MMRM, one covariance": (change, {"covariance_by_arm": False}),
        "MMRM, one covariance, robust": (
            change,
            {"covariance_by_arm": False, "errors": "cluster_robust"},
        ),
        "constrained": (constrained, {}),
        "constrained, Kenward-Roger": (constrained, {"degrees_of_freedom": "kenward_roger"}),
    }
    rows = []
    for name, (frame, options) in fits.items():
        fit = fit_frame(frame, **options)
        for k, visit in enumerate(VISITS[1:]):
            truth = setting.effect.get("HRT", (0, 0))[k]
            rows.append(_row(name, visit, truth, fit.contrast("HRT", visit),
                             bool(fit.fell_back_because)))  # fmt: skip
    for k, visit in enumerate(VISITS[1:]):
        fit = fit_ancova(data[data["visit"] == visit], response="change", arms=ARMS,
                         covariates=COVARIATES)  # fmt: skip
        truth = setting.effect.get("HRT", (0, 0))[k]
        rows.append(_row("ANCOVA", visit, truth, fit.contrast("HRT"), False))
    return rows


def analyse_rerandomized(setting: Setting, n_per_arm: int, rng) -> list[tuple]:
    """Return one row per statistic of the re-randomisation test, 499 draws each."""
    allocation, data = draw_trial(setting, n_per_arm, rng)
    rows = []
    statistics = ("ancova", "gls") if setting.name in GLS_SETTINGS else ("ancova",)
    for statistic in statistics:
        result = rerandomization_test(
            allocation, data[data["visit"] != "baseline"], response="change", arm="HRT",
            control="CON", visit="1y", covariates=COVARIATES, scheme="stratified_blocks",
            block_size=6, strata=("sex", "bmi"), n_draws=499, seed=int(rng.integers(2**31)),
            statistic=statistic,
        )  # fmt: skip
        truth = setting.effect.get("HRT", (0, 0))[0]
        rows.append((f"re-randomisation, {statistic}", "1y", truth, result.estimate, np.nan,
                     np.nan, np.nan, result.p_value, False))  # fmt: skip
    return rows


def analyse_naive(setting: Setting, n_per_arm: int, rng: np.random.Generator) -> list[tuple]:
    """Return rows of within-arm tests and of contrasts that ignore or adjust the artefact."""
    _, data = draw_trial(setting, n_per_arm, rng)
    rows, p_values = [], {}
    baseline = data[data["visit"] == "baseline"]
    slope = np.polyfit(baseline["age"], baseline["age"] + baseline["gap"], 1)[0]
    later = data[data["visit"] != "baseline"]
    for (arm, visit), part in later.groupby(["arm", "visit"]):
        p_values[arm, visit] = stats.ttest_1samp(part["change"], 0).pvalue
        if (arm, visit) == ("CON", "1y"):
            rows.append(_one_sample("paired t within control", part["change"]))
            # Levakov: expected minus observed predicted age; sign turned to ours (down = younger).
            observed = part["change"] + part["years"]
            rows.append(_one_sample("Levakov within control", observed - slope * part["years"]))
    adjusted = stats.false_discovery_control(list(p_values.values()))
    changes = later.groupby(["arm", "visit"])["change"].mean()
    claims = [p < 0.05 and changes[key] < 0
              for key, p in zip(p_values, adjusted, strict=True)]  # fmt: skip
    rows.append(("lisa_like: any arm 'younger' (BH)", "any", 0.0, np.nan, np.nan, np.nan, np.nan,
                 0.0 if any(claims) else 1.0, False))  # fmt: skip
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
        later, response="change", arms=ARMS, visits=VISITS[1:], covariates=COVARIATES,
        crossed_with_visit=("baseline_gap", "baseline_age"),
    )  # fmt: skip
    fit = fit_frame(frame)
    truth = setting.effect.get("HRT", (0.0, 0.0))[1]
    return [
        _row("MMRM", "2y", truth, fit.contrast("HRT", "2y"), False),
        _row("MMRM, delta of HRT", "2y", truth, fit.arm_delta("HRT", "2y"), False),
    ]


def _one_sample(name: str, values) -> tuple:
    test = stats.ttest_1samp(values, 0)
    low, high = test.confidence_interval()
    se = np.std(values, ddof=1) / np.sqrt(len(values))
    return name, "1y", 0.0, np.mean(values), se, low, high, test.pvalue, False


def _row(name, visit, truth, result, fell_back) -> tuple:
    return (name, visit, truth, result.estimate, result.se, result.ci_low, result.ci_high,
            result.p_value, fell_back)  # fmt: skip


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
            rows.append({
                "part": part, "setting": setting.name, "n_per_arm": n_per_arm,
                "analysis": analysis, "visit": visit, "trials": m, "truth": own["truth"].iloc[0],
                "bias": (own["estimate"] - own["truth"]).mean(),
                "bias_se": own["estimate"].std() / np.sqrt(m),
                "rejected": rejected, "rejected_se": np.sqrt(rejected * (1 - rejected) / m),
                "covered": covered if own["ci_low"].notna().all() else np.nan,
                "mean_se": own["se"].mean(), "sd": own["estimate"].std(),
                "fell_back": own["fell_back"].mean(), "cause": setting.cause,
            })  # fmt: skip
    return pd.DataFrame(rows)


def planned_power(n_per_arm: int, effect_years: float) -> float:
    """Power of a baseline-adjusted comparison of two arms, from the simulation's own numbers."""
    total = PERSON_SD_YEARS**2 + NOISE_SD_YEARS**2
    left = total * (1 - (PERSON_SD_YEARS**2 / total) ** 2)
    n = n_per_arm * (1 - 0.08)
    df, shift = 3 * n - 7, effect_years / np.sqrt(left * 2 / n)
    limit = stats.t.ppf(0.975, df)
    return float(stats.nct.sf(limit, df, abs(shift)) + stats.nct.cdf(-limit, df, abs(shift)))


def markdown(table: pd.DataFrame) -> str:
    """Return the tables of docs/validation.md; figures at 1 / 2 years, Monte-Carlo error in ()."""
    head = "people per arm | setting | analysis | trials | bias, years | mean SE / SD | "
    head += "rejected % | covered % | verdict"
    lines = ["### (a) Between arms: HRT against control, at 1 / 2 years", "", f"| {head} |"]
    lines.append("|" + "---|" * 9)
    key = ["part", "n_per_arm", "setting", "analysis"]
    for _, rows in table[table["part"] != "naive"].groupby(key, sort=False):
        first = rows.iloc[0]
        cells = [
            first["n_per_arm"], first["setting"], first["analysis"], first["trials"],
            _joined(rows["bias"], "{:+.2f}") + f" ({rows['bias_se'].max():.2f})",
            _joined(rows["mean_se"] / rows["sd"], "{:.2f}"),
            _joined(100 * rows["rejected"]) + f" ({100 * rows['rejected_se'].max():.1f})",
            _joined(100 * rows["covered"]), _verdict(rows),
        ]  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", "### (b) Shown, not held: no arm has an effect, but in the last setting", ""]
    lines += ["| setting | cause | analysis | visit | trials | mean estimate, years | "
              "'significant' % |", "|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in table[table["part"] == "naive"].itertuples():
        estimate = "-" if np.isnan(row.bias) else f"{row.truth + row.bias:+.2f} ({row.bias_se:.2f})"
        lines.append(f"| {row.setting} | {row.cause} | {row.analysis} | {row.visit} | {row.trials} "
                     f"| {estimate} | {100 * row.rejected:.1f} ({100 * row.rejected_se:.1f}) |"
                     )  # fmt: skip
    return "\n".join(lines)


def _joined(values, form: str = "{:.1f}") -> str:
    return "-" if values.isna().any() else " / ".join(form.format(value) for value in values)


def _verdict(rows: pd.DataFrame) -> str:
    """Within two Monte-Carlo errors of 5 % and 95 %; under an effect, power against planned."""
    words = []
    for row in rows.itertuples():
        band = 2 * np.sqrt(0.05 * 0.95 / row.trials)
        if row.truth != 0:
            words.append(f"planned power {100 * planned_power(row.n_per_arm, row.truth):.0f} %")
            off = 0.0 if np.isnan(row.covered) else row.covered - 0.95
            what = "coverage"
        else:
            off, what = row.rejected - 0.05, "size"
        words.append(f"**{what} {100 * off:+.1f} at {row.visit}**" if abs(off) > band else "holds")
    if (rows["fell_back"] > 0).any():
        words.append(f"fell back in {100 * rows['fell_back'].mean():.1f} %")
    return "; ".join(dict.fromkeys(words))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--redraws", type=int, default=1000, help="re-randomised trials")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--part", choices=sorted(PARTS), help="only this part")
    parser.add_argument("--summary", action="store_true", help="draw nothing, sum up what is there")
    parser.add_argument("--table", type=Path, help="markdown file with the table's markers")
    options = parser.parse_args()
    began = time.monotonic()
    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [job for job in jobs_of(options.trials, options.redraws)
            if options.part in (None, job[0])]  # fmt: skip
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
    text = markdown(table)
    if options.table is None:
        print(text)
    else:
        before, _, rest = options.table.read_text().partition("<!-- table begins -->")
        after = rest.partition("<!-- table ends -->")[2]
        write_text(options.table, f"{before}<!-- table begins -->\n\n{text}\n\n"
                                  f"<!-- table ends -->{after}")  # fmt: skip
    print(f"wall time {time.monotonic() - began:.0f} s, {options.jobs} jobs")


if __name__ == "__main__":
    main()
