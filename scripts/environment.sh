# Sourced by scripts/demo and scripts/test: makes .venv beside the project, once.
# Needs Python >= 3.11 and a package index; says what it does.
# BRAINAGE_ENV names another folder for the environment.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
environment=${BRAINAGE_ENV:-$project/.venv}

find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if command -v "$candidate" >/dev/null 2>&1 &&
       "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "No Python >= 3.11 found on the PATH; install one and run this again." >&2
  return 1
}

# make_environment EXTRAS: installs the project (editable) with the extras, e.g. "[test]".
make_environment() {
  local extras=$1 stamp python
  stamp="$environment/.brainage-$(printf '%s' "$extras" | tr -dc 'a-z')-$(cksum < "$project/pyproject.toml" | tr ' ' '-')"
  if [ -f "$stamp" ]; then
    echo "== environment: $environment (already made)"
    return
  fi
  python=${PYTHON_FOR_ENVIRONMENT:-$(find_python)}
  echo "== environment: making $environment with $python ($("$python" --version))"
  [ -x "$environment/bin/python" ] || "$python" -m venv "$environment"
  echo "== environment: installing brainage$extras and what it needs (a few minutes at first)"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check -e "$project$extras"
  touch "$stamp"
}

# One thread a process, unless the caller has chosen: the tests run two processes.
run_with_one_thread() {
  export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} OPENBLAS_NUM_THREADS=${OPENBLAS_NUM_THREADS:-1}
  export MKL_NUM_THREADS=${MKL_NUM_THREADS:-1}
}
