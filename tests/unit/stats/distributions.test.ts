import { expect, test } from "bun:test";
import {
  incompleteBeta,
  logGamma,
  studentCdf,
  studentTwoSided,
} from "../../../src/stats/distributions.ts";
import { kolmogorovTail } from "../../../src/stats/ks.ts";
import { normalTail } from "../../support/normal.ts";

test("ln Γ is the factorial's", () => {
  let factorial = 1;
  for (let n = 1; n <= 20; n++) {
    expect(logGamma(n)).toBeCloseTo(Math.log(factorial), 10);
    factorial *= n;
  }
  expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 12);
});

test("incomplete beta against the binomial sum it stands for", () => {
  const n = 9;
  for (const x of [0.05, 0.3, 0.5, 0.8, 0.99]) {
    for (let k = 1; k <= n; k++) {
      let sum = 0;
      for (let j = k; j <= n; j++) sum += choose(n, j) * x ** j * (1 - x) ** (n - j);
      expect(incompleteBeta(x, k, n - k + 1)).toBeCloseTo(sum, 12);
    }
  }
});

function choose(n: number, k: number): number {
  return k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k;
}

test("Student's t: printed tables", () => {
  expect(studentTwoSided(0.95, 1)).toBeCloseTo(12.7062, 4);
  expect(studentTwoSided(0.95, 9)).toBeCloseTo(2.262157, 6);
  expect(studentTwoSided(0.99, 30)).toBeCloseTo(2.749996, 6);
  expect(studentTwoSided(0.95, 1e6)).toBeCloseTo(1.959966, 5);
  expect(studentTwoSided(0.95, 0)).toBeNaN();
  expect(studentCdf(-1, 1)).toBeCloseTo(0.25, 12);
});

test("normal tail: printed tables, both sides, far out", () => {
  expect(normalTail(0)).toBeCloseTo(0.5, 15);
  expect(normalTail(1.959963984540054)).toBeCloseTo(0.025, 14);
  expect(normalTail(-1)).toBeCloseTo(0.8413447460685429, 14);
  expect(normalTail(6) / 9.865876450376981e-10).toBeCloseTo(1, 10);
  expect(normalTail(2 - 1e-9)).toBeCloseTo(normalTail(2), 9);
});

test("Kolmogorov distribution: critical values, and both series agree where they meet", () => {
  expect(kolmogorovTail(1.3581)).toBeCloseTo(0.05, 4);
  expect(kolmogorovTail(1.6276)).toBeCloseTo(0.01, 4);
  expect(kolmogorovTail(0.8276)).toBeCloseTo(0.5, 4);
  expect(kolmogorovTail(1 - 1e-12)).toBeCloseTo(kolmogorovTail(1), 10);
  expect(kolmogorovTail(0)).toBe(1);
});
