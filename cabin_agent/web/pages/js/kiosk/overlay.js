// What may lie over any screen: no connection, a newer software, silence, and the question before something ends.
import { el } from "../dom.js";
import { t } from "../texts.js";
import { button } from "./draw.js";

const GRACE_S = 30; // if the core does not say how long the question stands

/**
 * What lies over the screen now: {key, say, body}, or null. `veils`: nobody may be there to see to what lies under it,
 * so nothing of that shows through.
 */
export function overlayOf(kiosk) {
  const { view, local, down, updating } = kiosk;
  if (updating) return told("updated", `kiosk.updated.${updating}`);
  const unheard = down && (view || down !== "forbidden");
  if (unheard) return told(`link-${down}`, `kiosk.link.${down}`, view && "kiosk.link.kept");
  if (view?.idle.warning) return silent(kiosk);
  local.silentSince = null;
  return local.asking ? QUESTIONS[local.asking] && question(local.asking) : null;
}

function told(key, ...texts) {
  const keys = [`kiosk.${key.startsWith("link") ? "link" : "updated"}.title`, ...texts.filter(Boolean)];
  const [title, ...rest] = keys;
  const lines = rest.map((each) => el("p", {}, t(each)));
  return { key, say: keys, body: [heading(title), ...lines], veils: true };
}

function silent({ view, local }) {
  local.silentSince ??= performance.now();
  const gone = (performance.now() - local.silentSince) / 1000;
  const seconds = Math.max(0, Math.ceil((view.idle.grace_s ?? GRACE_S) - gone));
  return {
    key: "idle",
    say: ["kiosk.idle.title", "kiosk.idle.text"],
    veils: true,
    body: [
      heading("kiosk.idle.title"),
      el("p", {}, t("kiosk.idle.text")),
      el("p", { class: "count", "aria-hidden": "true" }, t("kiosk.idle.left", { seconds })),
      el("div", { class: "answers" }, button({ do: "here", label: t("kiosk.idle.here") }, "primary")),
    ],
  };
}

const QUESTIONS = {
  leave: { does: "leave", yes: "kiosk.leave.yes", no: "kiosk.leave.no" },
  hang_up: { does: "hang_up", yes: "kiosk.hang_up.yes", no: "kiosk.hang_up.no" },
};

function question(what) {
  const { does, yes, no } = QUESTIONS[what];
  const keys = [`kiosk.${what}.title`, `kiosk.${what}.text`];
  return {
    key: `ask-${what}`,
    say: keys,
    body: [
      heading(keys[0]),
      el("p", {}, t(keys[1])),
      el(
        "div",
        { class: "answers" },
        button({ do: does, label: t(yes) }, "danger"),
        button({ do: "unask", label: t(no) }, "primary"),
      ),
    ],
  };
}

function heading(key) {
  return el("h2", { id: "over-title", tabindex: "-1" }, t(key));
}
