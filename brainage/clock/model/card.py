"""What a reader must know of a clock before using it, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from brainage.clock.model.bias import AgeBiasCorrector, GapSlope

if TYPE_CHECKING:
    from brainage.clock.model.model import BrainClock

_INTENDED_USE = (
    "group comparisons of within-person change in trials and cohorts whose ages, scanning and "
    "cleaning are like the reference's"
)
_LIMITS = (
    "no diagnosis of a person; a gap is not a rate of ageing; a shrunken clock shows only a share "
    "of a true shift; ages outside the reference's and scans far from it are extrapolated (each "
    "score says so)"
)


def card_of(clock: BrainClock) -> dict:
    """Return a clock's model card as a flat mapping of words to values."""
    facts = clock.facts
    card = {"clock": clock.clock_id, "network": clock.network}
    card |= _cohort_lines(facts) | _making_lines(clock) | _bias_lines(clock)
    card["intervals"] = facts["intervals"]
    for row in facts["metrics"]:
        card[f"{row['metric']}, {row['validation']}"] = (
            f"{row['estimate']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            if row["low"] is not None
            else f"{row['estimate']:.3f}"
        )
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


def _cohort_lines(facts: dict) -> dict[str, str]:
    cohort = facts["cohort"]
    ages = f"{cohort['age_range_years'][0]:.1f} to {cohort['age_range_years'][1]:.1f}"
    # Clocks of before these were stored have neither median age nor sexes.
    if "median_age_years" in cohort:
        ages += f" (median {cohort['median_age_years']:.1f})"
    people = f"{cohort['n_scans']} scans of {cohort['n_people']} people, ages {ages}"
    if cohort.get("sexes"):
        people += "; " + ", ".join(f"{count} {sex}" for sex, count in cohort["sexes"].items())
    lines = {"study": facts["study"]} if "study" in facts else {}
    sites = ", ".join(f"{name} ({count})" for name, count in cohort["sites"].items())
    return lines | {"trained on": people, "sites": sites}


def _making_lines(clock: BrainClock) -> dict[str, str]:
    facts, spec = clock.facts, clock.specs[0]
    sites = facts["options"]["harmonization"]
    words = sites["method"]
    if words != "none":
        words += ", age preserved" if sites["preserve_age"] else ", without age"
        words += f"; a site it does not know: {sites['unseen_site']}"
    return {
        "atlas": f"{spec.atlas}, {spec.n_parcels} parcels",
        "features": ", ".join(f"{s.kind} (shrinkage {s.shrinkage})" for s in clock.specs),
        "cleaning": facts.get("cleaning") or "not stated",
        "cleaning fingerprint": spec.cleaning_fingerprint,
        "harmonisation": words,
        "estimator": facts["estimator"],
        "chosen": facts["chosen"],
    }


def _bias_lines(clock: BrainClock) -> dict[str, str]:
    bias = clock.bias
    lines = {
        "bias correction": bias.kind,
        "bias line": _line_words(bias, clock.age_range_years),
        "gap slope on age, before": _slope_words(bias.slope_before_),
        "gap slope on age, after": _slope_words(bias.slope_after_),
    }
    left_out = clock.facts.get("gap_slope_out_of_fold")
    if bias.kind == "in_sample" and left_out:
        # The two lines above are of training scans, which the clock has already pulled to the
        # truth; new people meet these.
        for word, slope in left_out.items():
            lines[f"gap slope on age in left-out people, {word}"] = _slope_words(
                GapSlope(**{key: np.nan if v is None else v for key, v in slope.items()})
            )
    return lines


def _line_words(bias: AgeBiasCorrector, age_range_years: tuple[float, float]) -> str:
    """Return what the correction takes the raw gap of an average person to be."""
    if bias.kind == "none":
        return "none"
    ages = np.array([age_range_years[0], np.mean(age_range_years), age_range_years[1]])
    gaps = bias.expected_gap(ages)
    points = ", ".join(f"{gap:+.2f} at {age:.0f}" for age, gap in zip(ages, gaps, strict=True))
    if bias.kind == "spline":
        return f"expected raw gap {points} years"
    slope = (gaps[2] - gaps[0]) / (ages[2] - ages[0])
    return (
        f"expected raw gap = {bias.expected_gap(np.zeros(1))[0]:+.2f} {slope:+.4f} x age: "
        f"{points} years"
    )


def _slope_words(slope: GapSlope) -> str:
    return f"{slope.slope:+.3f} [{slope.low:+.3f}, {slope.high:+.3f}] years per year"


def _ages_words(ages: list[float]) -> str:
    """Return youngest, quartiles and oldest in words; only the ends where no more is known."""
    words = f"{ages[0]:.1f} to {ages[-1]:.1f}"
    if len(ages) < 5:
        return words
    return f"{words} (quartiles {ages[1]:.1f}, {ages[2]:.1f}, {ages[3]:.1f})"
