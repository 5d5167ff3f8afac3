// What is not as it should be, each with what to do about it: plain sentences from what the core says.
import { known, t } from "../texts.js";

const SEEING = new Set(["live", "opening", "closed"]); // a camera that nobody looks through is closed, and well
const WELL = new Set(["ready", "measuring"]);

/** [{what, cure}], the worst first; nothing where all is well. */
export function faults({ cabin, status, instruments }) {
  return [
    ...(cabin.state === "out_of_order" ? [fault("out-of-order")] : []),
    ...instruments.filter((each) => !WELL.has(each.state)).map(ofInstrument),
    ...instruments.filter(calibrationUnknown).map((each) => fault("uncalibrated", { name: called(each.kind) })),
    ...instruments.filter((each) => each.past_due).map(pastDue),
    ...instruments.filter((each) => each.self_test === "failed").map((each) => fault("self-test", { name: called(each.kind) })),
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
  return fault(`instrument-${state}`, { name: called(kind), detail: bracketed(reason) });
}

function pastDue({ kind, calibration_due: date }) {
  return fault("past-due", { name: called(kind), date });
}

/** A real instrument whose settings name no day of calibration. */
function calibrationUnknown({ calibrated, simulated }) {
  return !calibrated && simulated === false;
}

function ofMedia(media) {
  if (!media?.up) return [fault("media-down")];
  const cameras = (media.cameras ?? []).filter((each) => !SEEING.has(each.state));
  return [
    ...cameras.map(({ label, reason }) => fault("camera", { name: label, detail: bracketed(reason) })),
    ...ofSound(media),
  ];
}

/** The cards that a consultation needs and that are not there: each with its reason, or together where none is told. */
function ofSound(media) {
  const silent = ["microphone", "speaker"].filter((part) => !media.sound?.[part]);
  const name = (part) => t(`staff.sound.${part}`);
  const [told, untold] = [true, false].map((has) => silent.filter((part) => Boolean(whySilent(media, part)) === has));
  return [
    ...told.map((part) => ({ what: t("staff.fault.card", { name: name(part) }), cure: whySilent(media, part) })),
    ...(untold.length ? [fault("no-sound", { parts: untold.map(name).join(", ") })] : []),
  ];
}

/** Why the media process has no card for this part: a sentence that says what to do, null where it says nothing. */
export function whySilent(media, part) {
  return media.sound?.why?.[part] || null;
}

/** A reason as it stands within a sentence. */
function bracketed(reason) {
  return reason ? ` (${reason.replace(/\.$/, "")})` : "";
}

function ofDelivery({ connected, quarantined, pending, damaged }) {
  return [
    ...(damaged ? [fault("damaged", { count: damaged })] : []),
    ...(quarantined ? [fault("quarantined", { count: quarantined })] : []),
    ...(connected ? [] : [fault("offline", { count: pending })]),
  ];
}
