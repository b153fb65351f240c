#!/usr/bin/env bash
# What only a GPU shows: agreement of its kernels with the CPU's, batches, rate of training data, surrogate beside solver.
# Ten minutes on a machine with one; docs/benchmarks.md, section GPU, is written from it.
#
#   benchmarks/gpu.sh                  needs a GPU and torch's CUDA build in the environment
#   benchmarks/gpu.sh --interpreter    the Triton kernel alone, in Triton's interpreter on the CPU; minutes, no times
#
# PYTHON names the environment's Python (.venv/bin/python).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}

if [ "${1:-}" = --interpreter ]; then
    packages=$(mktemp -d)
    trap 'rm -rf "$packages"' EXIT
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$packages" triton==3.9.0
    TRITON_INTERPRET=1 PYTHONPATH="$packages${PYTHONPATH:+:$PYTHONPATH}" "$python" -m pytest -q -rs tests/growth/test_jacobian.py -k interpreter
    exit
fi

"$python" -c 'import sys, torch; torch.cuda.is_available() or sys.exit("Error: torch finds no GPU; try --interpreter")'
"$python" -m pytest -q -rs tests/growth/test_jacobian.py -k gpu
"$python" benchmarks/study.py --only gpu
"$python" benchmarks/write_docs.py --gpu
