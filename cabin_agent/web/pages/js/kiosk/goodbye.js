// The end: everything is sealed for the record first, then this page forgets it.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { notes } from "./draw.js";
import { picture } from "./picture.js";

export function screen(view, kiosk) {
  const ready = view.may.includes("finish");
  const lines = [
    el("p", { class: "lead" }, t("state.goodbye")),
    el("p", {}, t(ready ? "kiosk.goodbye.forgets" : "kiosk.goodbye.sealing")),
    ...notes(kiosk),
  ];
  return {
    key: "goodbye",
    title: t("title.goodbye"),
    say: ["state.goodbye"],
    body: [el("div", { class: "two" }, picture("goodbye"), el("div", { class: "lines" }, lines))],
    main: { do: "finish", label: t("button.done"), off: !ready },
  };
}
