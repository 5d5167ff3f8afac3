// What a page owes to those who work with it, beyond what axe knows: gives a list of sentences.
// `rules`: {target, gap, top}; `other`: whole texts that only the other language has.
({ rules, other }) => {
  const found = [];
  const ACTIVE = "button, a[href], input, select, textarea, summary, [role=button], [role=radio], [data-do]";
  const shown = (each) => each.checkVisibility({ visibilityProperty: true }) && each.getClientRects().length > 0;
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document;
  const name = (each) =>
    `<${each.tagName.toLowerCase()} ${each.id || each.className}> ${each.textContent.trim().slice(0, 40)}`;
  const say = (each, what) => found.push(`${name(each)}: ${what}`);
  const inside = (inner, outer) => inner.x >= outer.x - 1 && inner.right <= outer.right + 1
    && inner.y >= outer.y - 1 && inner.bottom <= outer.bottom + 1;

  const broken = (each) => {
    const range = document.createRange();
    const texts = document.createTreeWalker(each, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      for (const word of node.textContent.matchAll(/[\p{L}\d]+/gu)) {
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        if (range.getClientRects().length > 1) return true;
      }
    }
    return false;
  };

  for (const canvas of document.querySelectorAll("canvas")) {
    const words = document.getElementById(canvas.getAttribute("aria-labelledby"))?.textContent;
    const label = canvas.getAttribute("aria-label") || words;
    const told = canvas.getAttribute("role") === "img" && label?.trim();
    if (shown(canvas) && !told) say(canvas, "a canvas without words");
  }
  for (const image of document.querySelectorAll("img:not([alt])")) say(image, "an image without alt");
  for (const drawing of document.querySelectorAll("svg")) {
    const hidden = drawing.closest("[aria-hidden=true]");
    const told = drawing.getAttribute("role") === "img" && drawing.getAttribute("aria-label");
    if (!hidden && !told) say(drawing, "an svg without words");
  }
  const listening = [...window.clickedOn, ...[...document.querySelectorAll("*")].filter((each) => each.onclick)];
  for (const each of listening) {
    if (each.isConnected && !each.matches("button, a[href], input, select, textarea, summary, label, dialog, form")) {
      say(each, "listens to clicks and is no button");
    }
  }
  for (const each of document.querySelectorAll("[data-do]")) {
    if (!each.matches("button")) say(each, "can be pressed and is no button");
  }

  const boxes = [...modal.querySelectorAll(ACTIVE)].filter(shown).map((each) => {
    const label = each.matches("input[type=checkbox], input[type=radio]") ? each.closest("label") : null;
    return { each, rect: (label ?? each).getBoundingClientRect() };
  });
  for (const { each, rect } of boxes) {
    const least = Math.min(rect.width, rect.height);
    if (least < rules.target - 0.5) say(each, `${Math.round(rect.width)}x${Math.round(rect.height)} px`);
    const high = rules.top && rect.y < rules.top * innerHeight - 0.5;
    if (high) say(each, `in the top of the screen (${Math.round(rect.y)} px)`);
    const cut = each.scrollWidth > each.clientWidth + 1 || each.scrollHeight > each.clientHeight + 1;
    if (each.matches("button") && each.textContent.trim() && cut) say(each, "its words do not fit");
    if (each.matches("button") && broken(each)) say(each, "a word of it is broken");
  }
  // What is scrolled out of sight is not in anybody's way.
  const seen = ({ each, rect }) => {
    let { x, y, right, bottom } = rect;
    for (let frame = each.parentElement; frame; frame = frame.parentElement) {
      if (getComputedStyle(frame).overflowY === "visible") continue;
      const edge = frame.getBoundingClientRect();
      [x, y, right, bottom] = [Math.max(x, edge.x), Math.max(y, edge.y), Math.min(right, edge.right), Math.min(bottom, edge.bottom)];
    }
    return { each, rect: { x, y, right, bottom, width: right - x, height: bottom - y } };
  };
  const reached = boxes.map(seen).filter(({ each, rect }) => {
    const hit = document.elementFromPoint(rect.x + rect.width / 2, rect.y + rect.height / 2);
    return hit && (each.contains(hit) || hit.contains(each));
  });
  if (rules.gap) reached.forEach(({ each, rect }, n) => reached.slice(n + 1).forEach((one) => {
    if (inside(rect, one.rect) || inside(one.rect, rect)) return;
    const across = Math.max(one.rect.x - rect.right, rect.x - one.rect.right);
    const down = Math.max(one.rect.y - rect.bottom, rect.y - one.rect.bottom);
    if (Math.max(across, down) < rules.gap - 0.5) {
      found.push(`${name(each)} and ${name(one.each)}: ${Math.round(Math.max(across, down))} px apart`);
    }
  }));

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const words = node.textContent.trim();
    if (/⟦|undefined|NaN|\[object|\{\w+\}/.test(words)) found.push(`'${words}': not a text of the catalogue`);
    const elsewhere = node.parentElement.closest("[lang]").lang !== document.documentElement.lang;
    if (!elsewhere && other.includes(words)) found.push(`'${words}': of the other language`);
  }
  if (!document.title.trim()) found.push("a page without title");
  if (document.documentElement.scrollWidth > innerWidth + 1) found.push("wider than the screen");
  return found;
}
