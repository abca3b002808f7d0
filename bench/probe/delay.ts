/** The thesis's two set-ups: one target and 100 echoes; five targets under stress. */
import { far, type Pair } from "../../tests/support/pair.ts";
import { mean, sd, sorted } from "./numbers.ts";
import { Observer } from "./observer.ts";
import { Stress } from "./scene.ts";
import { type Pace, runTool, type Tool, toolNames } from "./tools.ts";

interface Echoes {
  readonly reported: number[];
  /** Reported − what passed between the device's own stamps. */
  readonly error: number[];
  readonly truth: number[];
  /** The truth of echoes that nothing went before for a while, and of those that follow at once. */
  readonly cold: number[];
  readonly warm: number[];
}

const whileNs = 100e3;

interface SetUp {
  readonly title: string;
  readonly pace: Pace;
  readonly rounds: number;
  readonly stress: boolean;
}

const others = [3, 4, 5, 6].map((n) => `10.77.0.${n}`);
const one = { hosts: [far.v4], count: 100, intervalMs: 10 };
const five = { hosts: [far.v4, ...others], count: 300, intervalMs: 1 };
const rounds = 8;

export async function allDelays(pair: Pair): Promise<void> {
  for (const address of others) {
    await pair.world.ip("-n", "far", "addr", "add", `${address}/24`, "dev", "far");
  }
  await delays(pair, { title: "one target (table 6.2)", pace: one, rounds, stress: false });
  await delays(pair, { title: "one target, all cores spinning", pace: one, rounds, stress: true });
  await delays(pair, {
    title: "five targets, all cores spinning (table 6.3)",
    ...{ pace: five, rounds, stress: true },
  });
}

async function delays(pair: Pair, setUp: SetUp): Promise<void> {
  const all = new Map<Tool, Echoes>(
    toolNames.map((tool) => [tool, { reported: [], error: [], truth: [], cold: [], warm: [] }]),
  );
  {
    await using _stress = new Stress(setUp.stress ? undefined : 0);
    using observer = await Observer.open(pair.nearIndex);
    for (let round = 0; round < setUp.rounds; round++) {
      // Interleaved, each tool first in turn
      for (let turn = 0; turn < toolNames.length; turn++) {
        const tool = toolNames[(round + turn) % toolNames.length];
        observer.take();
        const [reported] = await Promise.all([runTool(tool, pair, setUp.pace), observer.goLast()]);
        const echoes = observer.take();
        const into = all.get(tool) as Echoes;
        for (const [at, { outNs, inNs }] of echoes.entries()) {
          const isCold = outNs - (echoes[at - 1]?.outNs ?? 0) > whileNs;
          (isCold ? into.cold : into.warm).push(inNs - outNs);
        }
        for (const [host, times] of reported) {
          const truths = echoes.filter((echo) => echo.host === host).map((e) => e.inNs - e.outNs);
          const answered = times.filter((time) => !Number.isNaN(time));
          into.reported.push(...answered);
          if (truths.length !== answered.length) continue; // a lost one: no pairs
          into.truth.push(...truths);
          into.error.push(...answered.map((time, at) => time - truths[at]));
        }
      }
    }
  }
  print(setUp, all);
}

function print({ title, pace, rounds }: SetUp, all: ReadonlyMap<Tool, Echoes>): void {
  const { hosts, count, intervalMs } = pace;
  console.log(
    `\n${title}: ${hosts.length} × ${count} echoes, each ${intervalMs} ms, ${rounds} rounds`,
  );
  console.log(
    "µs      echoes     min     avg      max  stddev  of truth  avg ratio  sd ratio    bias  median  sd(rep−truth)  best 99 %   truth: cold ± sd, warm ± sd",
  );
  const ours = all.get("komon") as Echoes;
  for (const [tool, { reported, error, truth, cold, warm }] of all) {
    const at = (value: number, width: number, digits = 2) =>
      (Number.isFinite(value) ? value.toFixed(digits) : "-").padStart(width);
    const us = (ns: number, width: number, digits = 2) => at(ns / 1e3, width, digits);
    const order = sorted(reported);
    const errors = sorted(error);
    const cut = Math.floor(errors.length / 200);
    const central = errors.subarray(cut, errors.length - cut);
    console.log(
      tool.padEnd(6) +
        String(reported.length).padStart(8) +
        us(order[0], 8, 1) +
        us(mean(reported), 8, 1) +
        us(order.at(-1) ?? Number.NaN, 9, 1) +
        us(sd(reported), 8) +
        us(sd(truth), 10) +
        at(mean(reported) / mean(ours.reported), 11) +
        at(sd(reported) / sd(ours.reported), 10) +
        us(mean(error), 8, 3) +
        us(errors[errors.length >> 1], 8, 3) +
        us(sd(error), 15, 3) +
        us(sd(central), 11, 3) +
        us(mean(cold), 15) +
        us(sd(cold), 6) +
        us(mean(warm), 7) +
        us(sd(warm), 6),
    );
  }
}
