// Language, and how this person sees and hears best. All of it ends with the visit.
import { el } from "../dom.js";
import { currentLanguage, t } from "../texts.js";
import { button, notes } from "./draw.js";

const LANGUAGES = ["fr", "en"];

export function screen(view, kiosk) {
  return {
    key: "welcome",
    title: t("title.welcome"),
    say: ["state.welcome"],
    body: [
      el("p", { class: "lead" }, t("state.welcome")),
      el("div", { class: "choices", role: "radiogroup", "aria-label": t("state.welcome") }, LANGUAGES.map(language)),
      el("h2", { class: "ask" }, t("kiosk.welcome.comfort")),
      el("div", { class: "choices three" }, comfort(kiosk, "text"), comfort(kiosk, "contrast"), voice(view, kiosk)),
      ...notes(kiosk),
    ],
    main: { do: "chosen", label: t("button.continue") },
  };
}

function language(code) {
  const checked = String(code === currentLanguage());
  const spec = { do: "speak", value: code, label: t(`language.${code}`) };
  const made = button({ ...spec, role: "radio", checked }, "choice");
  made.lang = code;
  return made;
}

function comfort({ settings }, name) {
  const spec = { do: "comfort", value: name, label: t(`kiosk.comfort.${name}`) };
  return pressed(button(spec, "choice"), settings.has(name));
}

function voice(view, kiosk) {
  const label = t(view.voice === false ? "kiosk.comfort.no-voice" : "kiosk.comfort.voice");
  return pressed(button({ do: "voice", label, off: view.voice === false }, "choice"), kiosk.voice.on);
}

function pressed(made, on) {
  made.setAttribute("aria-pressed", String(on));
  return made;
}

export const acts = {
  speak: (kiosk, code) => kiosk.speakIn(code),
  chosen: (kiosk) => kiosk.tell("language", { value: currentLanguage() }),
  comfort: (kiosk, name) => {
    kiosk.settings.toggle(name);
    kiosk.draw();
  },
  voice: (kiosk) => {
    kiosk.voice.on = !kiosk.voice.on;
    if (!kiosk.voice.on) kiosk.voice.stop();
    kiosk.again();
  },
};
