// The frame that is the same on every screen: header, the one thing to do, the bar of buttons, and what lies over.
import { el } from "../dom.js";
import { sentence } from "../sentence.js";
import { known, t } from "../texts.js";
import { patch } from "./patch.js";

const STEPS = [
  ["welcome"],
  ["code"],
  ["information", "consent_measures", "consent_remote"],
  ["exclusions"],
  ["measures", "consultation"],
  ["results", "ticket"],
  ["satisfaction", "goodbye"],
];

/**
 * Draw `spec`: {key, title, say: keys of texts, body: nodes, main, second, back, refuse (buttons: {do, value, label,
 * off}), mounts: {name: element}, plain: without the person's buttons}. `over` is what lies over it, or null.
 */
export function draw(kiosk, spec, over, changed) {
  const [top, screen, bar, dialog] = ["top", "screen", "bar", "over"].map((id) => document.getElementById(id));
  document.title = spec.title;
  patch(top, header(kiosk, spec));
  patch(screen, [el("div", { class: "body", "data-key": spec.key }, spec.body), aside(kiosk)].filter(Boolean));
  patch(bar, footer(kiosk, spec));
  screen.setAttribute("aria-busy", String(!kiosk.settled));
  cover(dialog, over);
  mount(screen, spec.mounts ?? {});
  patch(document.getElementById("said"), [document.createTextNode(heard(kiosk))]);
  if (changed) focusOn(over ? dialog : top);
}

/** A button of the page: what it does stands in its attributes, one listener reads them. */
export function button(spec, classes = "", ...inside) {
  const off = spec.off ? "true" : null;
  const does = { type: "button", class: classes, "data-do": spec.do, "data-value": spec.value };
  const is = { "aria-disabled": off, "aria-checked": spec.checked, role: spec.role };
  return el("button", { ...does, ...is }, ...inside, spec.label);
}

function header(kiosk, { title, key }) {
  const view = kiosk.view;
  const step = STEPS.findIndex((states) => states.includes(view?.state)) + 1;
  const minutes = Math.max(1, Math.ceil((view?.left_s ?? 0) / 60));
  return [
    el("div", { class: "simulated-banner", "data-key": "banner", hidden: !view?.simulated }, t("simulated.banner")),
    el(
      "div",
      { class: "where", "data-key": "where" },
      el("h1", { tabindex: "-1", "data-key": `title-${key}` }, title),
      el("p", { class: "step", hidden: !step }, t("kiosk.step", { number: step, of: STEPS.length })),
      el("p", { class: "left", hidden: !view?.left_s }, t("rest.time-left", { minutes })),
    ),
  ];
}

/** Sound, beside the screen while the voice is on. */
function aside({ voice }) {
  if (!voice.on) return null;
  const level = t(`kiosk.volume.${voice.level}`);
  return el(
    "aside",
    { class: "sound", "data-key": "sound", "aria-label": t("kiosk.voice") },
    button({ do: "again", label: t("button.read-aloud") }, "tool"),
    button({ do: "louder", label: t("kiosk.volume", { level }) }, "tool"),
  );
}

function footer(kiosk, spec) {
  const main = spec.main ? button(spec.main, `main ${spec.main.kind ?? "primary"}`) : el("span", { class: "main" });
  const second = spec.second ? button(spec.second, "second") : el("span", { class: "second" });
  for (const [key, node] of Object.entries({ main, second })) node.dataset.key = key;
  return [...(spec.plain ? staff(spec) : tools(kiosk, spec)), second, main];
}

function tools({ view }, spec) {
  const may = (word) => view.may.includes(word);
  const back = spec.back ?? { do: "back", off: !may("back") };
  const refuse = spec.refuse ?? { do: "decline", off: true };
  const nurse = view.nurse_called ? "kiosk.nurse-coming" : "button.call-nurse";
  return [
    button({ label: t("button.back"), ...back }, "tool"),
    button({ label: t("kiosk.refuse"), ...refuse }, "tool"),
    button({ do: "call_nurse", label: t(nurse), off: view.nurse_called || !may("call_nurse") }, "tool nurse"),
    button({ do: "ask", value: "leave", label: t("button.leave"), off: !may("leave") }, "tool"),
  ];
}

function staff({ staff: shown }) {
  return shown ? [button({ do: "staff", label: t("kiosk.staff") }, "tool quiet")] : [];
}

function cover(dialog, over) {
  if (over) patch(dialog, [el("div", { class: `over ${over.kind ?? ""}`, "data-key": over.key }, over.body)]);
  dialog.classList.toggle("veils", Boolean(over?.veils));
  if (over && !dialog.open) dialog.showModal();
  if (!over && dialog.open) dialog.close();
}

function mount(screen, mounts) {
  for (const host of screen.querySelectorAll("[data-mount]")) {
    const wanted = mounts[host.dataset.mount];
    if (wanted && host.firstChild !== wanted) host.replaceChildren(wanted);
  }
}

/** What is said to those who do not see: the newest of what happened. */
function heard({ view, refusal }) {
  const messages = (view?.messages ?? []).flatMap(({ text, cure }) => [text, cure]);
  return [refused(refusal), ...messages].filter(Boolean).join(". ");
}

/** The sentence for a no of the core. */
export function refused(code) {
  return code ? (known(`kiosk.problem.${code}`) ?? t("kiosk.problem")) : null;
}

/** Words that may be more than the screen holds: they can be scrolled to by keyboard too. */
export const READABLE = { tabindex: "0", role: "group" };

/** What is the matter and what to do about it, as the core says it in any state. */
export function warnings({ messages }) {
  return messages.map(({ code, text, cure }) =>
    el("p", { class: "note warn", "data-key": code }, el("strong", {}, sentence(text)), cure ? ` ${cure}` : null),
  );
}

/** What happened, beside the thing to do: messages of the core, and its no. */
export function notes({ view, refusal }) {
  const nurse = view.nurse_called ? [el("p", { class: "note ok", "data-key": "nurse" }, t("nurse.called"))] : [];
  const no = refused(refusal);
  return [...warnings(view), ...(no ? [el("p", { class: "note danger", "data-key": "no" }, no)] : []), ...nurse];
}

function focusOn(part) {
  part.querySelector("h1, h2")?.focus({ preventScroll: true });
}
