"""snapshelf: teach it your products; customers find them with a photo."""

import os
from importlib.metadata import version

# Read when ONNX Runtime is imported, so it stands before every other import of this package. Its Linux
# builds, too, give the machine a number (in ~/.cache/Microsoft) and tell Microsoft how they are used.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = version("snapshelf")
