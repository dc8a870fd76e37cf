#!/usr/bin/env bash
# Everything measured on a GPU machine in one call of at most 8 minutes: benchmarks/speed/gpu.sh [folder of the results [options]]
# Needs a python3 (or $PYTHON) with torch, numpy, pillow and safetensors; nothing is installed, downloaded or set.
# Without a GPU it says so and makes a tiny smoke run on the processor.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PYTHONPATH="src:.${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
exec "${PYTHON:-python3}" -m benchmarks.speed.gpu --out "${1:-benchmarks/results}" "${@:2}"
