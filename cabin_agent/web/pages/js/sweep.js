// Live waveforms on one canvas: an erase bar sweeps over all lanes, only what is new is drawn behind it.
//
// Needs of the core: the event "wave" (what a stream is), "wave-clock", and frames (`frames.js`). A lost sample is a
// blank, a stream that fell silent is grey, a simulated one says so in the pixels of every lane.
import { NOMINAL_MM, colours, drawBackground } from "./ecg-grid.js";
import { Playout } from "./playout.js";
import { Samples } from "./samples.js";
import { path } from "./trace.js";

export const STALE_S = 1.75; // without a frame for so long, a lane is grey: on the screen before two seconds are over
const MM_PER_S = 25;
const MM_PER_MV = 10;
const MANY = 4; // lanes beyond which every other frame of the screen is left out: less work, and still smooth
const FRAME_S = 0.025;
const BAR_MM = 6; // width of the blank that runs ahead of the traces
const RANGE_S = 4; // what the scale of a pleth is taken from
const RANGE_EVERY_S = 0.3;
const BASELINE = 0.6; // of a lane's height: an R wave rises further than an S wave falls
const RANGES = { cuff: [0, 250] }; // mmHg
const UNITS = { ecg: "mV", pleth: "", cuff: "mmHg" };

export class Sweep {
  #pen;
  #back = document.createElement("canvas");
  #streams = new Map(); // stream -> Samples
  #frozen = null; // {streams, head} while the traces stand still
  #lanes = [];
  #drawn = 0; // page seconds of the last move
  #head = null; // pixels of cabin time up to which the bar was moved
  #marked = new Set(); // streams of which a frame said that it is simulated
  #state = "";
  #colours = {};
  #running = true;

