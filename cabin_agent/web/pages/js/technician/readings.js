// The newest values of one instrument: each with its unit and flags, or why there is none, and how old it is.
import { el } from "../dom.js";
import { known, number, t } from "../texts.js";
import { age } from "./device.js";

const DECIMALS = { Cel: 1, kg: 1 };
const OLD_S = 4; // a value that has not been repeated for so long is shown as old

export class Readings {
  #told = new Map(); // name -> {words, flags, simulated, at}

  clear() {
    this.#told.clear();
  }

  /** One event of the stream: a reading, or what was said beside readings; false for what is no value. */
  hear(event, now) {
    const values = event.type === "reading" ? [[quantity(event.quantity), amount(event), event.flags]] : said(event.said);
    for (const [name, words, flags] of values) this.#told.set(name, { words, flags, simulated: event.simulated, at: now });
    return values.length > 0;
  }

  /** The rows of a <dl>, as of `now` (seconds). */
  rows(now) {
    return [...this.#told].map(([name, each]) => row(name, each, now - each.at));
  }
}

function row(name, { words, flags, simulated }, old) {
  const more = [
    ...flags.map((flag) => known(`reason.${flag}`) ?? known(`staff.flag.${flag}`) ?? flag),
    simulated && t("simulated.short"),
    old > OLD_S && age(old),
  ].filter(Boolean);
  const beside = more.length > 0 && el("small", {}, more.join(", "));
  return el("div", { class: old > OLD_S && "old" }, el("dt", {}, name), el("dd", {}, words, " ", beside));
}

function quantity(code) {
  return known(`measure.${code}.name`) ?? known(`staff.quantity.${code}`) ?? code;
}

/** A number with its unit; a missing value says why. */
function amount({ value, why, unit }) {
  if (value === null) return known(`reason.${why}`) ?? why;
  return `${number(value, DECIMALS[unit] ?? 0)} ${known(`staff.unit.${unit}`) ?? unit}`;
}

/** [name, words, flags] of an event as `cabin decode` prints it. */
function said(event) {
  if (event.event === "pressure_result") return pressure(event);
  if (event.event !== "hearing_record") return [];
  const levels = Object.entries(event.thresholds).map(([hz, level]) => `${hz} Hz ${plain(level, "dB")}`);
  return [[t(`staff.ear.${event.ear}`), levels.join(", "), event.flags]];
}

function pressure({ systolic, diastolic, mean, pulse_rate: pulse, error, flags }) {
  const name = quantity("blood_pressure");
  if (error) return [[name, known(`reason.${error}`) ?? error, flags]];
  const both = [systolic, diastolic].every((each) => typeof each === "number");
  const words = both ? `${number(systolic)}/${number(diastolic)} ${t("staff.unit.mm[Hg]")}` : plain(systolic, "mm[Hg]");
  return [
    [name, words, flags],
    [quantity("blood_pressure_mean"), plain(mean, "mm[Hg]"), []],
    [quantity("pulse_rate"), plain(pulse, "/min"), []],
  ];
}

function plain(value, unit) {
  const missing = typeof value !== "number";
  return amount({ value: missing ? null : value, why: missing ? value.no_value : null, unit });
}
