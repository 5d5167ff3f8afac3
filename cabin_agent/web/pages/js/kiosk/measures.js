// The check-up: one measure at a time, in the core's order.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { notes } from "./draw.js";
import { making, resting, sitting, steps, stopLive } from "./measure.js";

export function screen(view, kiosk) {
  const spec = now(view, kiosk);
  return { title: t("title.measures"), ...spec, body: [steps(view), ...spec.body] };
}

function now(view, kiosk) {
  const running = view.plan.find(({ state }) => state === "running");
  if (running) return { ...making(view, kiosk, running.task), title: heading(running) };
  if (view.may.includes("seated")) return sitting(view, kiosk);
  if (view.rest) return resting(view, kiosk);
  stopLive(kiosk);
  return { key: "moment", say: [], body: [el("p", { class: "lead" }, t("kiosk.moment")), ...notes(kiosk)] };
}

function heading({ number, name }) {
  return t("kiosk.instrument", { number, name });
}