  /**
   * `lanes`: [{stream: "ecg", lead: "II", label: "II"}, {stream: "pleth", label: ...}], laid out in `columns`.
   * `words`: {simulated, stale, unscaled}. `grid`: whether to draw millimetres. `playout` may be shared with a video.
   */
  constructor(canvas, { lanes = [], columns = 1, words, grid = false, playout = new Playout() }) {
    Object.assign(this, { canvas, columns, words, grid, playout, wanted: lanes, simulated: false });
    Object.assign(this, { mm: NOMINAL_MM, calibrated: false, gain: 1 });
    this.#pen = canvas.getContext("2d", { alpha: false });
    this.sizes = new ResizeObserver(() => this.rebuild());
    this.sizes.observe(canvas);
    this.onShown = () => document.hidden || this.rebuild();
    document.addEventListener("visibilitychange", this.onShown);
    this.rebuild();
    requestAnimationFrame((at) => this.#tick(at));
  }

  /** An event of the core; those that are not about waves are left alone. */
  event(message) {
    const name = message.event ?? message.type;
    if (name === "wave" && !this.#streams.get(message.stream)?.fits(message)) {
      this.#streams.set(message.stream, new Samples(message));
      this.rebuild();
    } else if (name === "wave-clock") this.playout.clock(message.stream, message.offset_us / 1e6);
  }

  /** One frame, decoded; it is dropped until the core has said what the stream is. */
  frame(frame, now = performance.now() / 1000) {
    const samples = this.#streams.get(frame.stream);
    if (!samples) return;
    samples.write(frame);
    this.playout.arrived(frame.stream, frame.t0, frame.t0 + frame.channels[0].length / samples.rate, now);
    if (frame.flags.simulated || frame.flags.replay || frame.flags.test) this.#marked.add(frame.stream);
    else this.#marked.delete(frame.stream);
  }

  /** Show other lanes. */
  show(lanes, columns = this.columns) {
    Object.assign(this, { wanted: lanes, columns });
    this.rebuild();
  }

  /** The whole page is simulated (or no longer), whatever the frames say. */
  mark(simulated) {
    this.simulated = simulated;
  }

  /** `mm`: CSS pixels of a true millimetre, or null for the nominal one; `gain`: 1 is 10 mm/mV. */
  scale(mm, gain = this.gain) {
    Object.assign(this, { mm: mm ?? NOMINAL_MM, calibrated: mm !== null, gain });
    this.rebuild();
  }

  /** The leads of the ECG that can be shown now. */
  get leads() {
    return this.#streams.get("ecg")?.leads ?? [];
  }

  /** Whether the ECG is in counts, so that no millimetre of it is a millivolt. */
  get unscaled() {
    return this.#streams.get("ecg")?.unscaled ?? false;
  }

  /** What is true of each stream now: {name: {age_s, stale, simulated}}. */
  streams(now = performance.now() / 1000) {
    return Object.fromEntries(
      [...this.#streams.keys()].map((name) => {
        const age = this.playout.age(name, now);
        return [name, { age_s: age, stale: age > STALE_S, simulated: this.simulated || this.#marked.has(name) }];
      }),
    );
  }

  /** Stand still at what is shown now; the last minute can be looked at with `back`. */
  freeze() {
    const head = this.playout.head(performance.now() / 1000);
    if (head === null) return false;
    this.#frozen = { streams: new Map([...this.#streams].map(([name, each]) => [name, each.copy()])), head, back: 0 };
    this.#frozen.offsets = new Map([...this.#streams.keys()].map((name) => [name, this.playout.offset(name)]));
    this.rebuild();
    return true;
  }

  /** Look `seconds` back from where the traces were frozen. */
  back(seconds) {
    if (this.#frozen) this.#frozen.back = seconds;
    this.rebuild();
  }

  /** Go on, at now. */
  live() {
    this.#frozen = null;
    this.rebuild();
  }

  get frozen() {
    return this.#frozen !== null;
  }

  /** Seconds that one lane shows. */
  get seconds() {
    return this.#lanes.length ? this.#lanes[0].w / this.#speed : 0;
  }

  close() {
    this.#running = false;
    this.sizes.disconnect();
    document.removeEventListener("visibilitychange", this.onShown);
  }

  /** Lay the lanes out and draw everything anew. */
  rebuild() {
    const { canvas, dpr } = this;
    const [width, height] = [Math.round(canvas.clientWidth * dpr), Math.round(canvas.clientHeight * dpr)];
    for (const each of [canvas, this.#back]) {
      if (each.width !== width || each.height !== height) Object.assign(each, { width, height });
    }
    const now = performance.now() / 1000;
    this.#state = this.#stateAt(now);
    this.#lanes = this.#layout(now);
    this.#colours = colours(canvas);
    const watermark = this.#isMarked() ? this.words.simulated : null;
    const look = { colours: this.#colours, grid: this.grid, dpr, watermark };
    drawBackground(this.#back.getContext("2d", { alpha: false }), this.#lanes, look);
    if (width && height) this.#repaint(now);
  }

  get dpr() {
    return window.devicePixelRatio || 1;
  }

  /** Pixels of one second. */
  get #speed() {
    return MM_PER_S * this.mm * this.dpr;
  }

  #isMarked() {
    return this.simulated || this.#marked.size > 0;
  }

  /** Everything that changes the background; when it changes, all is drawn anew. */
  #stateAt(now) {
    const stale = Object.entries(this.streams(now)).map(([name, each]) => name + each.stale);
    const { contrast = "" } = document.documentElement.dataset;
    return [...stale, this.#isMarked(), contrast, this.dpr, this.canvas.clientWidth, this.canvas.clientHeight].join();
  }

  #layout(now) {
    const streams = this.#frozen?.streams ?? this.#streams;
    const there = ({ stream, lead }) => !lead || !streams.has(stream) || streams.get(stream).reader(lead);
    const lanes = this.wanted.filter(there);
    const rows = Math.max(1, Math.ceil(lanes.length / this.columns));
    const [w, h] = [Math.floor(this.canvas.width / this.columns), this.canvas.height / rows];
    return lanes.map((lane, n) => {
      const samples = streams.get(lane.stream);
      const stale = !this.#frozen && (!samples || this.playout.age(lane.stream, now) > STALE_S);
      const place = { x: Math.floor(n / rows) * w, y: (n % rows) * h, w, h };
      const unit = samples?.unscaled ? this.words.unscaled : UNITS[lane.stream];
      const title = [lane.label, unit, stale ? this.words.stale : ""].filter(Boolean).join("  ");
      const read = samples?.reader(lane.lead ?? samples.channels[0]) ?? null;
      return { ...lane, ...place, mm: this.mm * this.dpr, title, stale, samples, read, next: null, from: -Infinity };
    });
  }

  #tick(at) {
    if (!this.#running) return;
    requestAnimationFrame((next) => this.#tick(next));
    const now = at / 1000;
    if (this.#state !== this.#stateAt(now)) this.rebuild();
    else if (!this.#frozen && (this.#lanes.length <= MANY || now - this.#drawn > FRAME_S)) this.#advance(now);
  }

  /** Move the erase bar to now and draw what came under it. */
  #advance(now) {
    this.#drawn = now;
    const head = this.playout.head(now);
    if (head === null || !this.#lanes.length) return;
    const pixel = Math.floor(head * this.#speed);
    const moved = pixel - this.#head;
    if (this.#head === null || moved < 0 || moved > this.#lanes[0].w) return this.#repaint(now);
    const bar = Math.ceil(BAR_MM * this.mm * this.dpr);
    if (moved) this.#erase(this.#head + bar, moved);
    this.#head = pixel;
    for (const lane of this.#lanes) this.#trace(lane, head, (name) => this.playout.offset(name));
  }

  /** Put the background back over `width` pixels from `from`, in every column. */
  #erase(from, width) {
    const { w } = this.#lanes[0];
    const { height } = this.canvas;
    const start = ((from % w) + w) % w;
    for (let column = 0; column < this.columns; column++) {
      for (const [x, n] of [[start, Math.min(width, w - start)], [0, start + width - w]]) {
        if (n > 0) this.#pen.drawImage(this.#back, column * w + x, 0, n, height, column * w + x, 0, n, height);
      }
    }
  }

  /** Draw one whole width up to now (or up to where it is frozen) on a clean background. */
  #repaint(now) {
    this.#pen.drawImage(this.#back, 0, 0);
    const frozen = this.#frozen;
    const head = frozen ? frozen.head - frozen.back : this.playout.head(now);
    if (head === null || !this.#lanes.length) return;
    this.#head = Math.floor(head * this.#speed);
    const seconds = this.seconds - (frozen ? 0 : (2 * BAR_MM) / MM_PER_S);
    for (const lane of this.#lanes) {
      lane.from = head - seconds;
      lane.next = null;
      this.#trace(lane, head, (name) => (frozen ? frozen.offsets.get(name) : this.playout.offset(name)));
    }
  }

  /** Draw the samples of one lane that are not drawn yet, up to cabin second `head`. */
  #trace(lane, head, offsetOf) {
    const { samples, read } = lane;
    const offset = offsetOf(lane.stream);
    if (!read || offset === null || offset === undefined || samples.newest === null) return;
    const last = Math.min(samples.newest - 1, Math.floor((head - offset) * samples.rate));
    const from = Math.max(lane.from, head - this.seconds);
    const earliest = Math.max(samples.oldest, Math.ceil((from - offset) * samples.rate));
    const anew = lane.next === null || lane.next < earliest || lane.next > samples.newest;
    if (anew) Object.assign(lane, { next: earliest, tip: null });
    if (lane.next > last) return;
    const pen = this.#pen;
    pen.strokeStyle = this.#colours[lane.stale ? "stale" : lane.stream];
    pen.lineWidth = 1.5 * this.dpr;
    pen.lineJoin = "round";
    pen.beginPath();
    const [along, up, speed] = [this.#mapping(lane, head), this.#heights(lane), this.#speed];
    const xOf = (n) => along((n / samples.rate + offset) * speed);
    lane.tip = path(pen, lane.tip, lane.next, last, xOf, (n) => up(read(n)));
    pen.stroke();
    lane.next = last + 1;
  }

  /** Pixel of cabin time -> x in the lane: round and round when live, from left to right when frozen. */
  #mapping({ x, w }, head) {
    if (!this.#frozen) return (pixel) => x + (((pixel % w) + w) % w);
    const start = head * this.#speed - w;
    return (pixel) => x + pixel - start;
  }

  /** Value -> y: true millimetres for an ECG in mV, a fixed range for a cuff, else that of the last seconds. */
  #heights(lane) {
    const zero = lane.y + lane.h * BASELINE;
    if (lane.stream === "ecg" && !lane.samples.unscaled) return (value) => zero - value * MM_PER_MV * this.gain * lane.mm;
    const [low, high] = RANGES[lane.stream] ?? this.#range(lane);
    const yOf = (value) => lane.y + lane.h * (0.92 - (0.8 * (value - low)) / (high - low));
    return (value) => Math.max(lane.y, Math.min(lane.y + lane.h, yOf(value)));
  }

  #range(lane) {
    if (lane.range && lane.next - lane.rangeAt < RANGE_EVERY_S * lane.samples.rate) return lane.range;
    lane.rangeAt = lane.next;
    const [low, high] = lane.samples.range(lane.lead ?? lane.samples.channels[0], RANGE_S) ?? [0, 1];
    const range = high - low < 1e-9 ? [low - 1, high + 1] : [low, high];
    const moved = lane.range ? Math.max(...range.map((each, n) => Math.abs(each - lane.range[n]))) : Infinity;
    if (moved > 0.1 * (range[1] - range[0])) lane.range = range;
    return lane.range;
  }
}
