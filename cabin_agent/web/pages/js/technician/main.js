// The technician's page: what is at fault and what to do, each instrument live, media, deliveries and versions.
import { StaffPage } from "../staff.js";
import { faults } from "./faults.js";
import { Preview } from "./preview.js";
import { deliveryList, faultList, instrumentTable, mediaList, versionList } from "./tables.js";

const LOOK_MS = 2000; // the age of a last sample changes without any event
const DELIVERIES = 500;
const BETWEEN_VISITS = new Set(["ready", "cleaning", "out_of_order"]);

const preview = new Preview("technician", () => page.draw());

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
    preview.hide(!model.simulated && !BETWEEN_VISITS.has(model.cabin.state));
    const on = {
      preview: (kind) => preview.turn(kind),
      command: (name, verb) => page.act((api) => api.post(`/instruments/${encodeURIComponent(name)}/${verb}`)),
    };
    return [
      faultList(faults(model)),
      instrumentTable(model.instruments, preview.kind, on),
      preview.node,
      mediaList(model.cabin.media),
      deliveryList(model.status, model.deliveries),
      versionList(model.status, page.build),
    ];
  },
};

const page = new StaffPage("technician", view);
setInterval(() => page.model && !document.hidden && page.refresh(), LOOK_MS);
page.start();
