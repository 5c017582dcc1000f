/** A line of a plot. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** A second line above, with what is between them filled. */
  readonly to?: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly Series[];
}

const [WIDTH, HEIGHT] = [900, 560];
const FRAME = { left: 80, right: 40, top: 50, bottom: 150 };
/** Width of a column of the legend, and height of its lines. */
const [COLUMN, LINE] = [420, 20];

/** An SVG with both axes logarithmic: it needs nothing to be seen, and is text that a diff shows. */
export function logPlot({ title, x, y, series }: Plot): string {
  const all = series.flatMap(({ points, to = [] }) => [...points, ...to]);
  if (all.some(([a, b]) => !(a > 0) || !(b > 0))) throw new RangeError(`"${title}" has a point that is not above 0.`);
  const across = axis(
    all.map(([a]) => a),
    FRAME.left,
    WIDTH - FRAME.right,
  );
  const up = axis(
    all.map(([, b]) => b),
    HEIGHT - FRAME.bottom,
    FRAME.top,
  );
  const place = ([a, b]: readonly [number, number]) => `${round(across.at(a))},${round(up.at(b))}`;
  const shapes = series.map(({ colour, points, to, dashed }) =>
    to === undefined
      ? `<polyline points="${points.map(place).join(" ")}" fill="none" stroke="${colour}" stroke-width="2.5"${dashed === true ? ' stroke-dasharray="7 5"' : ""}/>`
      : `<polygon points="${[...points, ...to.toReversed()].map(place).join(" ")}" fill="${colour}" fill-opacity="0.3"/>`,
  );
  const verticals = across.ticks.map(
    (tick) => `<path d="M${round(across.at(tick))} ${FRAME.top}V${HEIGHT - FRAME.bottom}" stroke="#ddd"/>
<text x="${round(across.at(tick))}" y="${HEIGHT - FRAME.bottom + 20}" text-anchor="middle">${figure(tick)}</text>`,
  );
  const horizontals = up.ticks.map(
    (tick) => `<path d="M${FRAME.left} ${round(up.at(tick))}H${WIDTH - FRAME.right}" stroke="#ddd"/>
<text x="${FRAME.left - 8}" y="${round(up.at(tick) + 4)}" text-anchor="end">${figure(tick)}</text>`,
  );
  const legend = series.map(({ name, colour, to }, i) => {
    const [left, top] = [FRAME.left + (i % 2) * COLUMN, HEIGHT - FRAME.bottom + 70 + Math.floor(i / 2) * LINE];
    return `<rect x="${left}" y="${top - 9}" width="18" height="${to === undefined ? 3 : 10}" fill="${colour}"${to === undefined ? "" : ' fill-opacity="0.3"'}/>
<text x="${left + 26}" y="${top}">${escaped(name)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<text x="${WIDTH / 2}" y="26" text-anchor="middle" font-size="16">${escaped(title)}</text>
${[...verticals, ...horizontals, ...shapes].join("\n")}
<text x="${(FRAME.left + WIDTH - FRAME.right) / 2}" y="${HEIGHT - FRAME.bottom + 42}" text-anchor="middle">${escaped(x)}</text>
<text transform="translate(18 ${(FRAME.top + HEIGHT - FRAME.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>
${legend.join("\n")}
</svg>
`;
}

/** Whole powers of ten around the values. */
function axis(values: readonly number[], from: number, to: number) {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
  };
}

export const round = (n: number): number => Math.round(n * 10) / 10;
export const figure = (n: number): string => n.toLocaleString("en-US", { maximumFractionDigits: 6 });
export const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
