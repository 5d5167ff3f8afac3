// Drawings: each shows one thing that words say badly.
import { el } from "../dom.js";
import { known, t } from "../texts.js";

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** The drawing `name`, with what it shows in words; a drawing that only adorns is silent. */
export function picture(name, classes = "") {
  const source = new URL(`../../drawings/${name}.svg${STILL.matches ? "#still" : ""}`, import.meta.url);
  const words = known(`kiosk.drawing.${name}`) ? t(`kiosk.drawing.${name}`) : "";
  const looks = { class: `drawing ${classes}`, draggable: "false", "data-key": `drawing-${name}` };
  return el("img", { ...looks, src: source, alt: words });
}
