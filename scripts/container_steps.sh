#!/usr/bin/env bash
# The steps of the Dockerfile without a container engine: wheels, a clean environment that installs from
# them alone, then the app as another user, without a network, on data that it cannot write to.
#   scripts/container_steps.sh [FOLDER]      (default: a temporary one)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-$(mktemp -d)}
python=${PYTHON:-python3}
mkdir -p "$folder/out"
chmod 755 "$folder"
"$python" -m venv "$folder/build"
"$folder/build/bin/pip" wheel --quiet --wheel-dir "$folder/wheels" .
"$python" -m venv "$folder/clean"
"$folder/clean/bin/pip" install --quiet --no-index --find-links="$folder/wheels" brainage
env -u PYTHONPATH "$folder/clean/bin/python" scripts/tiny_bids.py "$folder/bids" 12
chmod -R a-w "$folder/bids"

run=("$folder/clean/bin/brainage-app" "$folder/bids" "$folder/out")
offline=()
if [ "$(id -u)" = 0 ]; then
  chmod 777 "$folder/out"
  chmod -R a+rX "$folder"
  # Nobody: no home, no rights (if nobody may read the interpreter); and no network, where the kernel allows it.
  nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  "${nobody[@]}" test -x "$("$python" -c 'import sys; print(sys.base_prefix)')/bin" && offline=("${nobody[@]}")
  unshare --net true 2>/dev/null && offline=(unshare --net -- "${offline[@]}")
fi
export HOME=/nonexistent MPLCONFIGDIR="$folder/out/.matplotlib" OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
cat >"$folder/study.yaml" <<'YAML'
extends: recommended
science:
  clock: {validation: {n_folds: 3, n_bootstrap: 20}, networks: false}
YAML
cd /
env -u PYTHONPATH "${offline[@]}" "${run[@]}" participant --participant-label 01 02 --study "$folder/study.yaml" --n-jobs 1
env -u PYTHONPATH "${offline[@]}" "${run[@]}" participant --study "$folder/study.yaml" --n-jobs 2
env -u PYTHONPATH "${offline[@]}" "${run[@]}" group --study "$folder/study.yaml" --n-jobs 1
test -s "$folder/out/report/report.html"
test -s "$folder/out/train/clocks/whole_brain.clock"
echo "container steps: done in $folder"
