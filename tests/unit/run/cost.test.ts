import { expect, test } from "bun:test";
import { nsPerPacket } from "../../../src/run/cost.ts";

const programs = [
  { program: "nic_tp", runs: 2000, ns_per_run: 100 }, // each packet twice: once in another namespace
  { program: "read_tp", runs: 1000, ns_per_run: 200 },
  { program: "drop_tp", runs: 10, ns_per_run: 50 },
  { program: "send_sys_enter", runs: 90_000, ns_per_run: 30 },
  { program: "read_sys_exit", runs: 90_000, ns_per_run: 20 },
];

test("a packet pays for one run of each program, and for its VNF's own system calls", () => {
  expect(nsPerPacket(programs, 1000, 2000)).toBeCloseTo(100 + 200 + 0.5 + 2 * 30 + 2 * 20, 9);
});

test("runs that there were none of cost nothing", () => {
  expect(nsPerPacket([{ program: "tx_tp", runs: 0, ns_per_run: 0 }], 1000, 2000)).toBe(0);
  expect(nsPerPacket([], 1000, 0)).toBe(0);
});

test("of no packet nothing can be told", () => {
  expect(nsPerPacket(programs, 0, 0)).toBeNaN();
});
