// The kiosk's page: lets itself in, draws where the visit stands, and keeps nothing.
import { Api } from "../api.js";
import { signOut } from "../signin.js";
import { loadTexts } from "../texts.js";
import { Kiosk } from "./kiosk.js";
import { follow } from "./link.js";
import { Settings } from "./settings.js";
import { listen } from "./touch.js";
import { vanish } from "./vanish.js";

const FIRST_LANGUAGE = "fr";
const STAFF = ["nurse", "technician"]; // they sign in on this screen too
const AGAIN_MS = 1000; // until the core is asked again for what it did not give
const REFUSED = 401;

async function begin() {
  const said = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname); // the ticket is gone before anything else happens
  const api = new Api("kiosk");
  const settings = new Settings(said);
  while (!(await known(settings.language ?? FIRST_LANGUAGE))) await new Promise((again) => setTimeout(again, AGAIN_MS));
  const kiosk = new Kiosk(api, settings, { reloadedFor: said.get("updated") });
  kiosk.alone = Promise.all(STAFF.map((role) => signOut(new Api(role))));
  listen(document, kiosk);
  if (said.has("ticket")) await letIn(kiosk, said.get("ticket"));
  await kiosk.look();
  follow(kiosk);
}

/** Whether the words of this language could be had: without them not even a missing core can be told. */
function known(language) {
  return loadTexts(language).then(() => true, () => false);
}

/** Show the launch ticket; a core that is away or has no time does not use it up, and is asked again. */
async function letIn(kiosk, ticket) {
  const problem = await kiosk.api.post("/session", { ticket }).catch((each) => each);
  if (!problem || problem.status === REFUSED) return;
  setTimeout(() => letIn(kiosk, ticket).then(() => kiosk.look()), AGAIN_MS);
}

window.addEventListener("pagehide", () => document.body.replaceChildren());
window.addEventListener("pageshow", (event) => event.persisted && vanish());
await begin();
