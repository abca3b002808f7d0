/** What komon run prints and writes, as tests read it. */
import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CoverageDetail } from "../../src/probes/vnf/coverage.ts";
import { expectIdentity as expectAccounted } from "./exact.ts";
import { seen, type World } from "./world.ts";

export interface Run {
  readonly schema: string;
  readonly params: Record<string, number>;
  readonly hooks: Record<string, { rung: string; hook: string }>;
  readonly coverage: Record<string, number>;
  readonly spans: Record<string, Record<string, number>>;
  readonly truth: Record<string, number>;
  readonly vnf: Record<string, number>;
  readonly error: Record<string, Record<string, number>>;
  readonly cost: {
    programs: { runs: number; ns_per_run: number }[];
    ns_per_packet: number;
    packets: number;
  };
  readonly load: Record<string, number>;
  readonly files: string[];
  readonly manifest: Record<string, unknown> & {
    coverage_detail: Record<string, number>;
    wrong_pairs: number;
    incomplete_intervals: number;
  };
}

export function rows(world: World, run: Run, kind: string): string[][] {
  const file = run.files.find((path) => path.includes(`${kind}_`));
  if (!file) throw new Error(`no ${kind}_ file in ${run.files}`);
  const text = readFileSync(seen(world, file), "utf8");
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => line.split(";"));
}

/** Every packet is accounted for, and no pair is wrong. */
export function expectIdentity({ coverage, manifest }: Run): void {
  expectAccounted({ ...coverage, ...manifest.coverage_detail } as unknown as CoverageDetail);
  expect(manifest.wrong_pairs).toBe(0);
}

export function rowsOf(folder: string, kind: string): string[][] {
  const name = readdirSync(folder).find((file) => file.startsWith(`${kind}_`));
  const text = readFileSync(join(folder, name ?? ""), "utf8");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split(";"));
}

export function kernelRows(folder: string): number {
  try {
    const name = readdirSync(folder).find((file) => file.startsWith("KERNEL_"));
    return name ? readFileSync(join(folder, name), "utf8").split("\n").length - 1 : 0;
  } catch {
    return 0;
  }
}
