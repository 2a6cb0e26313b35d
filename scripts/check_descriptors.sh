#!/usr/bin/env bash
# The Boutiques descriptor and the Nipoppy bundle, checked by their own packages in an environment of
# their own, and the descriptor launched on a small dataset. `brainage-app` must be on PATH.
#   scripts/check_descriptors.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-$(mktemp -d)}
descriptor=$PWD/deploy/nipoppy/descriptor.json
app=$(command -v brainage-app) || { echo "brainage-app is not on PATH: pip install -e ."; exit 2; }
python=${PYTHON:-python3}
[ -x "$folder/tools/bin/bosh" ] || {
  python3 -m venv "$folder/tools"
  "$folder/tools/bin/pip" install --quiet "boutiques>=0.5.33,<0.6" "nipoppy>=0.4.8,<0.5"
}
"$folder/tools/bin/bosh" validate "$descriptor"
"$folder/tools/bin/nipoppy" pipeline validate deploy/nipoppy
[ -d "$folder/bids" ] || "$python" scripts/tiny_bids.py "$folder/bids" 2
cat >"$folder/invocation.json" <<JSON
{"bids_dir": "$folder/bids", "output_dir": "$folder/out", "analysis_level": "participant",
 "participant_label": ["01", "02"], "task_id": "rest", "n_jobs": 1}
JSON
PATH="$(dirname "$app"):$PATH" "$folder/tools/bin/bosh" exec launch --no-container "$descriptor" "$folder/invocation.json"
test "$(find "$folder/out/extract/reference" -name '*_timeseries.tsv' | wc -l)" = 2
echo "descriptors: valid, and launched"
