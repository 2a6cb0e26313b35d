"""Write tests/reference_values/format_v1.clock, the frozen file that every later version reads.

Run once, with clock format 1; running it under a later format is refused.
"""

from pathlib import Path

import numpy as np

from brainage.clock.model.clockfile import FORMAT_VERSION, write_clock_file

if FORMAT_VERSION != 1:
    raise SystemExit("format_v1.clock is frozen: this brainage writes a later format.")
target = Path(__file__).parents[2] / "tests" / "reference_values" / "format_v1.clock"
meta = {"note": "written with clock format 1", "age_range_years": [18.0, 90.0]}
write_clock_file(target, meta, {"weights": np.arange(6.0).reshape(2, 3) / 7})
print(target)
