// One measure being made: what it looks like, what to do, the live trace, and what is wrong with it if anything is.
// The check-up and the consultation show it the same way.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { READABLE, notes } from "./draw.js";
import { listening } from "./hearing.js";
import { Live } from "./live.js";
import { picture } from "./picture.js";

export const DRAWING = {
  size: "scale",
  oximetry: "oximeter",
  temperature: "thermometer",
  ecg: "electrodes",
  hearing: "headphones",
  pressure: "cuff",
};

/** Every instrument by its number, and how far it is. */
export function steps(view) {
  return el("ol", { class: "steps", "aria-label": t("kiosk.steps"), "data-key": "steps" }, view.plan.map(step));
}

const MARKS = { waiting: "", running: "●", done: "✓", skipped: "–", failed: "!" };

function step({ number, name, state }) {
  return el(
    "li",
    { class: `step-${state}`, "aria-current": state === "running" ? "step" : null },
    el("span", { class: "number" }, String(number)),
    el("span", { class: "name" }, name),
    el("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]),
    el("span", { class: "spoken" }, t(`kiosk.state.${state}`)),
  );
}

/** Drawing and words of a running `task`; its live trace is `spec.mounts.live`. */
export function making(view, kiosk, task) {
  if (view.hearing) {
    stopLive(kiosk);
    return listening(view, kiosk);
  }
  const live = liveOf(kiosk, task);
  live?.tell(view);
  return {
    key: `measure-${task}`,
    say: [view.prompt.key],
    body: [
      el(
        "div",
        { class: "two measure" },
        picture(DRAWING[task]),
        el(
          "div",
          { class: "lines", ...READABLE },
          attempts(view.attempts),
          el("p", { class: "lead", "data-key": "prompt" }, view.prompt.text),
          view.doing ? el("p", { class: "doing", "data-key": "doing" }, view.doing) : null,
          el("div", { class: "notes", "data-key": "notes" }, quality(view, live), ...notes(kiosk)),
          live ? el("div", { class: "live", "data-mount": "live", "data-key": `live-${task}` }) : null,
        ),
      ),
    ],
    mounts: live ? { live: live.element } : {},
    refuse: { do: "skip", value: task, label: t("kiosk.refuse.measure"), off: !view.may.includes("skip") },
  };
}

/** Said only from the second try on: the first needs no number. */
function attempts(tried) {
  if (!tried || tried.attempt < 2) return null;
  const words = t("kiosk.attempt", { number: tried.attempt, of: tried.of });
  return el("p", { class: "attempts", "data-key": "attempts" }, words);
}

function quality(view, live) {
  if (!live || view.messages.length || !live.flowing) return null;
  return el("p", { class: "note ok", "data-key": "good" }, t("kiosk.signal.good"));
}

/** The live trace of this task; a new one for each task, none where there is nothing to see. */
function liveOf(kiosk, task) {
  const { local } = kiosk;
  if (local.task !== task) {
    local.live?.close();
    local.task = task;
    local.live = Live.of(task, kiosk);
    local.close = () => local.live?.close();
  }
  return local.live;
}

/** Sit down, cuff on: the rest begins when the person says so. */
export function sitting(view, kiosk) {
  stopLive(kiosk);
  return {
    key: "sit",
    say: [view.prompt.key],
    body: two("posture", kiosk, el("p", { class: "lead" }, view.prompt.text), el("p", {}, t("kiosk.sit.how"))),
    main: { do: "seated", label: t("kiosk.seated") },
    refuse: { do: "skip", value: "pressure", label: t("kiosk.refuse.measure"), off: !view.may.includes("skip") },
  };
}

/** Nothing to do but rest: how long still, and how. */
export function resting(view, kiosk) {
  stopLive(kiosk);
  return {
    key: "rest",
    say: ["kiosk.rest.title", "kiosk.rest.how"],
    title: t("kiosk.rest.title"),
    body: two(
      "posture",
      kiosk,
      el("p", { class: "lead", "data-key": "left" }, restLeft(view, kiosk)),
      el("p", {}, t("kiosk.rest.how")),
      el("p", {}, t("kiosk.rest.why")),
    ),
    refuse: { do: "skip", value: "pressure", label: t("kiosk.refuse.measure"), off: !view.may.includes("skip") },
  };
}

function restLeft(view, kiosk) {
  const passed = ((performance.now() - kiosk.seenAt) / 1000) * kiosk.speed;
  const left = Math.max(0, Math.ceil(view.rest.needed - view.rest.seconds - passed));
  if (left) return t("rest.waiting", { minutes: Math.floor(left / 60), seconds: left % 60 });
  const next = view.rest.next_s ?? null;
  return next === null ? t("kiosk.rest.next") : t("rest.next", { seconds: Math.max(0, Math.ceil(next - passed)) });
}

function two(drawing, kiosk, ...lines) {
  return [el("div", { class: "two measure" }, picture(drawing), el("div", { class: "lines" }, lines, notes(kiosk)))];
}

export function stopLive({ local }) {
  local.live?.close();
  Object.assign(local, { live: null, task: null });
}
