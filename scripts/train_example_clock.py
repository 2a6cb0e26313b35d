"""Train the example clock that comes with the package, on LEMON.

    python scripts/train_example_clock.py FOLDER_OF_LEMON

The folder holds connectivity.npz, participants.tsv and regions.csv (225 adults, Schaefer-200,
Pearson correlations; source data OpenNeuro ds000221, CC0). The clock is written to
configs/clocks/lemon_schaefer200.clock: weights and quantiles, nobody's id, age or features.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from brainage.config import load_study
from brainage.files import configs_folder
from brainage.stages.train import train
from brainage.tables import WHOLE_BRAIN, read_text_table

SOURCE = (
    "MPI-Leipzig Mind-Brain-Body (LEMON), Babayan et al. 2019, Sci. Data 6:180308 (cite it), "
    "OpenNeuro ds000221, CC0. An example: one site, 225 people (153 young, 72 old, one between 35 "
    "and 55), ages known to five years only (midpoints of bins), correlation matrices only, so no "
    "noise within a scan is known. Not for clinical use, and no reference for a trial."
)


def main() -> int:
    """Train, add licence and limits to the facts, and save."""
    folder = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as output:
        # Names alone: a lab need not assign its parcels to the same networks to try the clock.
        parcels = Path(output, "parcels.tsv")
        names = read_text_table(folder / "regions.csv")["rois"]
        parcels.write_text("\n".join(["name", *names]) + "\n", encoding="utf-8")
        study = load_study(
            "lemon",
            overrides=[
                # Of matrices nobody can tell how far logarithms move with scan length, and whoever
                # tries this clock has scans of another length.
                "extends=fisher_z_ridge",
                f"paths.reference.matrices={folder / 'connectivity.npz'}",
                f"paths.reference.participants={folder / 'participants.tsv'}",
                f"paths.reference.parcels={parcels}",
                f"paths.output={output}",
                "science.clock.networks=false",
            ],
        )
        clock = train(study).clocks[WHOLE_BRAIN]
        path = configs_folder() / "clocks" / "lemon_schaefer200.clock"
        path.parent.mkdir(exist_ok=True)
        replace(clock, facts=clock.facts | {"source": SOURCE}).save(path)
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
