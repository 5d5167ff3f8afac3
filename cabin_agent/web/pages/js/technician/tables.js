// The technician's tables and lists, each from one answer of the core.
import { el } from "../dom.js";
import { known, number, t } from "../texts.js";
import { age, calibration } from "./device.js";
import { called, whySilent } from "./faults.js";

const COLUMNS = ["name", "state", "age", "model", "serial", "calibration", "simulated", "do"];
const SOUNDS = ["microphone", "speaker", "stethoscope"];

/** A section with its heading. */
export function section(id, heading, ...content) {
  return el("section", { class: "card", id: `section-${id}`, "aria-labelledby": id }, el("h2", { id }, heading), content);
}

/** What is wrong; a sentence each. */
export function faultList(found) {
  if (!found.length) return section("faults", t("staff.tech.faults"), el("p", { class: "note ok" }, t("staff.tech.no-fault")));
  const rows = found.map(({ what, cure }) => el("li", { class: "note warn" }, el("strong", {}, what), " ", cure));
  return section("faults", t("staff.tech.faults-found", { count: found.length }), el("ul", { class: "faults" }, rows));
}

/**
 * Every instrument; `on.preview(kind)`, `on.command(name, verb)`; `shown` is the kind that is looked at; in a `visit`
 * nothing is started or stopped by hand.
 */
export function instrumentTable(instruments, shown, visit, on) {
  const head = el("tr", {}, COLUMNS.map((name) => el("th", { scope: "col" }, t(`staff.tech.column.${name}`))));
  const rows = instruments.map((each) => instrumentRow(each, shown, visit, on));
  const caption = el("caption", { class: "spoken" }, t("staff.tech.instruments"));
  const table = el("table", {}, caption, el("thead", {}, head), el("tbody", {}, rows));
  const wide = { class: "wide", tabindex: "0", role: "group", "aria-labelledby": "instruments" };
  const locked = visit && el("p", { class: "note warn", id: "locked" }, t("staff.tech.locked"));
  return section("instruments", t("staff.tech.instruments"), locked, el("div", wide, table));
}

function instrumentRow(each, shown, visit, on) {
  const name = called(each.kind);
  const state = known(`staff.link.${each.state}`) ?? each.state;
  const cells = [
    el("span", { class: `state ${each.state}` }, state),
    age(each.age_s),
    each.model || "–",
    each.serial ?? "–",
    el("span", { class: each.past_due && "past" }, calibration(each)),
    each.simulated === null ? "–" : t(each.simulated ? "staff.yes" : "staff.no"),
    el("div", { class: "row" }, buttons(each, name, shown, visit, on)),
  ];
  return el("tr", { id: `instrument-${each.name}` }, el("th", { scope: "row" }, name), cells.map((cell) => el("td", {}, cell)));
}

/** The names of the buttons say which instrument they are of. */
function buttons({ name, kind }, called, shown, visit, on) {
  const button = (what, press, more = {}) => {
    const said = { id: `${what}-${name}`, "aria-label": t(`staff.tech.${what}-name`, { name: called }) };
    return el("button", { ...said, onclick: press, ...more }, t(`staff.tech.${what}`));
  };
  return [
    button("preview", () => on.preview(kind), { "aria-pressed": String(shown === kind) }),
    button("start", () => on.command(name, "start"), { disabled: visit }),
    button("stop", () => on.command(name, "stop"), { disabled: visit }),
  ];
}

/** Cameras and sound, as the media process says. */
export function mediaList(media) {
  const running = pair("process", t(media?.up ? "staff.tech.media-up" : "staff.tech.media-down"));
  const cameras = (media?.up && media.cameras) || [];
  const sound = (media?.up && media.sound) || null;
  const rows = [
    running,
    ...cameras.map(camera),
    ...(sound ? SOUNDS.map((part) => [t(`staff.sound.${part}`), sound[part] ?? whySilent(media, part) ?? t("staff.tech.no-card")]) : []),
  ];
  return section("media", t("staff.tech.media"), facts(rows));
}

function camera({ label, state, reason, simulated }) {
  const words = [known(`staff.camera.${state}`) ?? state, reason, simulated && t("simulated.short")];
  return [label, words.filter(Boolean).join(" – ")];
}

/** How many of the newest deliveries stand where, and which waits longest. */
export function deliveryList(status, deliveries) {
  const counts = Object.entries(Object.groupBy(deliveries, (each) => each.state));
  const waiting = deliveries.filter((each) => !each.receipt);
  const oldest = waiting.length ? t("staff.tech.envelope", { seq: Math.min(...waiting.map((each) => each.seq)) }) : t("staff.tech.none");
  const rows = [
    pair("line", t(status.delivery.connected ? "staff.tech.connected" : "staff.tech.not-connected")),
    pair("pending", String(status.delivery.pending)),
    pair("quarantined", String(status.delivery.quarantined)),
    ...counts.map(([state, group]) => [known(`staff.delivery.${state}`) ?? state, String(group.length)]),
    pair("oldest", oldest),
  ];
  return section("deliveries", t("staff.tech.deliveries"), facts(rows));
}

/** What runs here. */
export function versionList(status, build) {
  const rows = [pair("version", status.version), pair("build", build), pair("speed", `× ${number(status.speed, status.speed % 1 ? 1 : 0)}`)];
  return section("versions", t("staff.tech.versions"), facts(rows));
}

function pair(code, value) {
  return [t(`staff.tech.fact.${code}`), value];
}

function facts(rows) {
  return el("dl", {}, rows.map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value))));
}
