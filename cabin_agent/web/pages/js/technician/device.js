// What the cabin keeps of one instrument beside its values: facts in words, from one row of `GET instruments`.
import { el } from "../dom.js";
import { known, number, t } from "../texts.js";

const UNBROKEN = "\u2011"; // a hyphen at which no line ends

/** How old the last sample is: seconds below a minute, minutes above; younger than two seconds is now. */
export function age(seconds) {
  if (seconds === null) return t("staff.tech.never");
  if (seconds < 2) return t("staff.tech.now");
  return seconds < 60 ? t("staff.tech.seconds", { n: number(seconds) }) : t("staff.tech.minutes", { n: number(seconds / 60) });
}

/** Until when the calibration is good, in words and never by colour alone. */
export function calibration({ calibration_due: date, past_due: past }) {
  if (!date) return "–";
  return t(past ? "staff.tech.past-due" : "staff.tech.good-until", { date: date.replaceAll("-", UNBROKEN) });
}

/** The facts as the rows of a <dl>; `rate`: bytes a second, null where it is not known yet. */
export function facts(row, rate) {
  const measures = t("staff.tech.measures", { measured: row.measured, failed: row.failed });
  return [
    fact("state", known(`staff.link.${row.state}`) ?? row.state, row.reason && el("span", { lang: "en" }, ` – ${row.reason}`)),
    fact("seen", age(row.age_s)),
    fact("identity", [row.model, row.serial, row.firmware].filter(Boolean).join(" · ") || "–"),
    fact("calibration", calibration(row)),
    fact("self-test", row.self_test ? t(`staff.tech.self-test.${row.self_test}`) : t("staff.tech.none")),
    fact("clock", clock(row.clock_offset_s)),
    fact("hours", number(row.hours, 1)),
    fact("openings", String(row.openings)),
    fact("measures", measures),
    fact("old", String(row.old_readings)),
    fact("bytes", rate === null ? "–" : number(rate)),
    fact("troubles", troubles(row.troubles)),
    row.unconfirmed && fact("unconfirmed", el("span", { lang: "en" }, row.unconfirmed)),
  ].filter(Boolean);
}

function fact(code, ...words) {
  return el("div", {}, el("dt", {}, t(`staff.tech.device.${code}`)), el("dd", {}, words));
}

function clock(offset) {
  if (offset === null) return t("staff.tech.clock.unread");
  const n = number(Math.abs(offset));
  if (n === "0") return t("staff.tech.clock.right");
  return t(offset > 0 ? "staff.tech.clock.ahead" : "staff.tech.clock.behind", { n });
}

function troubles(counts) {
  const told = Object.entries(counts).map(([code, count]) => `${known(`staff.trouble.${code}`) ?? code} (${count})`);
  return told.join(", ") || t("staff.tech.none");
}
