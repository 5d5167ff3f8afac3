// The measurements, hidden until asked for: facts as the core words them, and no diagnosis.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { button, notes } from "./draw.js";
import { picture } from "./picture.js";

export function screen(_, kiosk) {
  const { outcomes } = kiosk.local;
  return {
    key: outcomes ? "results-shown" : "results",
    title: t("title.results"),
    say: outcomes ? ["state.results", "result.disclaimer"] : ["kiosk.results.ready", "kiosk.results.hidden"],
    body: outcomes ? shown(kiosk, outcomes) : hidden(kiosk),
    main: { do: "results_read", label: t("button.continue") },
    second: outcomes ? { do: "hide", label: t("kiosk.results.hide") } : undefined,
  };
}

function hidden(kiosk) {
  const lines = [
    el("p", { class: "lead" }, t("kiosk.results.ready")),
    el("p", {}, t("kiosk.results.hidden")),
    el("div", { class: "choices one" }, button({ do: "show", label: t("button.show-results") }, "choice")),
    ...notes(kiosk),
  ];
  return [el("div", { class: "two" }, picture("results"), el("div", { class: "lines" }, lines))];
}

function shown(kiosk, outcomes) {
  if (!outcomes.length) return [el("p", { class: "lead" }, t("kiosk.results.none")), ...notes(kiosk)];
  const facts = el("strong", {}, t("result.disclaimer"));
  return [
    el("p", { class: "note", "data-key": "disclaimer" }, facts, ` ${t("kiosk.results.doctor")}`),
    el(
      "ul",
      { class: "results scroll", tabindex: "0", "aria-label": t("title.results"), "data-key": "results" },
      outcomes.map((each) => el("li", { class: each.status }, ...told(each))),
    ),
    ...notes(kiosk),
  ];
}

/** The fact; then what was wrong with it and what helps, if anything was; then the doctor's word. */
function told({ text, verdict, review: given }) {
  const why = verdict?.text ? el("span", { class: "check" }, verdict.text) : null;
  return [el("div", { class: "told" }, el("span", {}, text), why), review(given)];
}

/** What the doctor decided about a value during the consultation. */
function review(given) {
  return given?.verdict ? el("span", { class: `review ${given.verdict}` }, t(`kiosk.review.${given.verdict}`)) : null;
}

export const acts = {
  show: async (kiosk) => {
    await kiosk.tell("show_results");
    await kiosk.fetchResults();
  },
  hide: (kiosk) => {
    kiosk.local.outcomes = null;
    kiosk.draw();
  },
};
