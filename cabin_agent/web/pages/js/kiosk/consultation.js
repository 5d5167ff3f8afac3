// The consultation: whether the doctor sees and hears, what the doctor says, and the measure that is asked for.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { notes } from "./draw.js";
import { making, sitting, stopLive } from "./measure.js";
import { picture } from "./picture.js";

export function screen(view, kiosk) {
  const { consultation } = view;
  const spec = now(view, kiosk, consultation);
  return {
    ...spec,
    body: [presence(consultation), words(consultation), ...spec.body].filter(Boolean),
    second: { do: "ask", value: "hang_up", label: t("kiosk.hang_up"), off: !view.may.includes("hang_up") },
  };
}

function now(view, kiosk, { number, task, waiting_to_sit: sit }) {
  if (sit) return { ...sitting(view, kiosk), title: t("title.consultation") };
  const name = task && t(`task.${task}`);
  if (task) return { ...making(view, kiosk, task), title: t("kiosk.instrument", { number, name }) };
  stopLive(kiosk);
  return {
    key: "consultation",
    title: t("title.consultation"),
    say: [view.prompt.key],
    body: [
      el(
        "div",
        { class: "two" },
        picture("consultation"),
        el("div", { class: "lines" }, el("p", { class: "lead" }, view.prompt.text), ...notes(kiosk)),
      ),
    ],
  };
}

/** Who sees and hears this person now, and whom they hear; it is never left in doubt. */
function presence({ doctor, connected, sees = true, hears, speaks = true }) {
  const key = connected ? perceived(sees, hears) : "away";
  const words = doctor ? t(`kiosk.doctor.${key}`, { name: doctor }) : t("kiosk.doctor.waiting");
  const mute = connected && !speaks ? ` ${t("kiosk.doctor.mute")}` : "";
  const grade = key === "here" && !mute ? "ok" : "warn";
  return el("p", { class: `note presence ${grade}`, "data-key": "presence" }, words + mute);
}

function perceived(sees, hears) {
  if (sees) return hears ? "here" : "seen";
  return hears ? "heard" : "neither";
}

function words({ message }) {
  if (!message) return null;
  const says = el("strong", {}, t("kiosk.doctor.says"));
  return el("p", { class: "note doctor-says", "data-key": "words" }, says, ` ${message}`);
}
