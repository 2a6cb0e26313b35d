"""
A trial in four figures
=======================

Scores of forty people an arm at two visits, training planted to make brains look two years younger.
Only scores and an allocation are needed: no scans.
"""

# %%
# Made-up scores
# --------------
import numpy as np
import pandas as pd

import brainage as ba

rng = np.random.default_rng(1)
people = [f"{i:02d}" for i in range(80)]
arm = np.resize(["control", "training"], 80)
age, person = rng.uniform(60, 70, 80), rng.normal(0, 4, 80)
visits = []
for session, years in (("pre", 0.0), ("post", 1.0)):
    gap = person + rng.normal(0, 1.5, 80) - 2.0 * years * (arm == "training")
    visits.append(
        pd.DataFrame(
            {
                "participant_id": people,
                "session_id": session,
                "age_years": age + years,
                "predicted_age_years": age + years + gap,
            }
        )
    )
scores = pd.concat(visits, ignore_index=True)
scores.head()

# %%
# The comparison
# --------------
# The primary contrast is training minus control after one year; years below zero: younger.
options = ba.TrialOptions.model_validate(
    {
        "arms": ["control", "training"],
        "control_arm": "control",
        "primary_visit": "1 year",
        "visits": [
            {"label": "baseline", "session_id": "pre", "nominal_years": 0},
            {"label": "1 year", "session_id": "post", "nominal_years": 1},
        ],
    }
)
allocation = pd.DataFrame({"participant_id": people, "arm": arm})
result = ba.compare_arms(scores, ba.TrialDesign.from_options(options, allocation))
result.primary

# %%
contrasts = ba.plot_contrasts(result)

# %%
# A change within an arm also holds what all arms share. It compares nothing.
changes = ba.plot_changes(result)

# %%
# By other means
# --------------
# The same contrast by the analyses that were planned beside it.
sensitivity = ba.plot_sensitivity(result)

# %%
# Who was analysed
# ----------------
flow = ba.plot_flow(result.flow)

# %%
# In a figure of one's own
# ------------------------
# Each function takes ``axes``; labels and limits can be changed afterwards.
from matplotlib.figure import Figure

own = Figure(figsize=(12, 3), layout="constrained")
left, right = own.subplots(1, 2)
ba.plot_contrasts(result, axes=left).set_title("between arms")
ba.plot_changes(result, axes=right).set_title("within arms")
