"""Family-wise error over regions and over components of edges, by simulation.

Run:  python scripts/validate_local.py [--trials 2000] [--draws 499] [--only max-t,network-based]
Writes rows of docs/validation/trial_questions.tsv: half as many trials as asked for under no
effect, an eighth for the power of what is planted.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from validate_questions import design_of
from validation_rows import Question, Row, rate, run, shown

from brainage.trial import TrialDesign
from brainage.trial.analyses.network_based import largest_components
from brainage.trial.analyses.redrawn import ManyResponses, max_t, redraw_labels

Ends = tuple[np.ndarray, np.ndarray]


def max_t_regions(trials: int, draws: int) -> Iterator[Row]:
    """Family-wise error of max-T: under the sharp null it tests, and beyond it."""
    n = 40
    for noisier, words in ((1.0, "sharp null"), (2.0, "HRT twice as noisy, not the sharp null")):
        design, rng, hits = design_of(n), np.random.default_rng(4), []
        people = design.allocation["participant_id"].to_numpy()
        spread = np.where(design.allocation["arm"] == "HRT", noisier, 1.0)[:, None]
        for trial in range(trials // 2):
            age = rng.normal(size=(n, 1))
            common = rng.normal(size=(n, 1))
            baseline = rng.normal(size=(n, 60))
            change = spread * (common + rng.normal(size=(n, 60))) - 0.5 * baseline + age
            fixed = np.column_stack([np.ones(n), age])
            many = ManyResponses.prepare(change, fixed, own_baseline=baseline)
            redraw = redraw_labels(design, people, arm="HRT", n_draws=draws, seed=trial)
            hits.append(max_t(many, redraw)[1].min() <= 0.05)
        setting = f"{n // 2} an arm, 60 correlated regions, {words}"
        made = rate if noisier == 1 else _shown_of_five
        yield made("max-T", setting, "family-wise error at 5 %", np.array(hits), 0.05)


def _shown_of_five(
    question: str, setting: str, quantity: str, hits: np.ndarray, expected: float
) -> Row:
    return shown(question, setting, quantity, hits) | {"expected": expected}


def network_based(trials: int, draws: int) -> Iterator[Row]:
    """Family-wise error of the largest component, and power for a planted chain.

    A component is a whole number of edges. With a high limit the largest one is small and often
    as large as others, and a tie counts against the observed: the test is then shy of 5 %. With a
    low limit components are large and ties rare, and 5 % must hold.
    """
    for n_parcels, limit, planted in ((40, 2.0, 0.0), (20, 2.5, 0.0), (20, 2.5, 0.8)):
        ends = np.triu_indices(n_parcels, 1)
        chain = (ends[1] - ends[0] == 1) & (ends[0] < 10)
        design, rng = design_of(60), np.random.default_rng([5, n_parcels])
        treated = (design.allocation["arm"] == "HRT").to_numpy()
        hits = []
        for trial in range(trials // 2 if planted == 0 else trials // 8):
            change = rng.normal(size=(60, 1)) * 0.5 + rng.normal(size=(60, len(chain)))
            change[np.ix_(treated, chain)] += planted
            many = ManyResponses.prepare(change, np.ones((60, 1)), single=True)
            hits.append(component_p(many, design, ends, limit, draws, seed=trial) <= 0.05)
        words = f"{n_parcels} parcels, |t| > {limit:g}"
        if planted:
            setting = f"30 an arm, {words}, chain of 10 edges rises by {planted:g} SD"
            yield shown("network-based", setting, "power", np.array(hits))
            continue
        found = rate(
            "network-based",
            f"30 an arm, {words}, no effect",
            "family-wise error at 5 %",
            np.array(hits),
            0.05,
        )
        shy = float(np.mean(hits)) < 0.05 and found["verdict"] != "holds"
        yield found | ({"verdict": "at most 5 % (ties of small components)"} if shy else {})


def component_p(
    many: ManyResponses,
    design: TrialDesign,
    ends: Ends,
    limit: float,
    draws: int,
    *,
    seed: int,
) -> float:
    """Return the p of the observed largest component, as `network_based_statistic` does."""
    people = design.allocation["participant_id"].to_numpy()
    redraw = redraw_labels(design, people, arm="HRT", n_draws=draws, seed=seed)
    own = largest_components(many.studentised(redraw.observed), ends, limit)[0]
    reached = sum(
        int((largest_components(many.studentised(batch), ends, limit) >= own).sum())
        for batch in redraw.batches
    )
    return (reached + 1) / (redraw.n_draws + 1)


QUESTIONS: dict[str, Question] = {"max-t": max_t_regions, "network-based": network_based}

if __name__ == "__main__":
    run(QUESTIONS, __doc__, draws=499)
