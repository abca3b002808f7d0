/** What tests of the VNF probe share: which rungs this kernel has, and what must be so of packets that were watched. */
import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { KomonError } from "../../src/base/errors.ts";
import { fentry, kprobes } from "../../src/kernel/features.ts";
import { SpanRecords } from "../../src/model/records.ts";
import type { TruthRows } from "../../src/model/vnfRecord.ts";
import type { Rung } from "../../src/probes/vnf/hooks.ts";
import { VnfProbe } from "../../src/probes/vnf/probe.ts";
import { joinTruth } from "../../src/results/join.ts";
import { expectIdentity as expectAccounted } from "./exact.ts";

/** A prime: no hook that counts twice, or every second packet, comes to it. */
export const count = 23;
export const hasIpv6 = existsSync("/proc/sys/net/ipv6");

/** Why a rung cannot be tested here; undefined also where it should work and does not. */
export function lacking(rung: Rung): string | undefined {
  if (rung === "fentry" && fentry.ask().is === "no") return "this kernel refuses fentry";
  if (rung === "kprobe" && kprobes.ask().is === "no") return "this kernel has no kprobes";
  if (rung !== "tracepoint") return undefined;
  try {
    VnfProbe.open({ hooks: rung })[Symbol.dispose]();
  } catch (error) {
    const noTracepoint = /has no sock_recv_length/;
    if (error instanceof KomonError && noTracepoint.test(error.why ?? "")) {
      return "this kernel has no sock_recv_length";
    }
  }
  return undefined;
}

export interface Watched {
  readonly probe: VnfProbe;
  readonly vnf: number;
}

/** What must be so whatever happened: every packet accounted for, every span the sum of its parts. */
export function expectIdentity({ probe, vnf }: Watched): void {
  expectAccounted(probe.coverage(vnf));
  const [queue, service, sojourn] = (["queue", "service", "sojourn"] as const).map((span) =>
    probe.histogram(vnf, span),
  );
  expect(queue.sumNs + service.sumNs).toBe(sojourn.sumNs);
}

export function recordsOf({ probe, vnf }: Watched): SpanRecords {
  const records = new SpanRecords();
  probe.read(records);
  probe.readUntransmitted(vnf, records);
  return records;
}

/**
 * Every packet that the VNF sent has its record, and no record is another packet's. `unsent` packets have none, nor
 * have some of those around `missed` runs of the programs, and in each of these a send may have been taken for another's.
 */
export function expectTruth(records: SpanRecords, truth: TruthRows, unsent = 0, missed = 0): void {
  const { pairs, wrongPairs, unmatchedRecords, unmatchedTruth } = joinTruth(records, truth);
  const sent = truth.length - unsent;
  expect(unmatchedRecords).toBe(0);
  expect(wrongPairs).toBeLessThanOrEqual(missed);
  expect(pairs + wrongPairs + unmatchedTruth).toBe(truth.length);
  expect(pairs).toBeGreaterThanOrEqual(sent - 2 * missed);
  expect(pairs).toBeLessThanOrEqual(sent);
  for (let row = 0; row < records.length; row++) {
    const stamps = [records.rxNs, records.readNs, records.sendNs].map((column) => column[row]);
    expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
    expect(records.rxNs[row]).toBeGreaterThan(0);
  }
}

/** Runs that the kernel left out since the probe was opened, because a task was preempted in the program. */
export function missedBy(probe: VnfProbe): number {
  return [...probe.programs().values()].reduce(
    (sum, { recursionMisses }) => sum + recursionMisses,
    0,
  );
}

/** All packets were seen and matched, and nothing else happened; but for `missed` runs of the programs. */
export function expectAll({ probe, vnf }: Watched, packets: number, missed: number): void {
  const coverage = probe.coverage(vnf);
  if (missed === 0) {
    expect(coverage).toMatchObject({
      ...nothingElse,
      ...{ seen: packets, matched: packets, delivered: packets },
    });
  }
  expect(coverage.seen).toBeLessThanOrEqual(packets);
  expect(coverage.matched).toBeGreaterThanOrEqual(packets - 2 * missed);
}

/** What a coverage says when all went by the book. */
export const nothingElse = {
  expired: 0,
  collided: 0,
  filtered: 0,
  in_flight: 0,
  lost: 0,
  unaccounted: 0,
  unknown_reads: 0,
  duplicate_sends: 0,
  unmatched_sends: 0,
  matched_rewritten: 0,
  matched_by_order: 0,
  overtook: 0,
};
