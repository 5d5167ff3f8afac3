// Whether the person agrees to be measured.
import { reading } from "./reading.js";

export function screen(_, kiosk) {
  const about = { key: "consent_measures", subject: "measures", drawing: "instruments" };
  return reading(kiosk, { ...about, yes: "agree", no: "decline" });
}
