// This browser is not the cabin's kiosk (yet): how it becomes that.
import { el } from "../dom.js";
import { t } from "../texts.js";

export function screen() {
  return {
    key: "unpaired",
    title: t("kiosk.unpaired.title"),
    body: [el("p", {}, t("kiosk.unpaired.text")), el("p", {}, el("code", {}, "cabin access kiosk"))],
    plain: true,
  };
}
