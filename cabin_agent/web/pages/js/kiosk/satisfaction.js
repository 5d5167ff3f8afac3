// Three questions about the cabin, one a screen, each of which may be left out.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { button, notes } from "./draw.js";

const MARKS = [1, 2, 3, 4, 5];

export function screen(view, kiosk) {
  const { local } = kiosk;
  const at = local.at ?? 0;
  const question = view.satisfaction[at] ?? view.satisfaction[0];
  const given = local.answers?.[question];
  const marks = MARKS.map((mark) => {
    const spec = { do: "mark", value: mark, label: t(`satisfaction.scale.${mark}`) };
    const stars = el("span", { class: "dots", "aria-hidden": "true" }, "★".repeat(mark));
    return button({ ...spec, role: "radio", checked: String(mark === given) }, "choice mark", stars);
  });
  return {
    key: `satisfaction-${at}`,
    title: t("title.satisfaction"),
    say: at ? [`satisfaction.${question}`] : ["state.satisfaction", `satisfaction.${question}`],
    body: [
      el("p", { class: "count" }, t("kiosk.question", { number: at + 1, of: view.satisfaction.length })),
      el("h2", { class: "question", id: "asked" }, t(`satisfaction.${question}`)),
      el("div", { class: "choices five", role: "radiogroup", "aria-labelledby": "asked" }, marks),
      ...notes(kiosk),
    ],
    main: { do: "next", label: t("button.continue"), off: given === undefined },
    refuse: { do: "omit", label: t("kiosk.question.skip") },
    back: at ? { do: "previous" } : undefined,
  };
}

async function next(kiosk) {
  const { local, view } = kiosk;
  local.at = (local.at ?? 0) + 1;
  if (local.at >= view.satisfaction.length) {
    local.at = view.satisfaction.length - 1;
    await kiosk.tell("satisfaction", { answers: local.answers ?? {} });
  }
  kiosk.draw();
}

export const acts = {
  mark: (kiosk, value) => {
    const { local, view } = kiosk;
    local.answers = { ...local.answers, [view.satisfaction[local.at ?? 0]]: Number(value) };
    kiosk.draw();
  },
  next,
  omit: (kiosk) => {
    const { local, view } = kiosk;
    const { [view.satisfaction[local.at ?? 0]]: _, ...others } = local.answers ?? {};
    local.answers = others;
    return next(kiosk);
  },
  previous: (kiosk) => {
    kiosk.local.at = Math.max(0, (kiosk.local.at ?? 0) - 1);
    kiosk.draw();
  },
};
