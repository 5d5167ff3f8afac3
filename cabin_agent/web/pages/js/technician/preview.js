// The page of one instrument: what is known of it, start and stop, and what it sends now, as waves and in words.
import { el, fill } from "../dom.js";
import { settle } from "../settle.js";
import { Stream } from "../stream.js";
import { Sweep } from "../sweep.js";
import { t } from "../texts.js";
import { facts } from "./device.js";
import { called } from "./faults.js";
import { Readings } from "./readings.js";

const WAVES = { ecg: "ecg", oximeter: "pleth", tensiometer: "cuff" };

const seconds = () => performance.now() / 1000;

export class Preview {
  kind = null;
  hidden = false;
  #stream = null;
  #sweep = null;
  #readings = new Readings();
  #counted = null; // {bytes, at} of the row before
  #node = null;

  /** `changed()` when another instrument is looked at; `command(name, verb)` starts or stops it. */
  constructor(role, changed, command) {
    Object.assign(this, { role, changed, command });
  }

  /** Look at an instrument, or no longer at the one that is looked at. */
  turn(kind) {
    const wanted = kind === this.kind ? null : kind;
    this.close();
    if (wanted) this.#open(wanted);
    this.changed();
    this.#node?.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.#stream?.close();
    this.#sweep?.close();
    this.#readings.clear();
    Object.assign(this, { kind: null, hidden: false });
    this.#stream = this.#sweep = this.#node = this.#counted = null;
  }

  /** Whether a person's visit keeps to itself what the instruments send; say it, and let nothing of before stand. */
  hide(hidden) {
    if (!this.kind || hidden === this.hidden) return;
    this.hidden = hidden;
    this.#readings.clear();
    fill(this.list);
    if (this.canvas) this.canvas.hidden = hidden;
    this.said.textContent = t(hidden ? "staff.tech.preview-visit" : "staff.tech.preview-wait");
  }

  /** The instruments as they are now; `locked`: a visit is open, and nothing is started or stopped by hand. */
  see(instruments, locked) {
    const row = instruments.find((each) => each.kind === this.kind);
    if (!row) return;
    this.name = row.name;
    settle(this.known, facts(row, this.#rate(row.bytes_in)));
    for (const button of this.buttons) button.disabled = locked;
    this.#sweep?.mark(row.simulated === true);
    this.#show();
  }

  /** The section, always the same node while it is open; null where nothing is looked at. */
  get node() {
    return this.#node;
  }

  #open(kind) {
    this.kind = kind;
    const words = { name: called(kind) };
    this.known = el("dl", { id: "device-facts" });
    this.list = el("dl", { id: "readings" });
    this.said = el("p", { id: "preview-said", role: "status" }, t("staff.tech.preview-wait"));
    this.buttons = ["start", "stop"].map((verb) => this.#button(verb, words));
    const told = { role: "img", "aria-label": t("staff.tech.wave", words), "aria-describedby": "readings" };
    this.canvas = WAVES[kind] ? el("canvas", { class: "preview", ...told }) : null;
    const heading = el("h2", { id: "preview" }, t("staff.tech.preview-of", words));
    const box = { class: "card", id: "section-preview", "aria-labelledby": "preview", "data-kind": kind };
    const row = el("div", { class: "row" }, this.buttons, this.said);
    this.#node = el("section", box, heading, row, this.list, this.canvas, this.known);
    if (this.canvas) this.#sweep = new Sweep(this.canvas, { lanes: this.#lanes(["II"]), words: marks() });
    const event = (message) => this.#told(message);
    const on = { event, wave: (frame) => this.#wave(frame), down: (cause) => this.#down(cause) };
    this.#stream = new Stream(this.role, on, { waves: Boolean(this.canvas) });
  }

  #button(verb, words) {
    const said = { id: `device-${verb}`, "aria-label": t(`staff.tech.${verb}-name`, words) };
    return el("button", { ...said, onclick: () => this.command(this.name, verb) }, t(`staff.tech.${verb}`));
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
    } else if (["reading", "said"].includes(event.type) && event.instrument === this.kind && !this.hidden) {
      if (!this.#readings.hear(event, seconds())) return;
      this.#heard();
      this.#show();
    }
  }

  #show() {
    if (!this.hidden) settle(this.list, this.#readings.rows(seconds()));
  }

  #wave(frame) {
    if (this.hidden) return;
    if (frame.stream === WAVES[this.kind]) this.#heard();
    this.#sweep?.frame(frame);
  }

  #heard() {
    if (this.said.textContent) this.said.textContent = "";
  }

  #down(cause) {
    this.said.textContent = t(cause === "busy" ? "staff.tech.preview-refused" : `staff.away.${cause}`);
  }

  /** Bytes a second since the row before; null where there was none, or where the core began anew. */
  #rate(bytes) {
    const before = this.#counted;
    const at = seconds();
    if (before && bytes >= before.bytes && at - before.at < 0.9) return before.rate;
    const rate = before && bytes >= before.bytes ? (bytes - before.bytes) / (at - before.at) : null;
    this.#counted = { bytes, at, rate };
    return rate;
  }
}

/** What is drawn over a wave. */
function marks() {
  return { simulated: t("simulated.short"), stale: t("staff.tech.stale"), unscaled: t("ecg.unscaled") };
}
