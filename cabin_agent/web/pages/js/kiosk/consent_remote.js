// Whether the person agrees to see a doctor remotely.
import { reading } from "./reading.js";

export function screen(_, kiosk) {
  const about = { key: "consent_remote", subject: "remote-act", drawing: "consultation" };
  return reading(kiosk, { ...about, yes: "agree", no: "decline" });
}
