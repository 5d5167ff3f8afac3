// Every outcome with its evidence; the doctor accepts, rejects or annotates each before it goes to the record.
import { el, fill } from "../dom.js";
import { t } from "../texts.js";
import { StripDialog } from "./strip.js";
import { amount, clock, phrase, place, reason, sentence, valueWords } from "./words.js";

class Card {
  #drawn = "";
  #said; // the verdict that was sent last and is not in the core's view yet

  /** `act(outcome, verdict, note)` sends the doctor's word; what refused it, or null. `look(outcome)` shows its strip. */
  constructor(act, look) {
    this.text = el("p", { class: "outcome-text" });
    this.grade = el("span", { class: "grade" });
    this.check = el("p", { class: "outcome-check" });
    this.act = act;
    this.verdict = { accepted: this.#verdict("accepted"), rejected: this.#verdict("rejected") };
    this.note = el("input", { class: "outcome-note", maxlength: 500, autocomplete: "off" });
    this.note.addEventListener("change", () => this.#send(this.#given));
    this.failed = el("p", { class: "note danger", role: "alert", hidden: true });
    this.strip = el("button", { class: "strip-open", onclick: () => look(this.outcome) });
    this.rows = el("dl");
    this.more = el("summary");
    this.evidence = el("details", {}, this.more, this.rows);
    this.row = el("div", { class: "row" }, this.verdict.accepted, this.verdict.rejected, this.note);
    const said = [this.text, this.grade, this.check, this.strip];
    this.node = el("li", { class: "outcome" }, ...said, this.row, this.failed, this.evidence);
  }

  update(outcome) {
    const drawn = JSON.stringify(outcome) + document.documentElement.lang;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.outcome = outcome;
    this.#said = undefined;
    const measured = outcome.status === "measured";
    this.node.id = `outcome-${outcome.index}`;
    this.node.dataset.verdict = outcome.review?.verdict ?? "none";
    this.node.dataset.measure = outcome.measure;
    this.text.textContent = outcome.text;
    const why = outcome.verdict ? [] : (outcome.reasons ?? []).map(reason);
    const grade = () => [t(`grade.${outcome.quality}`), ...why].join(" · ");
    this.grade.textContent = measured ? grade() : "";
    this.grade.dataset.grade = outcome.quality ?? "none";
    this.check.textContent = outcome.verdict?.text ?? "";
    this.check.hidden = !outcome.verdict;
    this.check.dataset.verdict = outcome.verdict?.verdict ?? "none";
    this.strip.textContent = t("doctor.strip.open");
    this.strip.hidden = !outcome.strip;
    this.row.hidden = this.evidence.hidden = !measured;
    this.#review(outcome);
    if (measured) this.#evidence(outcome);
  }

  /** The verdict as the doctor gave it last, whether the core has answered yet or not. */
  get #given() {
    return this.#said === undefined ? (this.outcome.review?.verdict ?? null) : this.#said;
  }

  #verdict(which) {
    return el("button", { class: `verdict ${which}`, onclick: () => this.#send(this.#given === which ? null : which) });
  }

  /** What could not be sent stays in its field until it is. */
  async #send(verdict) {
    this.#said = verdict;
    this.unsent = true;
    const problem = await this.act(this.outcome, verdict, this.note.value);
    this.unsent = Boolean(problem);
    if (problem) this.#said = undefined;
    Object.assign(this.failed, { textContent: problem ? sentence(problem) : "", hidden: !problem });
  }

  #review({ review, text }) {
    for (const [which, button] of Object.entries(this.verdict)) {
      const chosen = review?.verdict === which;
      button.setAttribute("aria-pressed", String(chosen));
      button.textContent = t(`doctor.review.${which}${chosen ? ".done" : ""}`);
      button.setAttribute("aria-label", `${button.textContent}\u00a0: ${text}`);
    }
    this.note.setAttribute("aria-label", t("doctor.review.note", { text }));
    this.note.placeholder = t("doctor.review.hint");
    if (document.activeElement !== this.note && !this.unsent) this.note.value = review?.note ?? "";
  }

