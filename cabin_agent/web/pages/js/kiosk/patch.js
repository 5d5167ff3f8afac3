// Make the page look as wanted and leave alone what already does: focus stays, nothing moves under a finger.
//
// A child with `data-key` is the same thing as the child with that key before; others are matched by their place.
// What stands inside an element with `data-mount` belongs to whoever mounted it.

/** Change the children of `parent` into `wanted` (nodes, made for this alone). */
export function patch(parent, wanted) {
  const keys = new Set(wanted.map(keyOf));
  for (const child of [...parent.children]) if (keyOf(child) && !keys.has(keyOf(child))) child.remove();
  const keyed = new Map([...parent.children].map((child) => [keyOf(child), child]));
  let at = parent.firstChild;
  for (const node of wanted) {
    const old = keyOf(node) ? keyed.get(keyOf(node)) : keyOf(at) ? null : at;
    if (old && old.nodeName === node.nodeName) {
      if (old === at) at = at.nextSibling;
      else parent.insertBefore(old, at);
      update(old, node);
    } else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function keyOf(node) {
  return node?.dataset?.key ?? null;
}

function update(old, node) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.nodeValue !== node.nodeValue) old.nodeValue = node.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!node.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of node.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (!old.dataset.mount) patch(old, [...node.childNodes]);
}
