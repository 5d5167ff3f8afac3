// The hearing test that the cabin makes itself: what to do, which ear listens, how far it is, and the button.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { READABLE, notes } from "./draw.js";
import { picture } from "./picture.js";

const WORDS = {
  ready: ["kiosk.hearing.ready", "kiosk.hearing.how", "kiosk.hearing.begin"],
  "press-when-heard": ["kiosk.hearing.press-when-heard", "kiosk.hearing.go-on"],
  "only-when-heard": ["kiosk.hearing.only-when-heard", "kiosk.hearing.go-on"],
  listen: ["kiosk.hearing.listen"],
};
const BUTTON = { ready: "begin", listen: "listen" };

/** The screen of `view.hearing`; while the person listens nothing is said aloud and nothing moves. */
export function listening(view, kiosk) {
  const { stage, ear, done } = view.hearing;
  const quiet = stage === "listen";
  const [first, ...more] = WORDS[stage];
  return {
    key: `measure-hearing-${stage}`,
    say: quiet ? [] : WORDS[stage],
    body: [
      el(
        "div",
        { class: "two measure hearing" },
        quiet ? whichEar(ear, done) : picture("headphones"),
        el(
          "div",
          { class: "lines", ...READABLE },
          el("p", { class: "lead", "data-key": "first" }, t(first)),
          more.map((key) => el("p", { "data-key": key }, t(key))),
          bigButton(stage),
          el("div", { class: "notes", "data-key": "notes" }, quiet ? [] : notes(kiosk)),
        ),
      ),
    ],
    refuse: { do: "skip", value: "hearing", label: t("kiosk.refuse.measure"), off: !view.may.includes("skip") },
  };
}

/** Side, colour and words say the same; the phones have those colours. */
function whichEar(ear, done) {
  const percent = Math.round(done * 100);
  const label = t("kiosk.hearing.done", { percent });
  return el(
    "div",
    { class: "which-ear", "data-key": "ear" },
    el("div", { class: "heads", "aria-hidden": "true" }, ["left", "right"].map((side) => phone(side, side === ear))),
    el("p", { class: "ear-name" }, t(`kiosk.hearing.ear.${ear}`)),
    el("progress", { max: "100", value: String(percent), "aria-label": label }),
    el("p", {}, label),
  );
}

function phone(side, on) {
  return el("span", { class: `phone ${side}${on ? " on" : ""}`, "data-key": side }, on ? "♪" : "");
}

/** Pressed where the finger comes down, not where it leaves: an answer has a time. */
function bigButton(stage) {
  const label = t(`kiosk.hearing.button.${BUTTON[stage] ?? "go-on"}`);
  return el("button", { type: "button", class: "primary press", "data-press": stage, "data-key": "press" }, label);
}
