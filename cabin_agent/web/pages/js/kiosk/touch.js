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
  target.addEventListener("click", (event) => pressed(event, kiosk, aimed));
  for (const name of UNWANTED) target.addEventListener(name, (event) => event.preventDefault());
  const active = { passive: false };
  target.addEventListener("touchmove", (event) => event.touches.length > 1 && event.preventDefault(), active);
  target.addEventListener("wheel", (event) => event.ctrlKey && event.preventDefault(), active);
  document.getElementById("over").addEventListener("cancel", (event) => event.preventDefault());
}

/** A touch counts for the screen on which the finger came down, and only there. */
function pressed(event, kiosk, aimed) {
  const button = event.target.closest?.("[data-do]");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  kiosk.act(button.dataset.do, button.dataset.value, aimed);
}
