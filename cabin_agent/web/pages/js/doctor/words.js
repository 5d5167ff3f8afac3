// The fixed words of the page, and how numbers, times and codes are written.
import { currentLanguage, known, number, t } from "../texts.js";

const DECIMALS = { "%": 0, "/min": 0, "mm[Hg]": 0, dB: 0, ms: 0 };
const UNITS = { "mm[Hg]": "mmHg", Cel: "°C", "kg/m2": "kg/m²", "mm": "mm" };

/** An element of the page. */
export const place = (id) => document.getElementById(id);

/** Put the words of the present language into everything that names its text: data-t, data-label, data-hint. */
export function fillTexts(root = document) {
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-label]")) node.setAttribute("aria-label", t(node.dataset.label));
  for (const node of root.querySelectorAll("[data-hint]")) node.setAttribute("placeholder", t(node.dataset.hint));
}

/** The unit (UCUM) as a person writes it. */
export const unit = (ucum) => UNITS[ucum] ?? ucum;

/** A value as it is displayed, with its unit after a no-break space. */
export const amount = (value, ucum) => `${digits(value, ucum)}\u00a0${unit(ucum)}`;

/** A value as it is displayed, without its unit. */
export const digits = (value, ucum) => number(value, DECIMALS[ucum] ?? 1);

/** The words of a reason or a note, or the code itself where nobody has translated it. */
export const reason = (code) => known(`reason.${code}`) ?? known(`note.${code}`) ?? code;

/** The words of a code of a family ("site", "mode", "component"), or the code itself. */
export const phrase = (family, code) => known(`${family}.${code}`) ?? code;

/** The components of an outcome, one sentence each: those with a value, then those without and why. */
export const valueWords = (values, missing = {}) => [
  ...Object.entries(values).map(([part, { value, unit: ucum }]) => named(part, amount(value, ucum))),
  ...Object.entries(missing).map(([part, why]) => named(part, t("doctor.missing", { why: phrase("interval", why) }))),
];

const named = (part, words) => `${phrase("component", part)}\u00a0: ${words}`;

/** The time of day of a UTC millisecond. */
export const clock = (ms) => new Date(ms).toLocaleTimeString(currentLanguage(), { timeStyle: "medium" });

/** What went wrong, as one sentence in the page's language; what the cabin said where it is a refusal of its own. */
export const sentence = (problem) => known(`doctor.problem.${problem.code}`) ?? problem.message;