  #evidence(outcome) {
    this.more.textContent = t("doctor.evidence");
    const row = ([name, words]) => [el("dt", {}, t(`doctor.evidence.${name}`)), el("dd", {}, words)];
    fill(this.rows, facts(outcome).flatMap(row));
  }
}

/** What one needs to judge a value without having been there: [name, words]. */
function facts({ values, missing, evidence, strip, thresholds }) {
  const { device, rest_s: rest, spread, site, mode, notes, readings } = evidence;
  const aUnit = Object.values(values)[0]?.unit;
  return [
    ...valueWords(values, missing).map((words) => ["value", words]),
    ["readings", String(readings)],
    ["spread", spread === null || spread === undefined ? null : amount(spread, aUnit ?? "")],
    ["rest", rest === null || rest === undefined ? null : t("result.rest", { minutes: Math.floor(rest / 60) })],
    ["site", site && phrase("site", site)],
    ["mode", mode && phrase("mode", mode)],
    ["notes", notes.map(reason).join(", ")],
    ["strip", strip && stripWords(strip)],
    ...(thresholds ?? []).map((each) => ["threshold", threshold(each)]),
    ["device", device && deviceWords(device)],
    ["recording", evidence.recording && evidence.recording.slice(0, 16)],
    ["times", `${clock(evidence.started_ms)} – ${clock(evidence.ended_ms)}`],
  ].filter(([, words]) => words);
}


function stripWords({ leads, seconds, rate }) {
  return t("doctor.evidence.strip-text", { leads: leads.length, seconds: Math.round(seconds), rate });
}

function deviceWords({ model, serial, firmware, protocol, simulated }) {
  const words = [
    model,
    serial ?? t("doctor.evidence.no-serial"),
    firmware && t("doctor.evidence.firmware", { version: firmware }),
    protocol,
    simulated && t("simulated.short"),
  ];
  return words.filter(Boolean).join(" · ");
}

function threshold({ ear, hz, db_hl: level, db_relative: relative = null, why }) {
  const known = relative === null ? `${amount(level, "dB")} HL` : t("hearing.relative", { level: amount(relative, "dB") });
  const words = level === null && relative === null ? t(`hearing.${why ?? "not-tested"}`) : known;
  return `${t(`hearing.threshold.${ear}`, { hz })}\u00a0: ${words}`;
}

export class Outcomes {
  #cards = new Map();
  #latest = [];

  constructor(ask) {
    this.ask = ask;
    this.strip = new StripDialog(ask);
  }

  /** The outcomes of the core's view; the newest stands first. */
  update(outcomes) {
    this.#latest = outcomes;
    const act = (...said) => this.#review(...said);
    for (const outcome of outcomes) {
      if (!this.#cards.has(outcome.index)) this.#cards.set(outcome.index, new Card(act, (each) => this.strip.open(each)));
      this.#cards.get(outcome.index).update(outcome);
    }
    const nodes = [...outcomes].reverse().map(({ index }) => this.#cards.get(index).node);
    const list = place("outcomes");
    const same = list.children.length === nodes.length && nodes.every((node, n) => list.children[n] === node);
    if (!same) fill(list, nodes);
    const count = this.open.length;
    place("outcomes-left").textContent = count ? t("doctor.outcomes.left", { count }) : "";
  }

  /** Measured values that nobody has accepted or rejected. */
  get open() {
    return this.#latest.filter((each) => each.status === "measured" && !each.review?.verdict);
  }

  /** Show the evidence of one outcome. */
  show(index) {
    const card = this.#cards.get(index);
    if (!card) return;
    card.evidence.open = true;
    card.node.scrollIntoView({ block: "nearest" });
    card.more.focus();
  }

  #review({ index }, verdict, note) {
    return this.ask("core", "review", { index, verdict, note }).then(() => null, (problem) => problem);
  }
}
