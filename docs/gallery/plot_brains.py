"""
Brains and carpets
==================

One value a parcel, the strongest edges, and a scan's series as a strip of greys. No image is
opened: coordinates and values suffice.
"""

# %%
# A parcel's value in a glass brain
# ---------------------------------
# The 300 regions of Seitzman et al. (2020) come with nilearn; here each is coloured by how far it
# lies to the front.
import numpy as np

import brainage as ba

atlas = ba.load_atlas("seitzman300")
centres = atlas.centres_mm
brain = ba.plot_parcels(centres[:, 1], centres, title="to the front", unit="mm")

# %%
# The strongest edges
# -------------------
rng = np.random.default_rng(0)
edges = rng.normal(size=(300, 300))
connectome = ba.plot_connectome(
    edges + edges.T, centres, n_strongest=40, title="forty of 44,850 random edges"
)

# %%
# A scan as a carpet
# ------------------
# Parcels down, time across; censored volumes are white.
from brainage.synthetic import make_study, tiny_options

study = make_study(tiny_options(), seed=1)
series = next(iter(study.series("trial")))
carpet = ba.plot_carpet(series, title=series.participant_id)
