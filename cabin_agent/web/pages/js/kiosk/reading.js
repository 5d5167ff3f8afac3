// A screen that is read and answered: the notice, and each consent, its whole text on it.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { READABLE, notes } from "./draw.js";
import { picture } from "./picture.js";

/** `subject` of the texts `consent.<subject>...`; `yes` and `no`, what the two buttons do. */
export function reading(kiosk, { key, subject, drawing, yes, no }) {
  return {
    key,
    title: t(`consent.${subject}.title`),
    say: [`consent.${subject}.text`, `state.${key}`],
    body: [
      el(
        "div",
        { class: "two" },
        picture(drawing),
        el("div", { class: "lines", ...READABLE }, sentences(t(`consent.${subject}.text`)), ...notes(kiosk)),
      ),
    ],
    main: { do: yes, label: t(`consent.${subject}.yes`) },
    refuse: no ? { do: no, label: t(`consent.${subject}.no`) } : undefined,
  };
}

/** One sentence a line: easier to follow with a finger or a slow eye. */
function sentences(text) {
  return text.split(/(?<=[.?!])\s+(?=\p{Lu})/u).map((each) => el("p", { class: "lead" }, each));
}
