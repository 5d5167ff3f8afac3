"""The bench of the cuff: an outcome against its truth, and the tables that come of many."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from bench import signal_cuff
from bench.signal_coverage import curve
from bench.signal_cuff import FAR_MMHG, OWN, Outcome, outcome_of
from cabin_signal.cuff import estimate
from cabin_signal.cuff_findings import CuffFindings
from simulators.arteries import LAWS
from simulators.cuff_faults import FAULTS
from simulators.oscillometry import cycle


def outcome(systolic: float, diastolic: float, half: float = 10.0) -> Outcome:
    by = dict.fromkeys(signal_cuff.METHODS, (systolic, diastolic))
    held = (abs(systolic) <= half, abs(diastolic) <= half)
    return Outcome("arctan", (), (), (systolic, diastolic), held, half, by)


def test_an_outcome_is_ours_less_the_truth() -> None:
    made = cycle(7, "arctan")
    found = estimate(made.t, made.mmhg)
    judged = outcome_of(made, found, "arctan")
    assert found.systolic is not None and judged.error is not None
    assert judged.error[0] == pytest.approx(found.systolic - made.truth.systolic)
    assert judged.half > 0 and set(judged.by) <= set(signal_cuff.METHODS)


def test_a_rejected_cycle_has_no_error_and_is_never_kept() -> None:
    made = cycle(7, "arctan")
    judged = outcome_of(made, CuffFindings("rejected", ("movement",)), "arctan")
    assert judged.error is None and judged.reasons == ("movement",)
    assert curve([signal_cuff.stretch(judged)]) == []


def test_the_widest_intervals_are_doubted_most() -> None:
    narrow, wide = (signal_cuff.stretch(outcome(2, FAR_MMHG + 1, half)) for half in (8.0, 20.0))
    assert narrow.doubt < wide.doubt < math.inf
    assert (narrow.errors, narrow.units) == (1, 2)


def test_the_figures_are_those_of_the_worst_law_and_leave_the_own_one_out() -> None:
    every = [
        replace(outcome(n, error), law=law)
        for law, error in zip(LAWS, range(len(LAWS)), strict=True)
        for n in (-1, 1)
    ]
    figures = {figure.what: figure for figure in signal_cuff._figures(every)}
    worst = max(error for law, error in zip(LAWS, range(len(LAWS)), strict=True) if law != OWN)
    assert figures["diastolic: mean error, largest of the laws"].value == worst
    assert figures["systolic: mean error, largest of the laws"].value == 0
    assert figures["systolic: SD, largest of the laws"].value == pytest.approx(1)
    assert figures["systolic: the interval holds the truth, least of the laws"].met


def test_tables_have_a_row_for_each_law_and_each_fault() -> None:
    calm = [replace(outcome(1, 2), law=law) for law in LAWS]
    assert len(signal_cuff._laws_table(calm).splitlines()) == 2 + 2 * len(LAWS)
    faulty = [replace(outcome(1, 2), faults=(fault,)) for fault in FAULTS]
    table = signal_cuff._faults_table([*calm, *faulty])
    assert len(table.splitlines()) == 2 + len(FAULTS)
