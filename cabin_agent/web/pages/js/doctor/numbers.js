// Number tiles: the live value with its unit and age, what is wrong with it, and the measure with its evidence.
import { el } from "../dom.js";
import { Least } from "../playout.js";
import { known, t } from "../texts.js";
import { clock, digits, reason, unit } from "./words.js";

export const STALE_S = 1.75; // with the quarter of a second between two looks: grey before two seconds are over
const TRANSIT_S = 60; // how long the fastest reading is remembered
const ANEW_S = 60; // a reading that would be older than this is of a cabin whose clock began anew

/** What a tile shows: the live quantity (if an instrument tells one) and the measure that it becomes. */
const TILES = [
  { quantity: "spo2", measures: ["spo2"], unit: "%", colour: "pleth" },
  { quantity: "pulse_rate", measures: ["pulse_rate"], unit: "/min", colour: "pleth" },
  { quantity: "heart_rate", measures: ["heart_rate"], unit: "/min", colour: "ecg" },
  { quantity: "cuff_pressure", measures: ["blood_pressure_mean", "blood_pressure"], unit: "mm[Hg]", colour: "cuff" },
  { quantity: "temperature", measures: ["temperature"], unit: "Cel", colour: "plain" },
  { quantity: "weight", measures: ["weight"], unit: "kg", colour: "plain" },
  { quantity: "height", measures: ["height"], unit: "cm", colour: "plain" },
];

class Tile {
  #reading = null;
  #heard = -Infinity;

  constructor(kind, evidence) {
    this.kind = kind;
    this.value = el("span", { class: "value" });
    this.said = el("span", { class: "said" });
    const show = () => evidence(this.outcome.index);
    this.measured = el("button", { class: "measured quiet", onclick: show, hidden: true });
    this.name = el("span", { class: "name" });
    this.node = el("div", { class: "tile", "data-quantity": kind.quantity, "data-colour": kind.colour });
    this.node.append(this.name, this.value, this.said, this.measured);
  }

  /** `taken`: page seconds at which the value was true. */
  reading(message, taken, now) {
    this.#reading = message;
    this.#heard = taken;
    this.draw(now);
  }

  /** The newest outcome of the tile's measures that has a value which the doctor did not reject, or null. */
  outcomes(outcomes) {
    const valid = (each) => each.status === "measured" && each.review?.verdict !== "rejected";
    this.outcome = outcomes.filter((each) => this.kind.measures.includes(each.measure) && valid(each)).at(-1) ?? null;
    this.measured.hidden = !this.outcome;
    if (!this.outcome) return;
    this.measured.textContent = t("doctor.tile.measured", {
      value: shown(this.outcome),
      grade: t(`grade.${this.outcome.quality}`),
      time: clock(this.outcome.evidence.ended_ms),
    });
    this.measured.dataset.grade = this.outcome.quality;
  }

  /** A value that was not renewed for `STALE_S` is not shown any more. */
  draw(now) {
    const age = now - this.#heard;
    const live = age <= STALE_S && this.#reading !== null;
    const value = live ? this.#reading.value : null;
    this.name.textContent = t(`doctor.tile.${this.kind.quantity}`);
    this.node.classList.toggle("stale", !live);
    this.value.textContent = value === null ? "—" : digits(value, this.kind.unit);
    if (value !== null) this.value.append(el("small", {}, `\u00a0${unit(this.kind.unit)}`));
    this.said.textContent = this.#words(live, age);
  }

  #words(live, age) {
    if (this.#reading === null) return t("doctor.tile.none");
    if (!live) return t("doctor.tile.stale", { seconds: Math.floor(age) });
    if (this.#reading.why) return reason(this.#reading.why);
    // Flags without words ("locked") say how an instrument works, and are no reason to doubt the value.
    const doubts = this.#reading.flags.map((code) => known(`reason.${code}`)).filter(Boolean);
    return doubts.join(", ") || t("doctor.tile.age", { seconds: Math.floor(age) });
  }

  forget() {
    this.#reading = null;
    this.#heard = -Infinity;
  }
}

/** "128/79 mmHg" or "97 %". */
export function shown(outcome) {
  const values = outcome.values ?? {};
  const { systolic, diastolic } = values;
  const pair = systolic && diastolic ? [systolic, diastolic] : Object.values(values).slice(0, 1);
  if (!pair.length) return t("doctor.tile.recorded");
  return `${pair.map((each) => digits(each.value, each.unit)).join("/")}\u00a0${unit(pair[0].unit)}`;
}

export class Numbers {
  #transit = new Least(TRANSIT_S);

  /** `evidence(index)` shows the evidence of an outcome. */
  constructor(parent, evidence) {
    this.tiles = TILES.map((kind) => new Tile(kind, evidence));
    parent.replaceChildren(...this.tiles.map((tile) => tile.node));
  }

  /** A "reading" of the core; its age counts from when the cabin heard it, however long it was under way. */
  reading(message, now = performance.now() / 1000) {
    const tile = this.tiles.find((each) => each.kind.quantity === message.quantity);
    tile?.reading(message, this.#taken(message.at_us / 1e6, now), now);
  }

  /** Page seconds of a cabin second: the fastest of the last minute took no time. */
  #taken(at, now) {
    this.#transit.add(now - at, now);
    if (now - at - this.#transit.value > ANEW_S) {
      this.#transit = new Least(TRANSIT_S);
      this.#transit.add(now - at, now);
    }
    return at + this.#transit.value;
  }

  outcomes(outcomes) {
    for (const tile of this.tiles) tile.outcomes(outcomes);
  }

  /** Several times a second: age the values. */
  draw(now = performance.now() / 1000) {
    for (const tile of this.tiles) tile.draw(now);
  }

  /** The link is lost: nothing that was heard is live any more. */
  forget() {
    for (const tile of this.tiles) tile.forget();
    this.draw();
  }

  /** The live values as one sentence. */
  words() {
    return this.tiles
      .filter((tile) => !tile.node.classList.contains("stale"))
      .map((tile) => `${tile.name.textContent} ${tile.value.textContent}`)
      .join(", ");
  }
}
