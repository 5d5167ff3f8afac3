// A look at what one instrument sends now: its waves on a canvas, and its last readings in words.
import { el, fill } from "../dom.js";
import { Stream } from "../stream.js";
import { Sweep } from "../sweep.js";
import { known, number, t } from "../texts.js";
import { called } from "./faults.js";

const WAVES = { ecg: "ecg", oximeter: "pleth", tensiometer: "cuff" };
const DECIMALS = { Cel: 1, kg: 1 };

export class Preview {
  kind = null;
  hidden = false;
  #stream = null;
  #sweep = null;
  #readings = new Map();
  #node = null;

  constructor(role, changed) {
    Object.assign(this, { role, changed });
  }

  /** Look at an instrument, or no longer at the one that is looked at. */
  turn(kind) {
    const wanted = kind === this.kind ? null : kind;
    this.close();
    if (wanted) this.#open(wanted);
    this.changed();
  }

  close() {
    this.#stream?.close();
    this.#sweep?.close();
    this.#readings.clear();
    Object.assign(this, { kind: null, hidden: false });
    this.#stream = this.#sweep = this.#node = null;
  }

  /** Whether a person's visit keeps to itself what the instruments send; say it, and let nothing of before stand. */
  hide(hidden) {
    if (!this.kind || hidden === this.hidden) return;
    this.hidden = hidden;
    this.#readings.clear();
    fill(this.list);
    this.said.textContent = t(hidden ? "staff.tech.preview-visit" : "staff.tech.preview-wait");
  }

  /** The section, always the same node while it is open; null where nothing is looked at. */
  get node() {
    return this.#node;
  }

  #open(kind) {
    this.kind = kind;
    this.list = el("dl", { id: "readings" });
    this.said = el("p", { id: "preview-said", role: "status" }, t("staff.tech.preview-wait"));
    const name = t("staff.tech.wave", { name: called(kind) });
    const told = { role: "img", "aria-label": name, "aria-describedby": "readings" };
    const canvas = WAVES[kind] && el("canvas", { class: "preview", ...told });
    const heading = el("h2", { id: "preview" }, t("staff.tech.preview-of", { name: called(kind) }));
    const box = { class: "card", id: "section-preview", "aria-labelledby": "preview" };
    this.#node = el("section", box, heading, this.said, canvas, this.list);
    const words = { simulated: t("simulated.short"), stale: t("staff.tech.stale"), unscaled: t("ecg.unscaled") };
    if (canvas) this.#sweep = new Sweep(canvas, { lanes: this.#lanes(["II"]), words });
    const event = (message) => this.#told(message);
    const on = { event, wave: (frame) => this.#wave(frame), down: (cause) => this.#down(cause) };
    this.#stream = new Stream(this.role, on, { waves: Boolean(canvas) });
  }

  #lanes(leads) {
    const stream = WAVES[this.kind];
    if (stream !== "ecg") return [{ stream, label: t(`staff.wave.${stream}`) }];
    return leads.map((lead) => ({ stream, lead, label: lead }));
  }

  #told(event) {
    if (event.type === "wave" || event.type === "wave-clock") {
      this.#sweep?.event(event);
      const leads = this.kind === "ecg" && event.type === "wave" && event.stream === "ecg";
      if (leads) this.#sweep?.show(this.#lanes(this.#sweep.leads), event.channels.length > 3 ? 2 : 1);
    } else if (event.type === "reading" && event.instrument === this.kind) {
      this.#heard();
      this.#readings.set(event.quantity, event);
      fill(this.list, [...this.#readings.values()].map(reading));
    }
  }

  #wave(frame) {
    if (frame.stream === WAVES[this.kind]) this.#heard();
    this.#sweep?.frame(frame);
  }

  #heard() {
    if (this.said.textContent) this.said.textContent = "";
  }

  #down(cause) {
    this.said.textContent = t(cause === "busy" ? "staff.tech.preview-refused" : `staff.away.${cause}`);
  }
}

/** One reading; a missing value says why. */
function reading({ quantity, value, why, unit }) {
  const name = known(`measure.${quantity}.name`) ?? known(`staff.quantity.${quantity}`) ?? quantity;
  const amount = () => `${number(value, DECIMALS[unit] ?? 0)} ${known(`staff.unit.${unit}`) ?? unit}`;
  const words = value === null ? (known(`reason.${why}`) ?? why) : amount();
  return el("div", {}, el("dt", {}, name), el("dd", {}, words));
}
