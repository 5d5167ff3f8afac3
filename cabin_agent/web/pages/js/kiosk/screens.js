// Which module draws which state of the visit, and what the words on the buttons do.
import * as cleaning from "./cleaning.js";
import * as code from "./code.js";
import * as consent_measures from "./consent_measures.js";
import * as consent_remote from "./consent_remote.js";
import * as consultation from "./consultation.js";
import * as exclusions from "./exclusions.js";
import * as goodbye from "./goodbye.js";
import * as information from "./information.js";
import * as measures from "./measures.js";
import * as out_of_order from "./out_of_order.js";
import * as ready from "./ready.js";
import * as results from "./results.js";
import * as satisfaction from "./satisfaction.js";
import * as stopped from "./stopped.js";
import * as ticket from "./ticket.js";
import * as UNPAIRED from "./unpaired.js";
import { leaveFor } from "./vanish.js";
import * as welcome from "./welcome.js";

export { UNPAIRED };

/** Each module: `screen(view, kiosk)` gives what `draw.js` draws; `acts`, what its own buttons do. */
export const SCREENS = {
  ready, welcome, code, information, consent_measures, consent_remote, exclusions, measures, consultation, results,
  ticket, satisfaction, goodbye, stopped, cleaning, out_of_order,
};

const COMMON = {
  ask: (kiosk, what) => redraw(kiosk, { asking: what }),
  unask: (kiosk) => redraw(kiosk, { asking: null }),
  here: (kiosk) => kiosk.here(),
  again: (kiosk) => kiosk.again(),
  louder: (kiosk) => {
    kiosk.voice.louder();
    kiosk.again();
  },
  staff: toStaff,
  skip: (kiosk, task) => kiosk.tell("skip", { task }),
};

/** What a button called `name` does in this state: something here, or else a word to the core. */
export function actionOf(state, name) {
  return SCREENS[state]?.acts?.[name] ?? COMMON[name] ?? ((kiosk) => kiosk.tell(name));
}

/** To the page where the staff signs in, once nobody of them is signed in here and if that is still what is shown. */
async function toStaff(kiosk) {
  const { key } = kiosk;
  await kiosk.alone;
  if (kiosk.key !== key) return;
  kiosk.leaving = true;
  leaveFor("/nurse/");
}

function redraw(kiosk, change) {
  Object.assign(kiosk.local, change);
  kiosk.draw();
}
