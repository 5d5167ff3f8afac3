// The live trace of one instrument, with its text equivalent; and the cuff's pressure in large digits, because it is
// felt anyway. No other number is shown while it is measured: somebody may stand in the door.
import { el } from "../dom.js";
import { Stream } from "../stream.js";
import { Sweep } from "../sweep.js";
import { t } from "../texts.js";

const LANES = {
  oximetry: () => [{ stream: "pleth", label: t("kiosk.wave.pleth") }],
  ecg: () => ["I", "II", "III"].map((lead) => ({ stream: "ecg", lead, label: t("ecg.lead", { lead }) })),
  pressure: () => [{ stream: "cuff", label: t("kiosk.wave.cuff") }],
};
const NAMES = { oximetry: "pleth", ecg: "ecg", pressure: "cuff" };
const CALM_MS = 5000; // between two changes of the text equivalent
const STALE_MS = 2000;
const MM_PX = 5; // of a sweep's millimetre: a hand's breadth away, not a doctor's

export class Live {
  /** The live trace of `task`, or null where the instrument has none. */
  static of(task, kiosk) {
    return task in LANES ? new Live(task, kiosk) : null;
  }

  constructor(task, kiosk) {
    const name = NAMES[task];
    this.canvas = el("canvas", { role: "img", "aria-label": t(`kiosk.wave.${name}.none`) });
    this.number = el("p", { class: "cuff-number", hidden: true });
    this.element = el("div", { class: "live-in" }, this.canvas, this.number);
    this.name = name;
    this.toldAt = -Infinity;
    this.redraw = () => kiosk.draw();
    const words = { simulated: t("simulated.short"), stale: t("kiosk.wave.stale"), unscaled: t("ecg.unscaled") };
    this.sweep = new Sweep(this.canvas, { lanes: LANES[task](), words });
    this.sweep.scale(MM_PX);
    const on = { event: (message) => this.event(message), wave: (frame) => this.#frame(frame) };
    this.line = new Stream("kiosk", on, { waves: true });
  }

  /** An event of the core about waves, or a reading. */
  event(message) {
    this.sweep.event(message);
    if (message.type === "reading" && message.quantity === "cuff_pressure") this.#pressure(message.value);
  }

  /** Whether samples arrive. */
  get flowing() {
    return this.sweep.streams()[this.name]?.stale === false;
  }

  /** Say in words what the trace shows now; seldom, so that nobody is talked to without end. */
  tell(view) {
    this.sweep.mark(view.simulated);
    const now = performance.now();
    if (now - this.toldAt < CALM_MS) return;
    const state = !this.flowing ? "none" : view.messages.length ? "bad" : "good";
    const words = t(`kiosk.wave.${this.name}.${state}`);
    if (words === this.canvas.getAttribute("aria-label")) return;
    this.toldAt = now;
    this.canvas.setAttribute("aria-label", words);
  }

  close() {
    this.line.close();
    this.sweep.close();
    clearTimeout(this.stale);
  }

  #frame(frame) {
    const flowed = this.flowing;
    this.sweep.frame(frame);
    if (!flowed && this.flowing) this.redraw();
  }

  #pressure(value) {
    if (this.name !== "cuff") return;
    clearTimeout(this.stale);
    this.number.hidden = value === null;
    this.number.textContent = value === null ? "" : t("kiosk.cuff", { value: Math.round(value) });
    this.stale = setTimeout(() => (this.number.hidden = true), STALE_MS);
  }
}
