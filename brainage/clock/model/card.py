"""What a reader must know of a clock before using it, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from brainage.clock.model.bias import AgeBiasCorrector, GapSlope
from brainage.clock.model.parts import ClockParts
from brainage.number_words import plain, signed
from brainage.wording import printable

_INTENDED_USE = (
    "group comparisons of within-person change in trials and cohorts whose ages, scanning and "
    "cleaning are like the reference's"
)
_LIMITS = (
    "no diagnosis of a person; a gap is not a rate of ageing; a shrunken clock shows only a share "
    "of a true shift; ages outside the reference's and scans far from it are extrapolated (each "
    "score says so)"
)

_HALVES = {"half_weight": "half as much as a whole scan", "full_weight": "as much as a whole scan"}
_LOSS_WORDS = {"contiguous": "cut short", "scattered": "with bursts lost"}


def card_of(clock: ClockParts, *, clock_id: str) -> dict:
    """Return a clock's model card as a flat mapping of words to values."""
    facts = clock.facts
    card = {"clock": clock_id, "network": clock.network}
    if clock.shows_nothing:
        card["shows nothing"] = (
            f"this clock is no better than the median age: {clock.shows_nothing}; changes within "
            "an arm on it are elapsed time and noise"
        )
    card |= _cohort_lines(facts) | _making_lines(clock) | _bias_lines(clock)
    card["intervals"] = facts["intervals"]
    for row in facts["metrics"]:
        card[f"{row['metric']}, {row['validation']}"] = _figure_words(row)
    card |= {"moves with scan length": length_words(clock)}
    card |= _efficiency_lines(facts.get("efficiency") or [])
    for known in facts.get("calibrations", []):
        card[f"calibrated site {known['site']}"] = (
            f"{known['n_scans']} baseline scans, ages {_ages_words(known['age_years'])}; "
            f"reference ages {_ages_words(known['reference_age_years'])}; "
            f"{known['n_outside_reference_ages']} outside them; "
            + ("location only" if known["location_only"] else "location and scale")
        )
    card["participants' data in the file"] = clock.regression.data_in_file
    card |= {"intended use": _INTENDED_USE, "limits": _LIMITS, "versions": facts["versions"]}
    return card


def summary_of(clock: ClockParts, *, clock_id: str) -> str:
    """Return what a clock is in a few lines: for `repr`, which must fit on a screen."""
    card = card_of(clock, clock_id=clock_id)
    first = clock.facts["metrics"][0]["validation"]
    figures = ", ".join(f"{name} {card[f'{name}, {first}']}" for name in ("MAE", "r"))
    lines = [
        f"BrainClock {clock_id} ({clock.network})",
        f"  trained on: {card['trained on']}",
        f"  features: {card['features']} of {card['atlas']}",
        f"  estimator: {card['estimator']}; bias correction: {card['bias correction']}",
        f"  {first}: {figures} (years, uncorrected, out of fold)",
    ]
    if clock.shows_nothing:
        lines.insert(1, f"  shows nothing of age: {clock.shows_nothing}")
    shown = [printable(line) for line in lines]
    return "\n".join(line if len(line) <= 120 else line[:117] + "..." for line in shown)


def _figure_words(row: Mapping) -> str:
    if row["estimate"] is None:
        return "not defined"
    if row["low"] is None:
        return plain(row["estimate"], 3)
    low, high = plain(row["low"], 3), plain(row["high"], 3)
    return f"{plain(row['estimate'], 3)} [{low}, {high}]"


def _efficiency_lines(rows: list[dict]) -> dict[str, str]:
    """Return what the clock asks of a trial: every figure with what it is not."""
    lines = {}
    for row in rows:
        figure = "n/a" if row["estimate"] is None else _figure_words(row)
        lines[row["measure"]] = figure + (f" ({row['note']})" if row["note"] else "")
    return lines


def length_words(clock: ClockParts) -> str:
    """Say how far predictions move when a part of a scan is kept."""
    curve = clock.length_curve
    if curve is None:
        reason = clock.facts.get("length_curve_not_known") or "never measured"
        return f"not known: {reason}"
    words = []
    for share, name in ((0.25, "1/4"), (0.5, "1/2"), (0.75, "3/4")):
        rows = curve.rows[np.isclose(curve.rows["share_kept"], share)].set_index("loss")
        figures = [
            f"{signed(row.shift_years)} "
            f"[{signed(row.shift_low_years)}, {signed(row.shift_high_years)}] "
            f"{_LOSS_WORDS[loss]}"
            for loss, row in rows.iterrows()
            if np.isfinite(row.shift_years)
        ]
        if figures:
            words.append(f"at {name} of the volumes " + ", ".join(figures))
    return (
        f"{'; '.join(words)}; years, mean of {int(curve.rows['n'].max())} left-out scans at a mean "
        f"age of {curve.mean_age_years:.0f}; {curve.cut}"
    )


