"""Write tests/reference_values/combat.json with the peers neuroCombat and neuroHarmonize.

    python scripts/reference/make_combat_values.py

Needs neuroCombat 0.2.12 and neuroHarmonize 2.4.5, which are no dependencies of brainage. The input
is stored beside the output, so the test does not depend on a random generator.
"""

import contextlib
import io
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from neuroCombat import neuroCombat
from neuroHarmonize import harmonizationApply, harmonizationLearn

N_SCANS, N_FEATURES = 45, 14


def main():
    rng = np.random.default_rng(20261124)
    site = np.repeat(["A", "B", "C", "D"], [16, 14, 10, 5])
    # Halves are exact in float32, to which neuroCombat rounds its covariates.
    age = np.round(2 * (rng.uniform(18, 80, N_SCANS) + 6 * (site == "B"))) / 2
    shift = {s: rng.normal(0.1, 0.15, N_FEATURES) for s in "ABCD"}
    scale = {"A": 1.0, "B": 1.4, "C": 0.8, "D": 1.1}
    features = np.array(
        [
            shift[s] + 0.004 * (a - 50) + scale[s] * rng.normal(0, 0.2, N_FEATURES)
            for s, a in zip(site, age, strict=True)
        ]
    )
    features = np.round(features, 6)
    covars = pd.DataFrame({"SITE": site, "AGE": age})
    combat, harmonize = {}, {}
    with contextlib.redirect_stdout(io.StringIO()):
        for name, ages in (("without_age", []), ("with_age", ["AGE"])):
            table = covars[["SITE", *ages]]
            combat[name] = neuroCombat(features.T, table, "SITE", continuous_cols=ages)["data"].T
            model, harmonised = harmonizationLearn(features, table)
            harmonize[name] = harmonizationApply(features, table, model)
            np.testing.assert_allclose(harmonize[name], harmonised, atol=1e-9)
    content = {
        "made_by": "scripts/reference/make_combat_values.py",
        "versions": {p: version(p) for p in ("neuroCombat", "neuroHarmonize", "numpy")},
        "site": site.tolist(),
        "age_years": age.tolist(),
        "features": features.tolist(),
        "neurocombat": {k: np.round(v, 9).tolist() for k, v in combat.items()},
        "neuroharmonize": {k: np.round(v, 9).tolist() for k, v in harmonize.items()},
    }
    target = Path(__file__).parents[2] / "tests" / "reference_values" / "combat.json"
    target.write_text(json.dumps(content) + "\n", encoding="utf-8")
    print(target, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
