// The nurse cleans; the cabin is nobody's.
import { outside } from "./outside.js";

export function screen(_, kiosk) {
  return outside(kiosk, "cleaning");
}
