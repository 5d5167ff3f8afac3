// The technician's page: what is at fault and what to do, each instrument live, media, deliveries and versions.
import { StaffPage, confirmed } from "../staff.js";
import { t } from "../texts.js";
import { faults } from "./faults.js";
import { Preview } from "./preview.js";
import { deliveryList, faultList, instrumentTable, mediaList, versionList } from "./tables.js";

const LOOK_MS = 2000; // the age of a last sample changes without any event
const DELIVERIES = 500;
const CUFF = "tensiometer";
const BETWEEN_VISITS = new Set(["ready", "cleaning", "out_of_order"]);

const preview = new Preview("technician", () => page.draw(), (name, verb) => command(name, verb));

const view = {
  async load(api) {
    const [cabin, status, instruments, deliveries] = await Promise.all([
      api.get("/cabin"),
      api.get("/status"),
      api.get("/instruments"),
      api.get(`/deliveries?limit=${DELIVERIES}`),
    ]);
    return { cabin, status, ...instruments, ...deliveries, name: cabin.name, simulated: cabin.simulated };
  },
  left: () => preview.close(),
  show(model) {
    const visit = !BETWEEN_VISITS.has(model.cabin.state);
    preview.hide(!model.simulated && visit);
    preview.see(model.instruments, visit);
    const on = { preview: (kind) => preview.turn(kind), command };
    return [
      faultList(faults(model)),
      instrumentTable(model.instruments, preview.kind, visit, on),
      preview.node,
      mediaList(model.cabin.media),
      deliveryList(model.status, model.deliveries),
      versionList(model.status, page.build),
    ];
  },
};

/** Start or stop an instrument; a cuff inflates only where somebody says that it may. */
async function command(name, verb) {
  const cuff = page.model.instruments.some((each) => each.name === name && each.kind === CUFF);
  if (cuff && verb === "start" && !(await confirmed(t("staff.tech.cuff-question"), t("staff.tech.cuff-yes")))) return;
  await page.act((api) => api.post(`/instruments/${encodeURIComponent(name)}/${verb}`));
}

const page = new StaffPage("technician", view);
setInterval(() => page.model && !document.hidden && page.refresh(), LOOK_MS);
page.start();
