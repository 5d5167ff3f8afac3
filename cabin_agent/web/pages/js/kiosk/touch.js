// One listener for all buttons, and an end to what a browser would do with fingers besides.

const UNWANTED = ["contextmenu", "dragstart", "selectstart", "gesturestart"];

/** Let the person's touches and keys reach `kiosk`; nothing selects, drags, zooms or opens a menu. */
export function listen(target, kiosk) {
  let aimed = "";
  const aim = () => {
    aimed = kiosk.key;
    kiosk.here();
  };
  target.addEventListener("pointerdown", aim, true);
  target.addEventListener("keydown", (event) => (event.repeat ? event.preventDefault() : aim()), true);
  listenToAnswers(target, kiosk);
  target.addEventListener("click", (event) => pressed(event, kiosk, aimed));
  for (const name of UNWANTED) target.addEventListener(name, (event) => event.preventDefault());
  const active = { passive: false };
  target.addEventListener("touchmove", (event) => event.touches.length > 1 && event.preventDefault(), active);
  target.addEventListener("wheel", (event) => event.ctrlKey && event.preventDefault(), active);
  document.getElementById("over").addEventListener("cancel", (event) => event.preventDefault());
}

/** The response button of a hearing test: a finger on it, or the space bar, which needs no aim. */
function listenToAnswers(target, kiosk) {
  const on = (event) => event.target.closest?.("[data-press]");
  const spoken = (event) => event.key === " " || (event.key === "Enter" && on(event));
  const elsewhere = (event) => event.target.closest?.("[data-do]");
  target.addEventListener("pointerdown", (event) => on(event) && kiosk.press(true));
  for (const end of ["pointerup", "pointercancel"]) target.addEventListener(end, () => kiosk.press(false));
  target.addEventListener("keydown", (event) => {
    if (!event.repeat && spoken(event) && !elsewhere(event)) kiosk.press(true);
  });
  target.addEventListener("keyup", (event) => spoken(event) && kiosk.press(false));
}

/** A touch counts for the screen on which the finger came down, and only there. */
function pressed(event, kiosk, aimed) {
  const button = event.target.closest?.("[data-do]");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  kiosk.act(button.dataset.do, button.dataset.value, aimed);
}
