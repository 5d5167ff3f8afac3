// What lies behind the traces: millimetre grid, names of the lanes, units, and the watermark of a simulation.

/** CSS pixels of a millimetre where nobody has calibrated the screen: the nominal 96 per inch. */
export const NOMINAL_MM = 96 / 25.4;

const TOKENS = {
  back: ["--wave-back", "#06110f"],
  fine: ["--wave-grid", "#11231f"],
  bold: ["--wave-grid-bold", "#1c3833"],
  text: ["--wave-text", "#f2f7f6"],
  stale: ["--wave-stale", "#8d9a96"],
  mark: ["--wave-simulated", "rgba(255, 214, 0, 0.34)"],
  ecg: ["--wave-ecg", "#00e676"],
  pleth: ["--wave-pleth", "#40c4ff"],
  cuff: ["--wave-cuff", "#ffffff"],
};

/** The colours of the waves: custom properties of the style sheet, or ours where it has none. */
export function colours(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(
    Object.entries(TOKENS).map(([name, [token, ours]]) => [name, style.getPropertyValue(token).trim() || ours]),
  );
}

/**
 * Draw the background on `pen` (a 2D context). `lanes` have {x, y, w, h, title, stale, mm (pixels of a millimetre)},
 * `look` has {colours, grid, watermark (text or null), dpr}.
 */
export function drawBackground(pen, lanes, look) {
  pen.fillStyle = look.colours.back;
  pen.fillRect(0, 0, pen.canvas.width, pen.canvas.height);
  if (look.grid && lanes.length) drawGrid(pen, lanes[0].mm, look.colours);
  for (const lane of lanes) {
    if (look.watermark) drawWatermark(pen, lane, look);
    drawTitle(pen, lane, look);
  }
}

/** Every millimetre a fine line, every fifth a bold one; none where they would run together. */
function drawGrid(pen, mm, { fine, bold }) {
  for (const [every, colour] of [[1, fine], [5, bold]]) {
    if (every * mm < 3) continue;
    pen.strokeStyle = colour;
    pen.lineWidth = 1;
    pen.beginPath();
    const { width, height } = pen.canvas;
    for (let x = 0; x < width; x += every * mm) line(pen, Math.round(x) + 0.5, 0, Math.round(x) + 0.5, height);
    for (let y = 0; y < height; y += every * mm) line(pen, 0, Math.round(y) + 0.5, width, Math.round(y) + 0.5);
    pen.stroke();
  }
}

function line(pen, x1, y1, x2, y2) {
  pen.moveTo(x1, y1);
  pen.lineTo(x2, y2);
}

function drawWatermark(pen, lane, { colours, watermark, dpr }) {
  const size = Math.max(12 * dpr, Math.min(lane.h * 0.5, 44 * dpr));
  pen.font = `700 ${size}px system-ui, sans-serif`;
  pen.fillStyle = colours.mark;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const across = Math.max(1, Math.floor(lane.w / (pen.measureText(watermark).width * 2)));
  const place = (k) => lane.x + ((k + 0.5) * lane.w) / across;
  for (let k = 0; k < across; k++) pen.fillText(watermark, place(k), lane.y + lane.h / 2);
}

function drawTitle(pen, lane, { colours, dpr }) {
  pen.font = `600 ${13 * dpr}px system-ui, sans-serif`;
  pen.textAlign = "left";
  pen.textBaseline = "top";
  pen.fillStyle = lane.stale ? colours.stale : colours.text;
  pen.fillText(lane.title, lane.x + 6 * dpr, lane.y + 4 * dpr);
}
