"""The figures of `docs/benchmarks.md`, measured on a running cabin: `python -m bench`."""
