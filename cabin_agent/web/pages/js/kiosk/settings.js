// How this person wants the screen: large text, high contrast. Attributes of <html>, gone with the page.

const CHOICES = { text: "large", contrast: "high" };

export class Settings {
  /** `said`: what the page before this one handed over in the fragment, when it was replaced by a newer build. */
  constructor(said) {
    this.language = ["fr", "en"].find((each) => each === said.get("language")) ?? null;
    this.voice = said.has("voice");
    for (const name of Object.keys(CHOICES)) if (said.has(name)) this.toggle(name);
  }

  /** Whether "text" is large, "contrast" high. */
  has(name) {
    return document.documentElement.dataset[name] === CHOICES[name];
  }

  toggle(name) {
    if (this.has(name)) delete document.documentElement.dataset[name];
    else document.documentElement.dataset[name] = CHOICES[name];
  }

  /** What the page of the build `updated` needs to look the same. */
  handedOver(updated, language, voice) {
    const kept = new URLSearchParams({ updated, language });
    for (const name of Object.keys(CHOICES)) if (this.has(name)) kept.set(name, "1");
    if (voice) kept.set("voice", "1");
    return kept;
  }
}
