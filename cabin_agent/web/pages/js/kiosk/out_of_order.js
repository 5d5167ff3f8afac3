// The cabin receives nobody.
import { outside } from "./outside.js";

export function screen(_, kiosk) {
  return outside(kiosk, "out_of_order");
}
