/** Distribution functions that the intervals and tests of this folder need. */

/** ln Γ(x), x > 0 (Lanczos 1964, g = 7, 9 terms; relative error below 1e-14). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
  let sum = 0.999_999_999_999_809_9;
  for (let term = 0; term < lanczos.length; term++) sum += lanczos[term] / (x + term);
  const t = x + 6.5;
  return 0.918_938_533_204_672_8 + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

const lanczos = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** Regularised incomplete beta function I_x(a, b) by Lentz's continued fraction (DLMF 8.17.22). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  let d = 1 / keep(1 - ((a + b) * x) / (a + 1));
  let c = 1;
  let fraction = d;
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / keep(1 + even * d);
    c = keep(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / keep(1 + odd * d);
    c = keep(1 + odd / c);
    fraction *= c * d;
    if (Math.abs(c * d - 1) < 1e-15) break;
  }
  return (front * fraction) / a;
}

function keep(value: number): number {
  return Math.abs(value) < 1e-300 ? 1e-300 : value;
}

/** P(T ≤ t) of Student's t distribution. */
export function studentCdf(t: number, degrees: number): number {
  const tail = incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

/** The t with P(|T| ≤ t) = level, by bisection; NaN without a degree of freedom. */
export function studentTwoSided(level: number, degrees: number): number {
  if (!(degrees >= 1)) return Number.NaN;
  let low = 0;
  let high = 1;
  const tail = (1 - level) / 2;
  while (1 - studentCdf(high, degrees) > tail) high *= 2;
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (1 - studentCdf(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
