// Nothing of a visit is left: the page empties itself and is loaded anew, in place of itself.

/** Empty the page at once and load it anew; `keep` (URLSearchParams) goes along in the fragment. */
export function vanish(keep = new URLSearchParams()) {
  document.body.replaceChildren();
  for (const name of Object.keys(document.documentElement.dataset)) {
    if (name !== "page") delete document.documentElement.dataset[name];
  }
  if (String(keep)) history.replaceState(null, "", `${location.pathname}#${keep}`);
  location.reload();
}

/** Go to another page of the cabin without leaving a way back. */
export function leaveFor(path) {
  document.body.replaceChildren();
  location.replace(path);
}
