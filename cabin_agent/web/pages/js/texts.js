// The catalogue of one language, the same that the daemon speaks; a key that is missing is a fault and shows as such.

let texts = {};
let language = "fr";

/** Load the catalogue of "fr" or "en" and set the document's language. */
export async function loadTexts(wanted) {
  const answer = await fetch(new URL(`../texts/${wanted}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`the texts of ${wanted} are missing`);
  texts = await answer.json();
  language = wanted;
  document.documentElement.lang = wanted;
}

/** The text of `key`, its `{places}` filled in. */
export function t(key, places = {}) {
  const pattern = texts[key];
  if (pattern === undefined) {
    console.error(`no text '${key}' in ${language}`);
    return `⟦${key}⟧`;
  }
  return pattern.replace(/\{(\w+)\}/g, (whole, name) => (name in places ? String(places[name]) : whole));
}

/** The text of `key` if there is one, else null: for codes that come from elsewhere. */
export function known(key) {
  return texts[key] ?? null;
}

/** "fr" or "en". */
export function currentLanguage() {
  return language;
}

/** A number as this language writes it. */
export function number(value, decimals = 0) {
  return value.toLocaleString(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping: false });
}
