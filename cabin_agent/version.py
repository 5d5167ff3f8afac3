"""The version of this software, as its package states it."""

from importlib.metadata import version

VERSION = version("cabin")
