"""
How good is a clock?
====================

A small reference cohort with planted ageing: out-of-fold predictions, and what the gap owes to age
before and after correction.
"""

# %%
# A cohort and its cross-validation
# ---------------------------------
import brainage as ba
from brainage.synthetic import make_study, tiny_options

tiny = tiny_options()
reference = tiny.reference.model_copy(update={"n": 120})
study = make_study(tiny.model_copy(update={"reference": reference}), seed=1)
features = study.features("reference")
choices = ba.ClockOptions(estimator="ridge")
cv = ba.cross_validate_clock(features, choices)
cv

# %%
# Predictions of people whom the clock had not seen, uncorrected
predictions = cv.mean_predictions()
accuracy = ba.plot_predictions(predictions)

# %%
# What the gap owes to age
# ------------------------
# A clock pulls everybody towards the middle: the gap falls with age. The line that corrects it
# is fitted on these predictions, and frozen.
clock = ba.fit_clock(features, choices, cv=cv)
gaps = predictions.assign(
    gap_years=predictions["predicted_age_years"] - predictions["age_years"],
    gap_corrected_years=clock.bias.corrected_gap(
        predictions["age_years"].to_numpy(), predictions["predicted_age_years"].to_numpy()
    ),
)
before = ba.plot_gap_on_age(gaps, corrected=False)

# %%
after = ba.plot_gap_on_age(gaps, corrected=True)

# %%
# The clock is one file, with its card
# ------------------------------------
clock
