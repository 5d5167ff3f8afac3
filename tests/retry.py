"""A test in real time that fails is run once more, and the summary names it aloud.

Such a test needs the machine in time, and a machine that is busy for a moment proves nothing of the cabin. A defect
fails twice. Only tests marked `processes` or `wall_clock` are tried again: all others have no excuse.
"""

from __future__ import annotations

import pytest
from _pytest.runner import runtestprotocol

FIRST = "failed at first"
"""Property of the reports of a second try: what the first one failed with."""
IN_REAL_TIME = ("processes", "wall_clock")
AGAIN = pytest.StashKey[bool]()
LONGEST = 300
"""Characters that are told of a failure."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Keep the reports of a first try back until it is known to be the only one."""
    if not any(map(item.get_closest_marker, IN_REAL_TIME)) or item.stash.get(AGAIN, False):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    failed = [report for report in reports if report.failed]
    if not failed:
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True
    item.stash[AGAIN] = True
    item.user_properties.append((FIRST, _told(failed[0])))
    # By the hook and not by its function: what stands around a test, as its time limit, begins anew.
    item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name every test that needed its second try, whatever came of it."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    first = {
        report.nodeid: value
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == FIRST
    }
    if first:
        terminalreporter.section(f"{len(first)} failed at first and had a second try", yellow=True, bold=True)
        for test, why in sorted(first.items()):
            terminalreporter.write_line(f"{test}: {why}")


def _told(report: pytest.TestReport) -> str:
    """Where it failed and with what, in one line."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return report.longreprtext.strip().rpartition("\n")[2][:LONGEST]
    return f"line {crash.lineno}: {' '.join(crash.message.split())}"[:LONGEST]
