// Words of the catalogue that stand alone.

/** Words as a sentence: "finger out" -> "Finger out." */
export function sentence(words) {
  const whole = words.charAt(0).toLocaleUpperCase() + words.slice(1);
  return /[.?!…]$/.test(whole) ? whole : `${whole}.`;
}
