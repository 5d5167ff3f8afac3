// The nurse's page: who calls, what has to be cleaned, and whether the cabin may receive the next person.
import { StaffPage, confirmed } from "../staff.js";
import { el } from "../dom.js";
import { sentence } from "../sentence.js";
import { known, t } from "../texts.js";
import { Bell } from "./bell.js";
import { Turnaround } from "./turnaround.js";

const IDLE_MS = 120_000;
const STOPPED = "nurse_came";

const bell = new Bell();
const turnaround = new Turnaround();

const view = {
  load: (api) => api.get("/cabin"),
  told(event) {
    if (event.type === "nurse") bell.ring();
  },
  left: () => turnaround.forget(),
  tools() {
    const turn = (event) => {
      bell.turn();
      event.currentTarget.setAttribute("aria-pressed", String(bell.on));
    };
    return [el("button", { id: "tool-sound", "aria-pressed": String(bell.on), onclick: turn }, t("staff.sound"))];
  },
  show(cabin, page) {
    turnaround.seen(cabin.state);
    return [
      calls(cabin, page),
      warnings(cabin.warnings ?? []),
      cabin.to_clean.length || cabin.cleaned.length ? cleaning(cabin, page) : standing(cabin),
      service(cabin, page),
    ];
  },
};

/** Someone asked for help: said, never by colour alone. */
function calls(cabin, page) {
  const stopped = cabin.may.includes(STOPPED);
  if (!cabin.nurse_called && !stopped) return el("div", { id: "calls", role: "alert" });
  const came = stopped && el("button", { class: "primary", id: "came", onclick: () => page.tell(STOPPED) }, t("staff.nurse.came"));
  const words = t(stopped ? "staff.nurse.stopped" : "staff.nurse.call");
  return el("div", { id: "calls", role: "alert", class: "note danger call" }, el("strong", {}, words), came);
}

/** What is the matter in the cabin and what to do about it; in this page's language where it knows the words. */
function warnings(told) {
  const rows = told.map(({ code, text, cure }) => {
    const todo = known(code.replace(/^reason/, "cure")) ?? cure;
    return el("li", { class: "note warn" }, el("strong", {}, sentence(known(code) ?? text)), todo && ` ${todo}`);
  });
  return rows.length > 0 && el("div", { id: "warnings", role: "alert" }, el("ul", { class: "faults" }, rows));
}

function standing(cabin) {
  const heading = el("h2", { id: "standing" }, t(`staff.state.${cabin.state}`));
  return el("section", { class: "card", "aria-labelledby": "standing" }, heading, time());
}

/** How long the cleaning takes or took, where this screen saw it. */
function time() {
  const words = turnaround.words();
  return words && el("p", { id: "turnaround" }, words);
}

/** What was touched, always in the same order so that no button moves under a finger; all ticked is ready. */
function cleaning(cabin, page) {
  const done = el("strong", { class: "cleaned" }, t("staff.nurse.cleaned"));
  const touched = cabin.instruments.filter(({ kind }) => cabin.to_clean.includes(kind) || cabin.cleaned.includes(kind));
  const rows = touched.map(({ kind }) => row(kind, cabin.cleaned.includes(kind) ? done.cloneNode(true) : tick(kind, page)));
  return el(
    "section",
    { class: "card", "aria-labelledby": "cleaning" },
    el("h2", { id: "cleaning" }, t("staff.nurse.cleaning", { left: cabin.to_clean.length })),
    el("div", { class: "row" }, el("p", {}, t("nurse.clean")), time()),
    el("ul", { class: "clean" }, rows),
  );
}

function row(kind, end) {
  const words = el("div", {}, el("strong", {}, t(`staff.instrument.${kind}`)), el("p", {}, t(`staff.clean.${kind}`)));
  return el("li", {}, words, end);
}

function tick(kind, page) {
  const name = t("staff.nurse.tick-name", { instrument: t(`staff.instrument.${kind}`) });
  const said = () => page.tell("tick", { instrument: kind });
  return el("button", { class: "primary", id: `tick-${kind}`, "aria-label": name, onclick: said }, t("staff.nurse.tick"));
}

/** Out of order and back, each only where the cabin allows it now. */
function service(cabin, page) {
  const stop = async () => {
    if (await confirmed(t("staff.nurse.out-question"), t("staff.nurse.out-yes"))) page.tell("out_of_order");
  };
  const back = () => page.tell("restored");
  const may = (word) => cabin.may.includes(word);
  const buttons = [
    may("out_of_order") && el("button", { class: "danger", id: "out", onclick: stop }, t("staff.nurse.out")),
    may("restored") && el("button", { class: "primary", id: "restored", onclick: back }, t("staff.nurse.restored")),
  ].filter(Boolean);
  return buttons.length > 0 && el("div", { class: "row" }, buttons);
}

/** The time runs on while nothing else changes. */
function tickTime() {
  const shown = document.getElementById("turnaround");
  const words = turnaround.words();
  if (shown && words) shown.textContent = words;
}

setInterval(tickTime, 1000);
new StaffPage("nurse", view, { idleMs: IDLE_MS }).start();
