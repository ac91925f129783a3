#!/bin/sh
# Makes the virtual environment from the lock file: needs Python >= 3.11 and nothing else.
set -eu
"$PYTHON" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"syncd needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Say PYTHON=/path/to/python3.")
PY
if ! "$PYTHON" -m venv "$VENV" 2>/dev/null; then
    rm -rf "$VENV"
    if command -v uv >/dev/null 2>&1; then
        uv venv -q --seed --python "$PYTHON" "$VENV"
    elif "$PYTHON" -m virtualenv -q "$VENV" 2>/dev/null; then
        :
    else
        echo "This Python cannot make virtual environments: install its venv module (python3-venv), or uv." >&2
        exit 1
    fi
fi
"$VENV/bin/python" -m pip install -q --disable-pip-version-check uv 2>/dev/null || "$VENV/bin/python" -m pip install -q uv
"$VENV/bin/uv" pip install -q --python "$VENV/bin/python" --require-hashes -r requirements.lock
"$VENV/bin/uv" pip install -q --python "$VENV/bin/python" --no-deps --no-build-isolation -e .
