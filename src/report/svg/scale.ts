/** From values to pixels, with the places of its ticks. */
export interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly number[];
}

type Range = readonly [from: number, to: number];

/** Linear; the domain is widened to whole ticks. */
export function linearScale([low, high]: Range, [from, to]: Range, most = 6): Scale {
  const step = tickStep(high - low || 1, most);
  const first = Math.floor(low / step) * step;
  const last = Math.max(first + step, Math.ceil(high / step - 1e-9) * step);
  const count = Math.round((last - first) / step);
  const clamp = (value: number) => Math.min(last, Math.max(first, value));
  return {
    at: (value) => from + ((clamp(value) - first) / (last - first)) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, index) => first + index * step),
  };
}

/** 1, 2 or 5 times a power of ten, so that at most `most` steps fit. */
function tickStep(span: number, most: number): number {
  const power = 10 ** Math.floor(Math.log10(span / most));
  const fits = [1, 2, 5, 10].find((factor) => span / (factor * power) <= most) ?? 10;
  return fits * power;
}

/** Logarithmic; values below the domain, 0 among them, stand at its lower end. */
export function logScale([low, high]: Range, [from, to]: Range, most = 7): Scale {
  const first = Math.max(1e-3, low);
  const last = Math.max(high, first * 2);
  const clamp = (value: number) => Math.min(last, Math.max(first, value));
  const share = (value: number) => Math.log(clamp(value) / first) / Math.log(last / first);
  return { at: (value) => from + share(value) * (to - from), ticks: logTicks(first, last, most) };
}

/** 1-2-5 ticks; only every power of ten, or every n-th, where those are too many. */
function logTicks(first: number, last: number, most: number): number[] {
  const ticks = (factors: readonly number[], every: number) => {
    const found: number[] = [];
    for (let power = Math.floor(Math.log10(first)); 10 ** power <= last; power++) {
      if (power % every !== 0) continue;
      for (const factor of factors) {
        const value = factor * 10 ** power;
        if (value >= first * (1 - 1e-9) && value <= last * (1 + 1e-9)) found.push(value);
      }
    }
    return found;
  };
  for (const [factors, every] of [
    [[1, 2, 5], 1],
    [[1, 3], 1],
    [[1], 1],
    [[1], 2],
  ] as const) {
    const found = ticks(factors, every);
    if (found.length <= most && found.length > 0) return found;
  }
  return ticks([1], 3);
}
