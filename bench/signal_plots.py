"""`python -m bench.signal_plots [NAME...]`: pictures of typical and failing recordings, into `docs/signal`.

Run in the environment of the peers, which has matplotlib (`make plots`). Exit codes: 0 done, 3 the recordings are not
there.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from bench import signal_plot_cuff, signal_plot_ecg, signal_plot_other
from bench.signal_cases import data_folder
from bench.signal_plot_parts import FOLDER, save


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of the folder."""

    title: str
    caption: str
    draw: Callable[[], Figure]


PICTURES: Mapping[str, Picture] = {
    "ecg-clean": Picture(
        "A clean lead",
        "Six seconds with every beat found, and the beats of half a minute laid over each other on their R peaks: "
        "how thin the grey band is shows how exactly R is found. Intervals are measured on the median, between the "
        "marks.",
        signal_plot_ecg.clean,
    ),
    "ecg-kinds": Picture(
        "Beats of other shapes",
        "Paced, extra, wide and irregular: no setting is changed between them.",
        signal_plot_ecg.kinds,
    ),
    "ecg-changed": Picture(
        "The same heart, badly recorded",
        "One recording turned, resampled, with mains, steps and holes: the beats stay. Where samples are missing "
        "nothing is invented.",
        signal_plot_ecg.turned,
    ),
    "ecg-lead-off": Picture(
        "A lead that is off",
        "No samples, a rail, a flat line: no beat, a bad grade within the second, and beats again when it is back.",
        signal_plot_ecg.lead_off,
    ),
    "ecg-noise": Picture(
        "Electrode motion",
        "The noise stress test: what cannot be told from beats is withheld (grey) and said so; what is shaded "
        "yellow is shown with a reservation. The passages with most errors show where that goes wrong.",
        signal_plot_ecg.noise,
    ),
    "ecg-failing": Picture(
        "Where it fails",
        "The ten worst seconds of the worst recordings of the development set.",
        signal_plot_ecg.failing,
    ),
    "pleth": Picture(
        "Pulses",
        "A steady finger, a sensor that holds its values, the worst passage of all, and a hand on a treadmill. "
        "Pulses are judged by the heart's beats in the same recording, moved by one constant lag; where the two "
        "readers of the ECG disagree nothing is judged.",
        signal_plot_other.pleth,
    ),
    "cuff": Picture(
        "Cuff cycles",
        "Generated cycles, since no recording with the true pressure beside it is at hand: left the cuff's pressure, "
        "right the height of each beat against it, with four methods alone, ours with its interval, and the truth.",
        signal_plot_cuff.cuff,
    ),
    "rhythm": Picture(
        "Regular or irregular",
        "Each point is one interval and the next, of 30 intervals. A regular rhythm is one cloud, extra beats make a "
        "pattern of a few, an irregular rhythm scatters. Verdicts are of the intervals, to be read by a doctor.",
        signal_plot_other.rhythm,
    ),
    "coverage": Picture(
        "What abstention costs",
        "Risk against coverage: from the left, windows are kept in the order of their grades, those of rhythm by "
        "their distance from the other verdict, least doubtful first; the right end keeps everything. A gate is "
        "worth having where its curve rises.",
        signal_plot_other.coverage,
    ),
}
"""Name of the file -> picture."""

INTRODUCTION = """# Pictures of the analysis

Written by `make plots`; do not edit. Whoever changes the analysis draws them again and looks. They show short
passages of the development recordings, drawn; no recording is kept here.
"""
SOURCES = """## Where the recordings come from

Drawn from databases of PhysioNet (Goldberger et al., Circulation 101:e215, 2000) under the Open Data Commons
Attribution Licence 1.0: the MIT-BIH Arrhythmia Database (Moody and Mark 2001), the MIT-BIH Noise Stress Test Database
(Moody, Muldrow and Mark 1984), the BIDMC PPG and Respiration Dataset (Pimentel et al. 2017); and from the recordings
of the IEEE Signal Processing Cup 2015 (Zhang, Pi and Liu 2015). Cuff pressures are simulated.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Draw; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.signal_plots", description="Draw what the analysis does.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    names = parser.parse_args(argv).names or list(PICTURES)
    if unknown := [name for name in names if name not in PICTURES]:
        parser.error(f"there is no picture {', '.join(unknown)}; there are: {', '.join(PICTURES)}")
    if not (data_folder() / "mitdb").is_dir():
        print(f"The real recordings are not at {data_folder()}: set CABIN_DATA to where they are.", file=sys.stderr)
        return 3
    warnings.simplefilter("ignore", DeprecationWarning)
    for name in names:
        print(f"drawing: {name} ...", file=sys.stderr, flush=True)
        save(PICTURES[name].draw(), name)
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")
    return 0


def page() -> str:
    """The folder's README."""
    parts = [f"## {p.title}\n\n{p.caption}\n\n![{p.title}]({name}.webp)\n" for name, p in PICTURES.items()]
    return "\n".join([INTRODUCTION, *parts, SOURCES])


if __name__ == "__main__":
    sys.exit(main())
