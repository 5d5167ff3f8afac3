// The appointment's code, on our own pad.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { Pad } from "../pad.js";
import { notes } from "./draw.js";

const DIGITS = 6;
const WORDS = ["clear", "erase", "show", "hide", "typed"];

export function screen(view, kiosk) {
  const pad = padOf(kiosk);
  return {
    key: "code",
    title: t("title.code"),
    say: ["state.code"],
    body: [
      el(
        "div",
        { class: "two" },
        el("div", { class: "lines" }, el("p", { class: "lead" }, t("state.code")), ...notes(kiosk)),
        el("div", { "data-mount": "pad" }),
      ),
    ],
    main: { do: "enter", label: t("button.continue"), off: pad.value.length !== DIGITS },
    mounts: { pad: pad.element },
  };
}

function padOf(kiosk) {
  const { local } = kiosk;
  if (!local.pad) {
    const words = Object.fromEntries(WORDS.map((each) => [each, t(`kiosk.pad.${each}`)]));
    const on = { onChange: () => kiosk.draw(), onEnter: () => acts.enter(kiosk) };
    local.pad = new Pad({ label: t("title.code"), words, most: DIGITS, ...on });
    local.close = () => local.pad.close();
  }
  return local.pad;
}

export const acts = {
  enter: async (kiosk) => {
    const { pad } = kiosk.local;
    if (pad.value.length !== DIGITS || kiosk.telling) return;
    await kiosk.tell("code", { value: pad.value });
    pad.clear();
  },
};
