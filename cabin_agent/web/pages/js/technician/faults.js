// What is not as it should be, each with what to do about it: plain sentences from what the core says.
import { known, t } from "../texts.js";

const BLIND = new Set(["frozen", "missing", "failed"]);
const WELL = new Set(["ready", "measuring"]);

/** [{what, cure}], the worst first; nothing where all is well. */
export function faults({ cabin, status, instruments }) {
  return [
    ...(cabin.state === "out_of_order" ? [fault("out-of-order")] : []),
    ...instruments.filter((each) => !WELL.has(each.state)).map(ofInstrument),
    ...instruments.filter(calibrationUnknown).map((each) => fault("uncalibrated", { name: called(each.kind) })),
    ...ofMedia(cabin.media),
    ...ofDelivery(status.delivery),
  ];
}

/** The name of a kind of instrument. */
export function called(kind) {
  return known(`staff.instrument.${kind}`) ?? kind;
}

function fault(code, places = {}) {
  return { what: t(`staff.fault.${code}`, places), cure: t(`staff.cure.${code}`, places) };
}

function ofInstrument({ kind, state, reason }) {
  const detail = reason ? ` (${reason.replace(/\.$/, "")})` : "";
  return fault(`instrument-${state}`, { name: called(kind), detail });
}

/** A real instrument whose settings name no day of calibration. */
function calibrationUnknown({ calibrated, simulated }) {
  return !calibrated && simulated === false;
}

function ofMedia(media) {
  if (!media?.up) return [fault("media-down")];
  const cameras = (media.cameras ?? []).filter((each) => BLIND.has(each.state));
  const silent = ["microphone", "speaker"].filter((part) => !media.sound?.[part]);
  return [
    ...cameras.map(({ label, reason }) => fault("camera", { name: label, detail: reason ? ` (${reason})` : "" })),
    ...(silent.length ? [fault("no-sound", { parts: silent.map((part) => t(`staff.sound.${part}`)).join(", ") })] : []),
  ];
}

function ofDelivery({ connected, quarantined, pending }) {
  return [
    ...(quarantined ? [fault("quarantined", { count: quarantined })] : []),
    ...(connected ? [] : [fault("offline", { count: pending })]),
  ];
}
