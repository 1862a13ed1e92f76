#!/bin/sh
# Resolves all locks for every supported Python and platform at once; run by `make lock`.
# The CUDA packages are left to torch's own exact pins (see README.md beside this file).
set -eu
python=$1
"$python" -m pip install --quiet 'uv>=0.9'
compile() {
  "$python" -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --upgrade \
    --constraint requirements/constraints.txt --extra train --extra heic --extra openvino --group build "$@" pyproject.toml |
    grep -vE '^(nvidia-|cuda-|triton)'
}
compile --group dev >requirements/dev.lock.new
compile --constraint requirements/dev.lock.new >requirements/run.lock.new
compile --constraint requirements/dev.lock.new --extra ray >requirements/ray.lock.new
"$python" -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --upgrade \
  --constraint requirements/constraints.txt --constraint requirements/dev.lock.new \
  --extra openvino --extra qdrant pyproject.toml >requirements/serve.lock.new
# LiteRT's converter wants older versions of some packages, so it lives in an environment of its own.
"$python" -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --upgrade \
  --constraint requirements/constraints.txt --extra train --extra litert --group build --group dev pyproject.toml |
  grep -vE '^(nvidia-|cuda-|triton)' >requirements/litert.lock.new
# Keras trains beside snapshelf, not with it.
"$python" -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header --upgrade \
  requirements/keras.in >requirements/keras.lock.new
mv requirements/dev.lock.new requirements/dev.lock
mv requirements/run.lock.new requirements/run.lock
mv requirements/ray.lock.new requirements/ray.lock
mv requirements/serve.lock.new requirements/serve.lock
mv requirements/litert.lock.new requirements/litert.lock
mv requirements/keras.lock.new requirements/keras.lock
