// Sign-in of a named account: name and code of ten digits, by keyboard or by our own keys on a touch screen.
import { el, fill } from "./dom.js";
import { known, t } from "./texts.js";

const DIGITS = ["123", "456", "789", "0"];
const LETTERS = ["1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn.-_"];
const AGAIN_MS = 1000; // until a sign-out that was not confirmed is said again
const CODE_LENGTH = 14; // ten digits, and the spaces of one that was pasted

/** What went wrong, as one sentence in the page's language; the code itself where it is one that nobody foresaw. */
export function sentence(problem) {
  return known(`staff.problem.${problem.code}`) ?? t("staff.problem.other", { code: problem.code ?? problem.name });
}

/**
 * End the session of this page's role: done when the core has said so, because a session outlives a core that is away.
 * `waiting(problem)` hears each time that it did not.
 */
export async function signOut(api, waiting = () => {}) {
  while (!(await ended(api, waiting))) await new Promise((again) => setTimeout(again, AGAIN_MS));
}

async function ended(api, waiting) {
  try {
    await api.post("/sign-out");
    return true;
  } catch (problem) {
    waiting(problem);
    return false;
  }
}

/**
 * The form. `done()` is called when the session is open. `said` is what to say first (why one has to sign in again).
 * On a touch screen keys are drawn and no other keyboard is called up.
 */
export function signInForm(api, done, said = null) {
  const touch = navigator.maxTouchPoints > 0;
  const name = field("name", { autocapitalize: "none", maxlength: 32 }, touch);
  const code = field("code", { type: "password", maxlength: CODE_LENGTH }, touch);
  const note = el("div", { class: "signin-said", role: "alert" });
  const submit = el("button", { class: "primary", id: "signin-submit", type: "submit" }, t("staff.signin.submit"));
  const keys = el("div", { class: "keys", id: "signin-keys", role: "group", "aria-label": t("staff.signin.keys") });
  const form = el(
    "form",
    { class: "signin", novalidate: true },
    el("div", { class: "signin-fields" }, el("h2", {}, t("staff.signin.title")), note, labelled(name), labelled(code), submit),
    touch && keys,
  );
  const say = (text) => fill(note, text && el("p", { class: "note danger" }, text));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(api, { name, code, submit, say, done });
  });
  if (touch) for (const each of [name, code]) each.addEventListener("focus", () => drawKeys(keys, each));
  if (touch) drawKeys(keys, name);
  say(said);
  return form;
}

async function send(api, { name, code, submit, say, done }) {
  const missing = [name, code].find((each) => !each.value.trim());
  if (missing) {
    say(t(`staff.signin.missing.${missing.name}`));
    return missing.focus();
  }
  submit.disabled = true;
  try {
    await api.post("/sign-in", { name: name.value.trim(), code: code.value, role: api.role });
    done();
  } catch (problem) {
    say(sentence(problem));
    code.value = "";
    submit.disabled = false;
    code.focus();
  }
}

function field(name, more, touch) {
  const keyboard = touch ? "none" : name === "code" ? "numeric" : "text";
  const fixed = { id: `signin-${name}`, name, type: "text", autocomplete: "off", spellcheck: "false", inputmode: keyboard };
  return el("input", { ...fixed, ...more });
}

function labelled(input) {
  return el("p", {}, el("label", { for: input.id }, t(`staff.signin.${input.name}`)), input);
}

/** The keys for one field; the other field's are gone. */
function drawKeys(keys, input) {
  if (keys.dataset.for === input.name) return;
  keys.dataset.for = input.name;
  const press = (letter) => {
    if (input.value.length < input.maxLength) input.value += letter;
  };
  const rows = (input.name === "code" ? DIGITS : LETTERS).map((row) =>
    el("div", { class: "keys-row" }, [...row].map((letter) => key(letter, press))),
  );
  const back = () => (input.value = input.value.slice(0, -1));
  const said = { id: "signin-erase", "aria-label": t("staff.signin.erase") };
  const erase = el("button", { type: "button", class: "key", ...said, onclick: back }, "⌫");
  rows.at(-1).append(erase);
  fill(keys, rows);
}

function key(letter, press) {
  return el("button", { type: "button", class: "key", "data-key": letter, onclick: () => press(letter) }, letter);
}
