// Runs in a page of the cabin: twelve leads at 500 Hz, drawn by sweep.js, by uPlot, or by nobody.
//
// Every 40 ms one frame of 20 samples comes as bytes, as the core would send it; all three decode it.
const LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];
const [RATE, COUNT, SHOWN_S, HEADER] = [500, 20, 8, 24];
const STEP_UV = 5;
const [WIDTH, HEIGHT] = [1500, 900];

/** A beat of 800 ms in millivolts. */
function beat(t) {
  const phase = t % 0.8;
  return 1.2 * Math.exp(-(((phase - 0.3) / 0.012) ** 2)) + 0.25 * Math.exp(-(((phase - 0.55) / 0.04) ** 2));
}

/** The frame number `n` of `cabin_agent/frames.py`. */
function frame(n) {
  const view = new DataView(new ArrayBuffer(HEADER + 2 * LEADS.length * COUNT));
  [0x43, 0x57, 1, 0].forEach((byte, at) => view.setUint8(at, byte));
  view.setUint16(4, 1, true);
  view.setUint8(6, LEADS.length);
  view.setUint8(7, COUNT);
  view.setUint32(8, n, true);
  view.setBigUint64(12, BigInt(Math.round((n * COUNT * 1e6) / RATE)), true);
  view.setUint16(20, STEP_UV, true);
  for (let lead = 0; lead < LEADS.length; lead++) {
    for (let k = 0; k < COUNT; k++) {
      const value = (1 - 0.1 * lead) * beat((n * COUNT + k) / RATE);
      view.setInt16(HEADER + 2 * (lead * COUNT + k), Math.round((value * 1000) / STEP_UV), true);
    }
  }
  return view.buffer;
}

/** The last seconds of all leads in one chart, each on its own level; all of it is drawn at each animation frame. */
function uplot(place) {
  const size = RATE * SHOWN_S;
  const data = [Float64Array.from({ length: size }, (_, n) => n / RATE), ...LEADS.map(() => new Float64Array(size))];
  const series = [{}, ...LEADS.map(() => ({ stroke: "#0f8", width: 1.5, points: { show: false } }))];
  const scales = { x: { time: false }, y: { range: [-1, 2 * LEADS.length] } };
  const chart = new window.uPlot({ width: WIDTH, height: HEIGHT, series, scales, legend: { show: false }, cursor: { show: false } }, data, place);
  (function draw() {
    chart.setData(data, true);
    requestAnimationFrame(draw);
  })();
  return ({ channels }) =>
    data.slice(1).forEach((row, lead) => {
      row.copyWithin(0, COUNT);
      channels[lead].forEach((value, k) => (row[size - COUNT + k] = 2 * lead + value));
    });
}

/** Ours: two columns of six leads with millimetre paper. */
function sweep(Sweep, canvas) {
  const lanes = LEADS.map((lead) => ({ stream: "ecg", lead, label: lead }));
  const one = new Sweep(canvas, { lanes, columns: 2, grid: true, words: { simulated: "", stale: "" } });
  one.event({ type: "wave", stream: "ecg", rate: RATE, unit: "mV", channels: LEADS });
  return (each) => one.frame(each);
}

/** Nothing is drawn, but an animation frame is asked for each time. */
function nobody() {
  (function draw() {
    requestAnimationFrame(draw);
  })();
  return () => {};
}

/** Begin; `who` is "sweep", "uplot" or "nobody". Animation frames are counted in `benchFrames`. */
window.benchDraw = async (who) => {
  const build = document.querySelector("meta[name=cabin-build]").content;
  const { Sweep } = await import(`/static/${build}/js/sweep.js`);
  const { decodeFrame } = await import(`/static/${build}/js/frames.js`);
  const place = document.createElement("div");
  const canvas = document.createElement("canvas");
  for (const each of [place, canvas]) Object.assign(each.style, { width: `${WIDTH}px`, height: `${HEIGHT}px`, display: "block" });
  document.body.replaceChildren(who === "sweep" ? canvas : place);
  const draw = who === "sweep" ? sweep(Sweep, canvas) : who === "uplot" ? uplot(place) : nobody();
  window.benchFrames = 0;
  (function count() {
    window.benchFrames++;
    requestAnimationFrame(count);
  })();
  const beats = Array.from({ length: 500 }, (_, n) => frame(n)); // 20 s, over and over, with the time put in
  let n = 0;
  const began = performance.now();
  setInterval(() => {
    for (; n * COUNT < ((performance.now() - began) * RATE) / 1000; n++) {
      const bytes = beats[n % beats.length];
      new DataView(bytes).setBigUint64(12, BigInt(Math.round((n * COUNT * 1e6) / RATE)), true);
      draw(decodeFrame(bytes));
    }
  }, 40);
};
