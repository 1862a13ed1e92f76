"""snapshelf: teach it your products; customers find them with a photo."""

from importlib.metadata import version

__version__ = version("snapshelf")
