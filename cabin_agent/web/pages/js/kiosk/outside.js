// A cabin that receives nobody says so, in both languages, and lets the staff through to their own page.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { notes } from "./draw.js";
import { picture } from "./picture.js";

export function outside(kiosk, state) {
  const lines = ["fr", "en"].map((lang) => el("p", { class: "lead", lang }, t(`kiosk.${state}.${lang}`)));
  return {
    key: state,
    title: t(`title.${state}`),
    body: [el("div", { class: "two outside" }, picture(state), el("div", { class: "lines" }, lines, notes(kiosk)))],
    plain: true,
    staff: true,
  };
}
