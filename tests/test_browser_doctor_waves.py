"""The parts of live waveforms in Chromium: when they are shown (playout.js), where a sample lies (samples.js), and
what stands in the pixels (sweep.js)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.browser import ONE_LOOP, Screens, served
from tests.fake_face import FakeAccess, FakeFace

pytestmark = ONE_LOOP

WIDTH, HEIGHT = 800, 300


@pytest_asyncio.fixture(loop_scope="session")
async def page(screens: Screens) -> AsyncIterator[Page]:
    """A page of the cabin's own origin, so that its modules may be imported under its own policy."""
    async with served(FakeFace(), FakeAccess()) as url:
        yield await blank(screens, url)


async def blank(screens: Screens, url: str, **options: Any) -> Page:
    """The doctor's page without its program: only the modules under test run."""
    screen = await screens.desk(**options)
    await screen.page.route("**/doctor/main.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    await screen.page.goto(f"{url}/doctor/")
    await screen.page.evaluate(
        """() => {
          const build = document.querySelector("meta[name=cabin-build]").content;
          window.module = (name) => import(`/static/${build}/js/${name}.js`);
        }"""
    )
    return screen.page


# --- playout


async def heads(page: Page, script: str) -> Any:
    return await page.evaluate(
        f"async () => {{ const {{ Playout }} = await module('playout'); const p = new Playout(); {script} }}"
    )


async def test_a_steady_stream_is_shown_one_batch_late_and_at_the_pace_of_its_device(page: Page) -> None:
    got = await heads(
        page,
        """const out = [];
        for (let n = 0; n < 100; n++) {
          const now = 50 + n * 0.04;
          p.arrived("ecg", n * 0.04, (n + 1) * 0.04, now);
          out.push([p.head(now) - p.offset("ecg"), (n + 1) * 0.04]);
        }
        return out;""",
    )
    late = [newest - head for head, newest in got[50:]]
    assert all(0.039 <= each <= 0.06 for each in late), late[:3]
    steps = [b[0] - a[0] for a, b in pairwise(got[50:])]
    assert max(steps) - min(steps) < 0.005


async def test_late_frames_make_the_playout_wait_longer_and_it_never_runs_backwards(page: Page) -> None:
    got = await heads(
        page,
        """const out = [];
        for (let n = 0; n < 200; n++) {
          const late = n > 40 && n % 5 === 0 ? 0.12 : 0;
          p.arrived("ecg", n * 0.04, (n + 1) * 0.04, 10 + n * 0.04 + late);
          out.push(p.head(10 + n * 0.04 + late) - p.offset("ecg") - (n + 1) * 0.04);
        }
        let last = -1; let back = 0;
        for (let t = 18; t < 19; t += 0.01) { const h = p.head(t); if (h < last) back++; last = h; }
        return { before: out[35], after: out[199], back };""",
    )
    assert got["before"] == pytest.approx(-0.04, abs=0.01)
    assert got["after"] < -0.1
    assert got["back"] == 0


async def test_two_streams_with_the_cabin_s_clock_share_one_head(page: Page) -> None:
    got = await heads(
        page,
        """p.clock("ecg", 1000); p.clock("pleth", 1003.5);
        for (let n = 0; n < 100; n++) {
          p.arrived("ecg", n * 0.04, (n + 1) * 0.04, 5 + n * 0.04);
          p.arrived("pleth", n * 0.04 - 3.5, (n + 1) * 0.04 - 3.5, 5 + n * 0.04 + 0.03);
        }
        const head = p.head(9);
        return { head, ecg: p.offset("ecg"), pleth: p.offset("pleth"), newest: 1004 };""",
    )
    assert got["ecg"] == 1000
    assert got["pleth"] == 1003.5
    assert got["newest"] - 0.3 < got["head"] <= got["newest"]


async def test_a_video_leads_the_waves_and_their_distance_is_told(page: Page) -> None:
    got = await heads(
        page,
        """p.clock("ecg", 700);
        const run = (from, to, video) => {
          for (let n = from; n < to; n++) {
            const now = 5 + n * 0.04;
            p.arrived("ecg", n * 0.04, (n + 1) * 0.04, now + 0.02);
            if (video !== null) p.video(700 + n * 0.04 - video, now);
            p.head(now);
          }
          return 5 + to * 0.04;
        };
        const alone = run(0, 50, null); const none = p.skew(alone);
        const led = run(50, 200, 0.2); const head = p.head(led); const skew = p.skew(led);
        const gone = run(200, 260, null);
        return { none, skew, behind: 700 + 200 * 0.04 - head, after: p.skew(gone) };""",
    )
    assert got["none"] is None
    assert abs(got["skew"]) < 0.01
    assert got["behind"] == pytest.approx(0.2, abs=0.05)
    assert got["after"] is None, "a video that stopped leads no more"


async def test_a_stream_that_begins_anew_and_one_that_falls_silent(page: Page) -> None:
    got = await heads(
        page,
        """for (let n = 0; n < 50; n++) p.arrived("ecg", 100 + n * 0.04, 100 + (n + 1) * 0.04, 10 + n * 0.04);
        const before = p.head(12);
        p.arrived("ecg", 0, 0.04, 12.04);
        const after = p.head(12.04); const there = p.offset("ecg") + 0.04 - after;
        return { moved: after - before, there, silent: p.head(20) - after,
          age: p.age("ecg", 14.04), never: p.age("cuff", 1) };""",
    )
    assert 0 <= got["moved"] < 0.2
    assert 0 <= got["there"] < 0.2
    assert got["silent"] == pytest.approx(20 - 12.04), "a silent stream does not stop the clock"
    assert got["age"] == pytest.approx(2.0)
    assert got["never"] is None or got["never"] == float("inf")


# --- samples


async def test_twelve_leads_follow_from_eight_channels(page: Page) -> None:
    got = await page.evaluate(
        """async () => {
          const { Samples } = await module("samples");
          const channels = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"];
          const s = new Samples({ stream: "ecg", rate: 500, unit: "mV", channels });
          const row = (first) => Float32Array.from([0, first, 0]);
          s.write({ t0: 0, channels: channels.map((_, n) => row([0.4, 1.0][n] ?? 0.1 * n)) });
          const at = (lead) => s.reader(lead)(1);
          const few = new Samples({ stream: "ecg", rate: 500, unit: "mV", channels: ["II"] });
          return { leads: s.leads, III: at("III"), aVR: at("aVR"), aVL: at("aVL"), aVF: at("aVF"), V6: at("V6"),
            few: few.leads, none: few.reader("aVR") };
        }"""
    )
    assert got["leads"] == ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    assert got["III"] == pytest.approx(0.6, abs=0.005)
    assert got["aVR"] == pytest.approx(-0.7, abs=0.005)
    assert got["aVL"] == pytest.approx(-0.1, abs=0.005)
    assert got["aVF"] == pytest.approx(0.8, abs=0.005), "aVF is half of II plus III"
    assert got["V6"] == pytest.approx(0.7, abs=0.005)
    assert got["few"] == ["II"]
    assert got["none"] is None


async def test_what_was_lost_is_no_sample_and_a_late_frame_fills_its_place(page: Page) -> None:
    got = await page.evaluate(
        """async () => {
          const { Samples, KEPT_S } = await module("samples");
          const s = new Samples({ stream: "pleth", rate: 100, unit: "1", channels: ["pleth"] });
          const put = (first, value) => s.write({ t0: first / 100, channels: [new Float32Array(10).fill(value)] });
          put(1000, 1); put(1020, 3);
          const read = s.reader("pleth"); const hole = read(1015);
          put(1010, 2); const filled = read(1015); const newest = s.newest;
          put(1030 + 100 * KEPT_S - 20, 9);
          const old = read(1005), kept = read(1029);
          put(0, 5);
          return { hole, filled, newest, old, kept, anew: s.oldest, value: read(3), gone: read(1029) };
        }"""
    )
    assert got["hole"] is None or got["hole"] != got["hole"]
    assert got["filled"] == 2
    assert got["newest"] == 1030
    assert got["old"] != 1, "older than a minute"
    assert got["kept"] == 3
    assert got["anew"] == 0, "a device that starts again begins a new stream"
    assert got["value"] == 5
    assert got["gone"] != 3


async def test_the_offset_of_electrodes_is_taken_away_and_a_qrs_keeps_its_height(page: Page) -> None:
    got = await page.evaluate(
        """async () => {
          const { Samples } = await module("samples");
          const s = new Samples({ stream: "ecg", rate: 500, unit: "mV", channels: ["II"] });
          const row = Float32Array.from({ length: 2500 }, (_, n) => 25 + (n > 2000 && n < 2050 ? 1 : 0));
          s.write({ t0: 0, channels: [row] });
          const read = s.reader("II");
          return { flat: read(1500), start: read(2001), end: read(2049) };
        }"""
    )
    assert abs(got["flat"]) < 0.01
    assert got["start"] == pytest.approx(1.0, abs=0.01)
    assert got["end"] == pytest.approx(1.0, abs=0.04), "0.05 Hz: less than 4 % of droop in 0.1 s"


# --- path: no extreme is lost, no gap is bridged

_PATH = """async ({ values, perColumn }) => {
  const { path } = await module("trace");
  const points = []; let at = null; const moves = [];
  const moveTo = (x, y) => { at = [x, y]; moves.push(x); };
  const pen = { moveTo, lineTo: (x, y) => { points.push([...at, x, y]); at = [x, y]; } };
  const y = values.map((each) => each ?? NaN);
  path(pen, null, 0, y.length - 1, (n) => n / perColumn, (n) => y[n]);
  return { points, moves };
}"""


async def test_of_many_samples_in_a_pixel_the_lowest_and_the_highest_are_drawn(page: Page) -> None:
    values: list[float | None] = [0.0] * 200
    values[57], values[113] = 50.0, -30.0
    drawn = (await page.evaluate(_PATH, {"values": values, "perColumn": 10}))["points"]
    heights = [y for _, y1, _, y2 in drawn for y in (y1, y2)]
    assert max(heights) == 50.0
    assert min(heights) == -30.0
    assert len(drawn) < len(values), "fewer strokes than samples"


async def test_a_hole_lifts_the_pen(page: Page) -> None:
    values: list[float | None] = [5.0] * 60
    values[20:40] = [None] * 20
    drawn = await page.evaluate(_PATH, {"values": values, "perColumn": 1})
    crossing = [stroke for stroke in drawn["points"] if stroke[0] < 20 and stroke[2] >= 40]
    assert crossing == []
    assert any(39 <= x <= 41 for x in drawn["moves"]), "the pen comes down again behind the hole"


# --- pixels

_SWEEP = """async ({ width, height, lanes, columns, gap, simulated, seconds, grid }) => {
  const { Sweep } = await module("sweep");
  document.body.replaceChildren();
  const canvas = document.createElement("canvas");
  canvas.style.setProperty("display", "block");
  canvas.style.setProperty("width", `${width}px`);
  canvas.style.setProperty("height", `${height}px`);
  document.body.append(canvas);
  const words = { simulated: "SIMULÉ", stale: "arrêt" };
  const sweep = (window.sweep = new Sweep(canvas, { lanes, columns, grid, words }));
  sweep.event({ event: "wave", stream: "ecg", rate: 500, unit: "mV", channels: ["I", "II"] });
  const now = performance.now() / 1000;
  let seq = 0;
  for (let n = 0; n < seconds * 500; n += 20) {
    const t = n / 500;
    if (gap && t >= gap[0] && t < gap[1]) { seq++; continue; }
    const at = (k) => ((n + k) % 500 < 10 ? 1 : 0);
    const channels = [0, 1].map(() => Float32Array.from({ length: 20 }, (_, k) => at(k)));
    sweep.frame({ stream: "ecg", seq: seq++, t0: t, flags: { simulated }, channels }, now - seconds + t + 0.04);
  }
  sweep.scale(4);
  sweep.freeze();
}"""
_COLUMNS = """(rows) => {
  const canvas = document.querySelector("canvas");
  const [top, bottom] = rows ?? [0, canvas.height];
  const { data, width } = canvas.getContext("2d").getImageData(0, top, canvas.width, bottom - top);
  const green = Array.from({ length: width }, () => 0), peak = Array.from({ length: width }, () => bottom);
  let mark = 0, grey = 0;
  for (let n = 0; n < data.length; n += 4) {
    const [r, g, b, x, y] = [data[n], data[n + 1], data[n + 2], (n / 4) % width, top + Math.floor(n / 4 / width)];
    if (g > 150 && r < 110 && b < 170) { green[x]++; peak[x] = Math.min(peak[x], y); }
    if (r > 60 && r >= g && b < 40) mark++;
    if (r > 120 && Math.abs(r - g) < 20 && Math.abs(g - b) < 20 && r < 190) grey++;
  }
  return { width, height: canvas.height, green, peak, mark, grey };
}"""


async def draw(page: Page, **options: Any) -> None:
    """A sweep that has received some seconds and stands still at now; then what is in its columns."""
    chosen: dict[str, Any] = {
        "width": WIDTH, "height": HEIGHT, "columns": 1, "gap": None, "simulated": False, "seconds": 12, "grid": False,
        "lanes": [{"stream": "ecg", "lead": "II", "label": "II"}], **options,
    }  # fmt: skip
    await page.evaluate(_SWEEP, chosen)


def runs(columns: list[int]) -> list[tuple[int, int]]:
    """Where nothing is drawn: (first, length) of each blank stretch of more than 3 columns.

    The right edge does not count: between the last frame and the freeze some milliseconds passed.
    """
    found, start = [], None
    for x, count in enumerate(columns):
        if not count and start is None:
            start = x
        elif count and start is not None:
            if x - start > 3:
                found.append((start, x - start))
            start = None
    return found


async def test_lost_samples_stay_blank_for_as_long_as_they_lasted(page: Page) -> None:
    await draw(page, gap=[8.0, 8.6])
    seen = await page.evaluate(_COLUMNS)
    blank = runs(seen["green"])
    assert len(blank) == 1, blank
    assert blank[0][1] == pytest.approx(60, abs=6), "0.6 s at 25 mm/s and 4 pixels a millimetre"


async def test_millimetres_are_true_and_the_r_wave_is_ten_of_them(page: Page) -> None:
    await draw(page)
    seen = await page.evaluate(_COLUMNS)
    tips = [x for x in range(1, seen["width"]) if seen["peak"][x] < seen["peak"][x - 1] - 20]
    apart = {b - a for a, b in pairwise(tips[1:])}  # the first may be cut by the edge
    assert len(tips) >= 6
    assert apart <= {99, 100, 101}, f"one beat a second is 25 mm of 4 pixels: {apart}"
    zero = sorted(seen["peak"])[len(seen["peak"]) // 2]
    assert zero - min(seen["peak"]) == pytest.approx(40, abs=3), "1 mV is 10 mm of 4 pixels"


async def test_a_simulation_stands_in_the_pixels_of_every_lane_and_nowhere_else(page: Page) -> None:
    lanes = [{"stream": "ecg", "lead": lead, "label": lead} for lead in ("I", "II", "III")]
    await draw(page, lanes=lanes, simulated=True)
    for n in range(3):
        assert (await page.evaluate(_COLUMNS, [n * 100, n * 100 + 100]))["mark"] > 300, f"lane {n}"
    await draw(page, lanes=lanes, simulated=False)
    assert (await page.evaluate(_COLUMNS))["mark"] == 0
    await page.evaluate("sweep.mark(true), sweep.rebuild()")
    assert (await page.evaluate(_COLUMNS))["mark"] > 900, "the page itself may say it"


async def test_a_frozen_trace_can_be_looked_at_thirty_seconds_back(page: Page) -> None:
    await draw(page, seconds=50, gap=[15.0, 15.5])
    assert runs((await page.evaluate(_COLUMNS))["green"]) == []
    await page.evaluate("sweep.back(30)")
    (hole,) = runs((await page.evaluate(_COLUMNS))["green"])
    assert hole[1] == pytest.approx(50, abs=6)
    assert hole[0] == pytest.approx(WIDTH - (20 - 15) * 100, abs=30), (
        "20 s is at the right edge, so 15 s is 5 s left of it"
    )
    await page.evaluate("sweep.live()")
    assert not await page.evaluate("sweep.frozen")


async def test_a_silent_stream_turns_grey_and_says_so(page: Page) -> None:
    await draw(page, seconds=6)
    await page.evaluate("sweep.live()")
    while not await page.evaluate("sweep.streams().ecg.stale"):
        await page.wait_for_timeout(100)
    await page.evaluate("sweep.rebuild()")
    seen = await page.evaluate(_COLUMNS)
    assert sum(seen["green"]) == 0, "nothing is shown as if it were live"
    assert seen["grey"] > 50


async def test_a_live_sweep_moves_and_keeps_a_blank_bar_ahead(page: Page) -> None:
    await draw(page, seconds=0)
    await page.evaluate(
        """() => {
          let n = 0; const from = performance.now() / 1000 - 12;
          const flat = () => [0, 1].map(() => new Float32Array(20));
          const feed = () => {
            for (; (n + 20) / 500 < performance.now() / 1000 - from; n += 20) {
              sweep.frame({ stream: "ecg", seq: n, t0: n / 500, flags: {}, channels: flat() }, from + (n + 20) / 500);
            }
          };
          feed();
          window.feed = setInterval(feed, 20);
        }"""
    )
    await page.wait_for_timeout(300)
    before = await page.evaluate(_COLUMNS)
    await page.wait_for_timeout(700)
    after = await page.evaluate(_COLUMNS)
    assert before["green"] != after["green"]
    bars = runs(after["green"])
    assert len(bars) in (1, 2), f"one bar, or one that is cut by the edge: {bars}"
    assert 15 <= sum(length for _, length in bars) <= 90


async def test_a_screen_of_two_device_pixels_gets_twice_as_many(screens: Screens) -> None:
    async with served(FakeFace(), FakeAccess()) as url:
        page = await blank(screens, url, device_scale_factor=2)
        await draw(page, gap=[8.0, 8.6])
        seen = await page.evaluate(_COLUMNS)
        assert (seen["width"], seen["height"]) == (2 * WIDTH, 2 * HEIGHT)
        (hole,) = runs(seen["green"])
        assert hole[1] == pytest.approx(120, abs=10)
