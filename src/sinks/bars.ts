/** Bars of block characters, an eighth of a column fine. */
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const heights = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** A bar for a share (0…1) of `columns`; what is not nothing shows at least a sliver. */
export function bar(share: number, columns: number): string {
  if (!(share > 0)) return "";
  const steps = Math.max(1, Math.round(Math.min(1, share) * columns * 8));
  return "█".repeat(steps >> 3) + eighths[steps & 7];
}

/** A line of small columns, from 0 (or the smallest, if below) to the largest; gaps for NaN. */
export function sparkline(values: readonly number[]): string {
  const known = values.filter(Number.isFinite);
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known);
  const height = (value: number) => Math.round(((value - low) / (high - low || 1)) * 7);
  return values.map((value) => (Number.isFinite(value) ? heights[height(value)] : " ")).join("");
}
