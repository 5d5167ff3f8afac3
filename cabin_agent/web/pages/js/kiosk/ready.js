// Nobody is here: how to begin, in both languages, because nobody has chosen one.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { notes } from "./draw.js";
import { picture } from "./picture.js";

export function screen(view, kiosk) {
  return {
    key: "ready",
    title: t("title.ready"),
    body: [
      el("div", { class: "two" }, picture("welcome"), el("div", { class: "lines" }, greeting("fr"), greeting("en"))),
      ...notes(kiosk),
    ],
    main: { do: "begin", label: t("kiosk.begin"), off: !view.may.includes("begin") },
    plain: true,
  };
}

function greeting(language) {
  return el("p", { class: "lead", lang: language }, t(`kiosk.ready.${language}`));
}
