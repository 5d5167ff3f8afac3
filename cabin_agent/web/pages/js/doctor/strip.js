// The recorded ECG for a doctor to read: facts, the median beat in twelve leads, and one lead with its beats marked.
import { el, fill } from "../dom.js";
import { colours, drawBackground, NOMINAL_MM } from "../ecg-grid.js";
import { known, number, t } from "../texts.js";
import { path } from "../trace.js";
import { place, reason, sentence, valueWords } from "./words.js";

const FIRST = "II";
const LANE_MM = 25;
const ROW_S = 10; // seconds of one line of the strip
const STRIP_MM_S = 25;
const BEAT_MM_S = 50;
const COLUMNS = 4; // I aVR V1 V4 over II aVL V2 V5 over III aVF V3 V6
const TALL_MV = 2; // what reaches further is drawn at half the height
const MARK_MM = 1.6;

export class StripDialog {
  #outcome = null;

  constructor(ask) {
    this.ask = ask;
    place("strip-lead").onchange = ({ target }) => this.#fetch(target.value);
  }

  /** Show the strip of one outcome. */
  open(outcome) {
    this.forget();
    this.#outcome = outcome;
    fill(place("strip-facts"), facts(outcome).flatMap(([name, words]) => [el("dt", {}, name), el("dd", {}, words)]));
    place("strip").showModal();
    return this.#fetch(FIRST);
  }

  /** Close it, and let nothing of it stay in the page. */
  forget() {
    this.#outcome = null;
    if (place("strip").open) place("strip").close();
    for (const id of ["strip-facts", "strip-lead", "strip-said", "strip-usual-said", "strip-wave-said"]) {
      place(id).replaceChildren();
    }
    for (const id of ["strip-usual", "strip-wave"]) {
      Object.assign(place(id), { width: 0, height: 0 });
      place(id).removeAttribute("aria-label");
      delete place(id).dataset.beats;
      delete place(id).dataset.marks;
    }
  }

  async #fetch(lead) {
    const outcome = this.#outcome;
    place("strip-said").textContent = t("doctor.strip.waiting");
    await this.ask("core", "strip", { index: outcome.index, lead }).then(
      ({ strip }) => outcome === this.#outcome && this.#draw(strip),
      (problem) => outcome === this.#outcome && (place("strip-said").textContent = sentence(problem)),
    );
  }

  #draw(strip) {
    place("strip-said").textContent = "";
    const option = (name) => el("option", { value: name, selected: name === strip.lead }, name);
    fill(place("strip-lead"), strip.leads.map(option));
    const watermark = this.#outcome.evidence.device?.simulated === false ? null : t("simulated.short");
    place("strip-usual-box").hidden = !strip.usual;
    if (strip.usual) drawBeat(strip, watermark, facts(this.#outcome));
    else place("strip-usual-said").textContent = t("doctor.strip.none");
    drawStrip(strip, watermark);
  }
}

/** What is read of the strip: [name, words]. */
function facts({ values, missing, evidence }) {
  const split = (words) => words.split("\u00a0: ");
  const notes = evidence.notes.map((code) => known(`note.${code}`) ?? reason(code));
  return [...valueWords(values, missing).map(split), [t("doctor.evidence.notes"), notes.join(", ")]];
}

function drawBeat(strip, watermark, told) {
  const { usual } = strip;
  const rows = Math.ceil(usual.leads.length / COLUMNS);
  const seconds = usual.samples[0].length / usual.rate;
  const paper = new Paper(place("strip-usual"), COLUMNS * seconds * BEAT_MM_S, rows * LANE_MM, usual);
  const lane = (number) => paper.lane(Math.floor(number / rows), number % rows, seconds * BEAT_MM_S);
  const lanes = usual.leads.map((title, number) => ({ ...lane(number), title }));
  paper.background(lanes, watermark);
  lanes.forEach((each, number) => {
    const x = (sample) => each.x + (sample / usual.rate) * BEAT_MM_S * paper.mm;
    if (usual.samples[number].every((value) => value === null)) return;
    for (const ms of Object.values(usual.marks_ms)) paper.upright(each, x(usual.peak + (ms / 1000) * usual.rate));
    paper.trace(each, usual.samples[number], x, 0, usual.samples[number].length - 1);
  });
  for (const [name, ms] of Object.entries(usual.marks_ms)) {
    const at = lanes[0].x + (usual.peak / usual.rate + ms / 1000) * BEAT_MM_S * paper.mm;
    paper.word(lanes[0], at, t(`doctor.strip.mark.${name}`));
  }
  const canvas = place("strip-usual");
  canvas.dataset.marks = Object.keys(usual.marks_ms).join(" ");
  canvas.setAttribute("aria-label", t("doctor.strip.usual-alt", { facts: told.map((each) => each.join(" ")).join(". ") }));
  const { beats } = strip;
  const counted = { beats: beats.length, used: beats.filter(({ used }) => used).length };
  const words = { ...counted, noise: number(usual.noise_uv, 0), mm: paper.gain };
  place("strip-usual-said").textContent = t("doctor.strip.usual-said", words);
}

