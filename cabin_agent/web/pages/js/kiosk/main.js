// The kiosk's page: lets itself in, draws where the visit stands, and keeps nothing.
import { Api } from "../api.js";
import { loadTexts } from "../texts.js";
import { Kiosk } from "./kiosk.js";
import { follow } from "./link.js";
import { Settings } from "./settings.js";
import { listen } from "./touch.js";
import { vanish } from "./vanish.js";

const FIRST_LANGUAGE = "fr";

async function begin() {
  const said = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname); // the ticket is gone before anything else happens
  const api = new Api("kiosk");
  const settings = new Settings(said);
  await loadTexts(settings.language ?? FIRST_LANGUAGE);
  const kiosk = new Kiosk(api, settings, { reloaded: said.has("updated") });
  listen(document, kiosk);
  if (said.has("ticket")) await api.post("/session", { ticket: said.get("ticket") }).catch(() => {}); // `look` tells
  await kiosk.look();
  follow(kiosk);
}

window.addEventListener("pagehide", () => document.body.replaceChildren());
window.addEventListener("pageshow", (event) => event.persisted && vanish());
await begin();
