// A page that is drawn anew, without a jolt for whoever uses it.

/**
 * Make the children of `parent` look like `nodes`, and leave alone what does already: focus, selection and a screen
 * reader's place survive. Whatever can be pressed has an id, so that what looks the same does the same.
 */
export function settle(parent, nodes) {
  nodes.forEach((node, n) => {
    const old = parent.childNodes[n];
    if (!old) parent.append(node);
    else if (old === node || old.isEqualNode(node)) return;
    else if (old.nodeType === Node.ELEMENT_NODE && old.cloneNode().isEqualNode(node.cloneNode())) settle(old, [...node.childNodes]);
    else old.replaceWith(node);
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}
