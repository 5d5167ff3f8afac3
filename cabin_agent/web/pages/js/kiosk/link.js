// The line to the core: what it tells makes the page look again; when it is silent, the page says why.
import { Stream } from "../stream.js";

const AGAIN_MS = 5000; // the time left is recomputed by the core; a page that looks sees it
const TICK_MS = 1000;
const MOVING = new Set(["measures", "consultation"]);
const LOOK = new Set(["changed", "dropped", "nurse"]);

/** Keep `kiosk` informed for as long as the page lives. */
export function follow(kiosk) {
  const lines = new Stream("kiosk", {
    event: (message) => {
      if (LOOK.has(message.type)) kiosk.look();
      else kiosk.local.live?.event(message);
    },
    up: (hello) => up(kiosk, hello),
    down: (cause) => down(kiosk, cause),
  });
  window.addEventListener("pagehide", () => lines.close());
  setInterval(() => MOVING.has(kiosk.view?.state) && !kiosk.down && kiosk.look(), AGAIN_MS);
  setInterval(() => kiosk.view && kiosk.draw(), TICK_MS);
}

async function up(kiosk) {
  kiosk.line = kiosk.deaf = null;
  await kiosk.look();
  const status = await kiosk.api.get("/status").catch(() => null);
  if (status) kiosk.speed = status.speed;
}

function down(kiosk, cause) {
  kiosk.line = cause;
  kiosk.draw();
}
