// The questions before anything is measured, one a screen. None is answered by going on: yes and no weigh the same,
// and stand where no other screen has its main button. All are asked; what was answered can still be taken back.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { button, notes } from "./draw.js";

export function screen(view, kiosk) {
  const at = kiosk.local.at ?? 0;
  const question = view.exclusions[at] ?? view.exclusions[0];
  return {
    key: `exclusions-${at}`,
    title: t("title.exclusions"),
    say: at ? [`exclusion.${question}`] : ["state.exclusions", "exclusion.intro", `exclusion.${question}`],
    body: [
      el("p", { class: "count" }, t("kiosk.question", { number: at + 1, of: view.exclusions.length })),
      el("p", { class: "lead" }, t("exclusion.intro")),
      el("h2", { class: "question" }, t(`exclusion.${question}`)),
      el("div", { class: "choices" }, answer(kiosk, question, "no"), answer(kiosk, question, "yes")),
      ...notes(kiosk),
    ],
    back: at ? { do: "previous" } : undefined,
  };
}

function answer({ local }, question, word) {
  const given = local.answers?.[question];
  const made = button({ do: "answer", value: word, label: t(`button.${word}`) }, "choice tall");
  made.setAttribute("aria-pressed", String(given === (word === "yes")));
  return made;
}

export const acts = {
  answer: async (kiosk, word) => {
    const { local, view } = kiosk;
    const at = local.at ?? 0;
    local.answers = { ...local.answers, [view.exclusions[at]]: word === "yes" };
    if (at + 1 < view.exclusions.length) local.at = at + 1;
    else await kiosk.tell("answers", { answers: local.answers });
    kiosk.draw();
  },
  previous: (kiosk) => {
    kiosk.local.at = Math.max(0, (kiosk.local.at ?? 0) - 1);
    kiosk.draw();
  },
};