function drawStrip(strip, watermark) {
  const { rate, beats, lead } = strip;
  const seconds = strip.samples.length / rate;
  const rows = Math.max(1, Math.ceil(seconds / ROW_S - 0.01));
  const paper = new Paper(place("strip-wave"), ROW_S * STRIP_MM_S, rows * LANE_MM, { ...strip, samples: [strip.samples] });
  const lanes = Array.from({ length: rows }, (_, row) => ({ ...paper.lane(0, row, ROW_S * STRIP_MM_S), title: row ? "" : lead }));
  paper.background(lanes, watermark);
  lanes.forEach((each, row) => {
    const at = (s) => each.x + (s - row * ROW_S) * STRIP_MM_S * paper.mm;
    const [first, last] = [row * ROW_S, (row + 1) * ROW_S].map((s) => Math.round(s * rate));
    paper.trace(each, strip.samples, (n) => at(n / rate), first, Math.min(last, strip.samples.length) - 1);
    for (const { s, used } of beats) if (s >= row * ROW_S && s < (row + 1) * ROW_S) paper.beat(each, at(s), used);
  });
  const canvas = place("strip-wave");
  canvas.dataset.beats = beats.length;
  const words = { lead, seconds: Math.round(seconds), beats: beats.length };
  canvas.setAttribute("aria-label", t("doctor.strip.wave-alt", words));
  place("strip-wave-said").textContent = t("doctor.strip.wave-said", { mm: paper.gain });
}

/** Millimetre paper on a canvas, with one height for all lanes. */
class Paper {
  /** `samples` are rows of steps of `step_mv`. */
  constructor(canvas, width, height, { samples, step_mv: step }) {
    this.dpr = window.devicePixelRatio;
    this.mm = NOMINAL_MM * this.dpr;
    this.colours = colours(canvas);
    Object.assign(canvas, { width: Math.round(width * this.mm), height: Math.round(height * this.mm) });
    canvas.style.inlineSize = `${canvas.width / this.dpr}px`;
    canvas.style.blockSize = `${canvas.height / this.dpr}px`;
    this.pen = canvas.getContext("2d");
    const most = Math.max(...samples.flat().map((value) => Math.abs(value ?? 0))) * step;
    this.gain = most > TALL_MV ? 5 : 10;
    this.step = step;
  }

  lane(column, row, width) {
    const [w, h] = [width * this.mm, LANE_MM * this.mm];
    return { x: column * w, y: row * h, w, h, mm: this.mm, stale: false };
  }

  background(lanes, watermark) {
    drawBackground(this.pen, lanes, { colours: this.colours, grid: true, watermark, dpr: this.dpr });
  }

  trace(lane, samples, x, first, last) {
    const middle = lane.y + 0.6 * lane.h;
    const y = (n) => (samples[n] === null ? NaN : middle - samples[n] * this.step * this.gain * this.mm);
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(lane.x, lane.y, lane.w, lane.h);
    this.pen.clip();
    this.pen.beginPath();
    this.pen.strokeStyle = this.colours.ecg;
    this.pen.lineWidth = 1.3 * this.dpr;
    path(this.pen, null, first, last, x, y);
    this.pen.stroke();
    this.pen.restore();
  }

  /** A line over the height of a lane: where a wave begins or ends. */
  upright(lane, x) {
    this.pen.strokeStyle = this.colours.stale;
    this.pen.lineWidth = this.dpr;
    this.pen.beginPath();
    this.pen.moveTo(x, lane.y + 0.18 * lane.h);
    this.pen.lineTo(x, lane.y + 0.95 * lane.h);
    this.pen.stroke();
  }

  word(lane, x, words) {
    this.pen.font = `600 ${10 * this.dpr}px system-ui, sans-serif`;
    this.pen.fillStyle = this.colours.text;
    this.pen.textAlign = "center";
    this.pen.textBaseline = "bottom";
    this.pen.fillText(words, x, lane.y + 0.18 * lane.h);
  }

  /** A triangle over a beat: full where the median was made of it, open where not. */
  beat(lane, x, used) {
    const size = MARK_MM * this.mm;
    const y = lane.y + 0.04 * lane.h;
    this.pen.beginPath();
    this.pen.moveTo(x - size / 2, y);
    this.pen.lineTo(x + size / 2, y);
    this.pen.lineTo(x, y + size);
    this.pen.closePath();
    this.pen.fillStyle = this.pen.strokeStyle = this.colours.text;
    this.pen.lineWidth = this.dpr;
    if (used) this.pen.fill();
    this.pen.stroke();
  }
}
