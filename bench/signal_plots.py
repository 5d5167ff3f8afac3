"""`python -m bench.signal_plots [NAME...]`: pictures of typical and failing recordings, into `docs/signal`.

Run in the environment of the peers, which has matplotlib (`make plots`). Exit codes: 0 done, 3 the recordings are not
there.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence

from matplotlib.figure import Figure

from bench import signal_plot_cuff, signal_plot_ecg, signal_plot_other
from bench.signal_cases import data_folder
from bench.signal_pictures import page
from bench.signal_plot_parts import FOLDER, save

DRAWN: Mapping[str, Callable[[], Figure]] = {
    "ecg-clean": signal_plot_ecg.clean,
    "ecg-kinds": signal_plot_ecg.kinds,
    "ecg-changed": signal_plot_ecg.turned,
    "ecg-lead-off": signal_plot_ecg.lead_off,
    "ecg-noise": signal_plot_ecg.noise,
    "ecg-failing": signal_plot_ecg.failing,
    "pleth": signal_plot_other.pleth,
    "cuff": signal_plot_cuff.cuff,
    "rhythm": signal_plot_other.rhythm,
    "coverage": signal_plot_other.coverage,
}
"""Name of the file -> how it is drawn."""


def main(argv: Sequence[str] | None = None) -> int:
    """Draw; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.signal_plots", description="Draw what the analysis does.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    names = parser.parse_args(argv).names or list(DRAWN)
    if unknown := [name for name in names if name not in DRAWN]:
        parser.error(f"there is no picture {', '.join(unknown)}; there are: {', '.join(DRAWN)}")
    if not (data_folder() / "mitdb").is_dir():
        print(f"The real recordings are not at {data_folder()}: set CABIN_DATA to where they are.", file=sys.stderr)
        return 3
    warnings.simplefilter("ignore", DeprecationWarning)
    for name in names:
        print(f"drawing: {name} ...", file=sys.stderr, flush=True)
        save(DRAWN[name](), name)
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
