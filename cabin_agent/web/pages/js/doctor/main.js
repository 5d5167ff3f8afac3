// The doctor's page: sign in, wait for somebody in the cabin, talk with them, and go back to waiting.
import { Api } from "../api.js";
import { fill } from "../dom.js";
import { sentence as signInSentence, signInForm, signOut } from "../signin.js";
import { currentLanguage, loadTexts, t } from "../texts.js";
import { Keys } from "./keys.js";
import { Lobby } from "./lobby.js";
import { Room } from "./room.js";
import { fillTexts, place, sentence } from "./words.js";

const SCREENS = ["sign-in", "lobby", "call", "over"];
const SCROLL_S = 2;

const api = new Api("doctor");
let lobby = null;
let room = null;
let over = null; // why the last consultation ended: a Problem, or null

function show(screen) {
  for (const each of SCREENS) place(each).hidden = each !== screen;
  for (const id of ["end-open", "leave-open"]) place(id).hidden = screen !== "call";
  place("sign-out").hidden = screen === "sign-in" || screen === "call";
  document.body.dataset.screen = screen;
}

function showSignIn(said = null) {
  room?.leave();
  room = null;
  lobby?.release();
  fill(place("sign-in"), signInForm(api, showLobby, said));
  simulated(false);
  show("sign-in");
  place("signin-name").focus();
}

function showLobby() {
  lobby ??= new Lobby(api, { join, signedOut: () => showSignIn(), seen });
  place("title").textContent = t("doctor.title");
  show("lobby");
  lobby.enter();
}

async function join() {
  await lobby.ready();
  if (document.body.dataset.screen !== "lobby") return;
  lobby.leave();
  show("call");
  room = new Room(api, lobby, { over: showOver, simulated });
  room.enter();
  place("waves").focus({ preventScroll: true });
}

/** Leave the call; the consultation goes on, and may be joined again. */
function leave() {
  room?.leave();
  room = null;
  showLobby();
}

/** The consultation ended: for both, or because the core refuses. */
function showOver(problem) {
  if (problem && [401, 403].includes(problem.status)) return showSignIn(t("doctor.signed-out"));
  room?.leave(true);
  room = null;
  over = problem;
  overWords();
  show("over");
  place("over-back").focus();
}

function overWords() {
  place("over-said").textContent = over ? sentence(over) : t("doctor.over.ended");
}

/** What the core says of the cabin while nobody is in a call. */
function seen(consultation) {
  if (!consultation) return;
  simulated(consultation.simulated);
  checkBuild(consultation.build);
  place("title").textContent = t("doctor.title.in", { cabin: consultation.cabin });
}

/** A page of another build than the core's says so and loads itself anew, once. */
function checkBuild(build) {
  if (!build || build === document.querySelector("meta[name=cabin-build]").content) return;
  const again = history.state?.reloadedFor === build;
  const words = t(again ? "staff.old-page" : "staff.reloading");
  if (place("alert").hidden) Object.assign(place("alert"), { textContent: words, hidden: false });
  if (again) return;
  history.replaceState({ reloadedFor: build }, "");
  location.reload();
}

function simulated(on) {
  place("simulated").hidden = !on;
}

async function speak(language) {
  await loadTexts(language);
  fillTexts();
  const other = language === "fr" ? "en" : "fr";
  Object.assign(place("language"), { textContent: t(`language.${other}`), lang: other });
  document.title = t("doctor.title");
  lobby?.words();
  room?.words();
  overWords();
  if (!room) place("title").textContent = t("doctor.title");
  if (!place("sign-in").hidden && place("signin-name")) showSignIn();
}

new Keys({
  f: ["freeze", () => room?.waves.freeze()],
  ArrowLeft: ["back", () => room?.waves.scroll(SCROLL_S)],
  ArrowRight: ["forward", () => room?.waves.scroll(-SCROLL_S)],
  c: ["camera", () => room?.picture.another()],
  p: ["still", () => room?.stills.take()],
  m: ["mute", () => room?.sound.mute()],
  s: ["stethoscope", () => room?.sound.listen()],
  ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [n, [`task${n}`, () => place(`task-${n}`)?.focus()]])),
  n: ["note", () => place("note-text").focus()],
  a: ["say", () => place("say-text").focus()],
});
place("language").onclick = () => speak(currentLanguage() === "fr" ? "en" : "fr");
place("contrast").onclick = ({ currentTarget }) => {
  const { dataset } = document.documentElement;
  const high = dataset.contrast !== "high";
  if (high) dataset.contrast = "high";
  else delete dataset.contrast;
  currentTarget.setAttribute("aria-pressed", String(high));
};
place("sign-out").onclick = async () => {
  await signOut(api, () => Object.assign(place("alert"), { textContent: t("staff.sign-out-waits"), hidden: false }));
  place("alert").hidden = true;
  showSignIn();
};
place("end-open").onclick = () => room?.askEnd();
place("leave-open").onclick = leave;
place("over-back").onclick = showLobby;

/** Ask the core whether a session is open; it says so by refusing. */
async function begin() {
  await speak(navigator.language.startsWith("en") ? "en" : "fr");
  try {
    seen(await api.get("/consultation"));
    showLobby();
  } catch (problem) {
    showSignIn([401, 403].includes(problem.status) ? null : signInSentence(problem));
  }
}

begin();
