// What happens to the data of this visit.
import { reading } from "./reading.js";

export function screen(_, kiosk) {
  return reading(kiosk, { key: "information", subject: "information", drawing: "data", yes: "informed" });
}
