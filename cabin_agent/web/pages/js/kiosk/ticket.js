// A paper, or none: the values are on it only if the person says so.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { button, notes } from "./draw.js";
import { picture } from "./picture.js";

const WORDS = { none: "button.no-ticket", plain: "button.ticket", values: "button.ticket-values" };

export function screen(_, kiosk) {
  const chosen = kiosk.local.ticket ?? "none";
  const choices = Object.entries(WORDS).map(([value, key]) => {
    const spec = { do: "choose", value, label: t(key), role: "radio", checked: String(value === chosen) };
    return button(spec, "choice");
  });
  const lines = [
    el("p", { class: "lead" }, t("state.ticket")),
    el("div", { class: "choices column", role: "radiogroup", "aria-label": t("state.ticket") }, choices),
    el("p", {}, t("kiosk.ticket.care")),
    ...notes(kiosk),
  ];
  return {
    key: "ticket",
    title: t("title.ticket"),
    say: ["state.ticket"],
    body: [el("div", { class: "two" }, picture("ticket"), el("div", { class: "lines" }, lines))],
    main: { do: "print", label: t("button.continue") },
  };
}

export const acts = {
  choose: (kiosk, value) => {
    kiosk.local.ticket = value;
    kiosk.draw();
  },
  print: (kiosk) => kiosk.tell("ticket", { ticket: kiosk.local.ticket ?? "none" }),
};
