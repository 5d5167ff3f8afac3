"""What the pictures in `docs/signal` show; the page beside them is made of this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of the folder."""

    title: str
    caption: str


PICTURES: Mapping[str, Picture] = {
    "ecg-clean": Picture(
        "A clean lead",
        "Six seconds with every beat found, and the beats of half a minute laid over each other on their R peaks: "
        "how thin the grey band is shows how exactly R is found. Intervals are measured on the median, between the "
        "marks.",
    ),
    "ecg-kinds": Picture(
        "Beats of other shapes",
        "Paced, extra, wide and irregular: no setting is changed between them.",
    ),
    "ecg-changed": Picture(
        "The same heart, badly recorded",
        "One recording turned, resampled, with mains, steps and holes: the beats stay. Where samples are missing "
        "nothing is invented.",
    ),
    "ecg-lead-off": Picture(
        "A lead that is off",
        "No samples, a rail, a flat line: no beat, a bad grade within the second, and beats again when it is back.",
    ),
    "ecg-noise": Picture(
        "Electrode motion",
        "The noise stress test: what cannot be told from beats is withheld (grey) and said so; what is shaded "
        "yellow is shown with a reservation. The passage with most errors shows where that goes wrong.",
    ),
    "ecg-failing": Picture(
        "Where it fails",
        "The ten worst seconds of the worst recordings of the development set.",
    ),
    "pleth": Picture(
        "Pulses",
        "A steady finger, a sensor that holds its values, the worst passage of all, and a hand on a treadmill. "
        "Pulses are judged by the heart's beats in the same recording, moved by one constant lag; where the two "
        "readers of the ECG disagree nothing is judged.",
    ),
    "cuff": Picture(
        "Cuff cycles",
        "Generated cycles, since no recording with the true pressure beside it is at hand: left the cuff's pressure, "
        "right the height of each beat against it, with four methods alone, ours with its interval, and the truth.",
    ),
    "rhythm": Picture(
        "Regular or irregular",
        "Each point is one interval and the next, of 30 intervals. A regular rhythm is one cloud, extra beats make a "
        "pattern of a few, an irregular rhythm scatters. Verdicts are of the intervals, to be read by a doctor.",
    ),
    "coverage": Picture(
        "What abstention costs",
        "Risk against coverage: from the left, windows are kept in the order of their quality, those of rhythm by "
        "their distance from the other verdict, cuff cycles by the width of their interval, least doubtful first; "
        "the right end keeps everything. A gate is worth having where its curve rises.",
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


def page() -> str:
    """The folder's README."""
    parts = [f"## {p.title}\n\n{p.caption}\n\n![{p.title}]({name}.webp)\n" for name, p in PICTURES.items()]
    return "\n".join([INTRODUCTION, *parts, SOURCES])
