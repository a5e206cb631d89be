#!/usr/bin/env bash
# Leaves .venv/bin/amiable, installed from requirements.lock, on a machine that has Python 3.11 and nothing else.
set -euo pipefail
cd "$(dirname "$0")"

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  uv=.tools/bin/uv
  if [ ! -x "$uv" ]; then
    echo "Fetching uv into .tools/"
    if ! python3 -m venv .tools 2>/dev/null; then
      rm -rf .tools
      if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq python3-venv
        python3 -m venv .tools
      else
        echo "Python's venv module is missing: run 'apt-get install python3-venv' as root, then try again." >&2
        exit 1
      fi
    fi
    .tools/bin/python -m pip install --quiet --disable-pip-version-check uv
  fi
fi

want=$(cat requirements.lock pyproject.toml hatch_build.py package-lock.json setup.sh | sha256sum)
if [ -x .venv/bin/amiable ] && [ "$(cat .venv/.stamp 2>/dev/null)" = "$want" ]; then
  exit 0
fi
[ -x .venv/bin/python ] || "$uv" venv --quiet --python '>=3.11' .venv
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
"$uv" pip install --quiet --python .venv/bin/python --no-deps --editable .
echo "$want" > .venv/.stamp
