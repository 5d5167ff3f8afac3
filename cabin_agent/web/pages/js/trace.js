// One stretch of a trace as a path of a 2D context: no extreme is lost, and no gap is bridged.

/**
 * Continue a path from `tip` ({x, y} or null) with the samples `first` to `last`: where several share a pixel column,
 * its lowest and highest are drawn; where one is missing or the lane begins again, the pen is lifted.
 * Returns the new tip.
 */
export function path(pen, tip, first, last, xOf, yOf) {
  let column = null;
  const end = () => {
    if (!column) return;
    const { x, y, low, high, now } = column;
    if (tip) pen.moveTo(tip.x, tip.y);
    else pen.moveTo(x, y + 0.01);
    pen.lineTo(x, y);
    if (low < high) [high, low, now].forEach((each) => pen.lineTo(x, each));
    tip = { x, y: now };
    column = null;
  };
  for (let n = first; n <= last; n++) {
    const y = yOf(n);
    const x = xOf(n);
    if (Number.isNaN(y)) {
      end();
      tip = null;
    } else if (column && Math.floor(x) === Math.floor(column.x)) {
      Object.assign(column, { low: Math.min(column.low, y), high: Math.max(column.high, y), now: y });
    } else {
      end();
      if (tip && x < tip.x) tip = null;
      column = { x, y, low: y, high: y, now: y };
    }
  }
  end();
  return tip;
}
