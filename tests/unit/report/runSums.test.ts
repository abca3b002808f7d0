import { expect, test } from "bun:test";
import type { RunResult } from "../../../src/model/result.ts";
import { sumCoverage, sumLoad } from "../../../src/report/runSums.ts";

const run = (parts: object) => parts as RunResult;
const load = { offered_pps: 1000, sent_pps: 998, sent: 7, refused: 0 };

test("a run that sent one burst has no rate, and does not spoil that of the others", () => {
  const burst = run({ load: { ...load, sent_pps: null } });
  expect(sumLoad([run({ load }), burst])).toEqual({ ...load, sent: 14 });
  expect(sumLoad([burst])).toMatchObject({ sent_pps: null, sent: 7 });
});

test("what is no number in a file is none in the sums", () => {
  const odd = { toString: 0 };
  expect(sumCoverage([run({ coverage: { seen: odd } })])?.seen).toBeNaN();
  expect(sumLoad([run({ load: { ...load, sent_pps: odd } })])?.sent_pps).toBeNaN();
  expect(sumLoad([run({ load: { ...load, sent: odd } })])?.sent).toBeNaN();
});
