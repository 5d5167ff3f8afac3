// An answer that ends the visit: somebody comes. Nothing here asks for anything.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { warnings } from "./draw.js";
import { picture } from "./picture.js";

export function screen(view) {
  const lines = [
    ...warnings(view),
    el("p", { class: "lead" }, t("stop.message")),
    el("p", { class: "note danger emergency" }, t("stop.emergency")),
  ];
  return {
    key: "stopped",
    title: t("stop.title"),
    say: ["stop.title", "stop.message", "stop.emergency"],
    body: [el("div", { class: "two" }, picture("help"), el("div", { class: "lines" }, lines))],
    plain: true,
    staff: true,
  };
}
