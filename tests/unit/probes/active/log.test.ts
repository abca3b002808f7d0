import { describe, expect, test } from "bun:test";
import { komonProbeAnswer, komonProbeCpu } from "../../../../src/kernel/generated/probe.ts";
import { AnswerLog, logRoom } from "../../../../src/probes/active/log.ts";

const room = 8;

/** The memory that the programs and the reader share, with a program's half of it. */
class Memory {
  readonly cpus: ArrayBuffer;
  readonly answers: ArrayBuffer;
  readonly #cpus: DataView;
  readonly #answers: DataView;

  constructor(count: number) {
    this.cpus = new ArrayBuffer(count * komonProbeCpu.size);
    this.answers = new ArrayBuffer(count * room * komonProbeAnswer.size);
    this.#cpus = new DataView(this.cpus);
    this.#answers = new DataView(this.answers);
  }

  startAt(cpu: number, position: number): void {
    for (const field of ["written", "taken"] as const) this.#set(cpu, field, position);
  }

  #set(cpu: number, field: "written" | "taken", value: number): void {
    const { offset } = komonProbeCpu.fields[field];
    this.#cpus.setUint32(cpu * komonProbeCpu.size + offset, value, true);
  }

  get(cpu: number, field: "written" | "taken"): number {
    const { offset } = komonProbeCpu.fields[field];
    return this.#cpus.getUint32(cpu * komonProbeCpu.size + offset, true);
  }

  write(cpu: number, rxNs: bigint, sequence: number): void {
    const at = this.get(cpu, "written");
    const base = (cpu * room + (at % room)) * komonProbeAnswer.size;
    this.#answers.setBigUint64(base + komonProbeAnswer.fields.rxNs.offset, rxNs, true);
    this.#answers.setUint32(base + komonProbeAnswer.fields.sequence.offset, sequence, true);
    this.#set(cpu, "written", (at + 1) >>> 0);
  }
}

function read(log: AnswerLog): number[] {
  const sequences: number[] = [];
  const at = komonProbeAnswer.fields.sequence.offset / 4;
  const count = log.read((index) => {
    sequences.push(log.words[(index * komonProbeAnswer.size) / 4 + at]);
  });
  expect(count).toBe(sequences.length);
  return sequences;
}

describe("the logs of all CPUs", () => {
  test("are read as one, in order of arrival", () => {
    const memory = new Memory(4);
    const log = new AnswerLog(memory.cpus, memory.answers, 4, room);
    expect(read(log)).toEqual([]);
    const order = [2, 0, 2, 2, 3, 0, 3, 2, 0];
    for (const [n, cpu] of order.entries()) memory.write(cpu, 2n ** 33n + BigInt(n), n);
    expect(read(log)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(read(log)).toEqual([]);
    memory.write(1, 1n, 9); // later than all that, whatever its clock says
    expect(read(log)).toEqual([9]);
    expect([0, 1, 2, 3].map((cpu) => memory.get(cpu, "taken"))).toEqual([3, 1, 4, 2]);
  });

  test("go on when the 32-bit position wraps", () => {
    const memory = new Memory(2);
    for (const cpu of [0, 1]) memory.startAt(cpu, 2 ** 32 - 3);
    const log = new AnswerLog(memory.cpus, memory.answers, 2, room);
    expect(read(log)).toEqual([]);
    for (let n = 0; n < 5; n++) memory.write(n % 2, BigInt(n), n);
    expect(read(log)).toEqual([0, 1, 2, 3, 4]);
    for (let n = 5; n < 10; n++) memory.write(1, BigInt(n), n);
    expect(read(log)).toEqual([5, 6, 7, 8, 9]);
    expect(memory.get(1, "taken")).toBe(4);
  });

  test("free what was taken at the end, so that nothing is written over while it is read", () => {
    const memory = new Memory(1);
    const log = new AnswerLog(memory.cpus, memory.answers, 1, room);
    for (let n = 0; n < room; n++) memory.write(0, BigInt(n), n);
    log.read(() => expect(memory.get(0, "taken")).toBe(0));
    expect(memory.get(0, "taken")).toBe(room);
  });
});

test("their room: half of what is in flight at most, 64 MiB in all", () => {
  expect(logRoom(1 << 12, 2)).toBe(1 << 11);
  expect(logRoom(1 << 10, 2)).toBe(1 << 10);
  expect(logRoom(1 << 20, 2)).toBe(1 << 19);
  expect(logRoom(1 << 20, 96) * 96 * komonProbeAnswer.size).toBeLessThanOrEqual(64 << 20);
  expect(Number.isInteger(Math.log2(logRoom(1 << 20, 96)))).toBe(true);
});