def _cohort_lines(facts: dict) -> dict[str, str]:
    cohort = facts["cohort"]
    low, high = cohort["age_range_years"]
    ages = f"{low:.1f} to {high:.1f} (median {cohort['median_age_years']:.1f})"
    people = f"{cohort['n_scans']} scans of {cohort['n_people']} people, ages {ages}"
    if cohort["sexes"]:
        people += "; " + ", ".join(f"{count} {sex}" for sex, count in cohort["sexes"].items())
    lines = {name: facts[name] for name in ("study", "source") if name in facts}
    sites = ", ".join(f"{name} ({count})" for name, count in cohort["sites"].items())
    return lines | {"trained on": people, "sites": sites}


def _making_lines(clock: ClockParts) -> dict[str, str]:
    facts, spec = clock.facts, clock.specs[0]
    sites = facts["options"]["harmonization"]
    words = sites["method"]
    if words != "none":
        words += ", age preserved" if sites["preserve_age"] else ", without age"
        words += f"; a site it does not know: {sites['unseen_site']}"
    halves = half_scan_words(facts["options"].get("half_scans", "off"))
    lines = {
        "atlas": f"{spec.atlas}, {spec.n_parcels} parcels",
        "features": ", ".join(f"{s.kind} (shrinkage {s.shrinkage})" for s in clock.specs),
        "cleaning": facts.get("cleaning") or "not stated",
        "cleaning fingerprint": spec.cleaning_fingerprint,
        "harmonisation": words,
        "estimator": facts["estimator"],
        "chosen": facts["chosen"],
    }
    return lines | ({"half scans": halves} if halves else {})


def _bias_lines(clock: ClockParts) -> dict[str, str]:
    bias = clock.bias
    lines = {
        "bias correction": bias.kind,
        "bias line": _line_words(bias, clock.age_range_years),
        "gap slope on age, before": _slope_words(bias.slope_before_),
        "gap slope on age, after": _slope_words(bias.slope_after_),
    }
    if clock.age_sex is not None:
        lines["gap freed of age and sex"] = clock.age_sex.words()
    lines["drift with elapsed time"] = drift_words(clock.facts)
    left_out = clock.facts["gap_slope_out_of_fold"]
    if bias.kind == "in_sample":
        # The two lines above are of training scans, which the clock has already pulled to the
        # truth; new people meet these.
        for word, slope in left_out.items():
            lines[f"gap slope on age in left-out people, {word}"] = _slope_words(
                GapSlope.from_dict(slope, f"gap slope, {word}")
            )
    return lines


def half_scan_words(half_scans: str) -> str:
    """Return how halves of scans were trained on; empty where they were not.

    Parameters
    ----------
    half_scans : {"off", "half_weight", "full_weight"}
        As `ClockOptions.half_scans`.

    Examples
    --------
    >>> half_scan_words("off")
    ''
    """
    if half_scans == "off":
        return ""
    return (
        "each person's whole scan and its two halves were trained on, a half counting "
        + _HALVES[half_scans]
    )


def drift_words(facts: dict) -> str:
    """Say how far the corrected gap of every arm falls or rises with the years, without biology.

    Of people left out, whatever the correction was fitted on: what new people meet.
    """
    slope = facts["gap_slope_out_of_fold"]["after"]
    if slope["slope"] is None:
        return "not known"
    interval = f"[{signed(slope['low'], 3)}, {signed(slope['high'], 3)}]"
    return (
        f"{signed(slope['slope'], 3)} {interval} years of corrected gap for each year that passes, "
        "in every arm alike, if people age as the reference's cross-section does"
    )


def _line_words(bias: AgeBiasCorrector, age_range_years: tuple[float, float]) -> str:
    """Return what the correction takes the raw gap of an average person to be."""
    if bias.kind == "none":
        return "none"
    ages = np.array([age_range_years[0], np.mean(age_range_years), age_range_years[1]])
    gaps = bias.expected_gap(ages)
    points = ", ".join(f"{signed(gap)} at {age:.0f}" for age, gap in zip(ages, gaps, strict=True))
    if bias.kind == "spline":
        return f"expected raw gap {points} years"
    slope = (gaps[2] - gaps[0]) / (ages[2] - ages[0])
    return (
        f"expected raw gap = {signed(bias.expected_gap(np.zeros(1))[0])} {signed(slope, 4)} x age: "
        f"{points} years"
    )


def _slope_words(slope: GapSlope) -> str:
    ends = f"[{signed(slope.low, 3)}, {signed(slope.high, 3)}]"
    return f"{signed(slope.slope, 3)} {ends} years per year"


def _ages_words(ages: list[float]) -> str:
    """Return youngest, quartiles and oldest in words."""
    words = f"{ages[0]:.1f} to {ages[-1]:.1f}"
    return f"{words} (quartiles {ages[1]:.1f}, {ages[2]:.1f}, {ages[3]:.1f})"
