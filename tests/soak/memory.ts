import { readFileSync } from "node:fs";
import { median } from "../../src/stats/summary.ts";

/** What a process may grow or shrink by after its first minute. */
const most = 0.05;

interface Look {
  readonly name: string;
  readonly minute: number;
  readonly kib: number;
}

/** The resident memory of processes, looked at from time to time. */
export class Memory {
  readonly looks: Look[] = [];

  constructor(private readonly pids: Readonly<Record<string, number>>) {}

  look(seconds: number): void {
    for (const [name, pid] of Object.entries(this.pids)) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const kib = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
      this.looks.push({ name, minute: Math.floor(seconds / 60), kib });
    }
  }
}

export interface Growth {
  readonly name: string;
  /** Median of each minute, in MiB. */
  readonly mib: readonly number[];
  readonly wrong?: string;
}

/** Each minute's median against that of the second minute. */
export function growthOf(looks: readonly Look[]): Growth[] {
  return [...new Set(looks.map(({ name }) => name))].map((name) => {
    const own = looks.filter((look) => look.name === name);
    const minutes = [...new Set(own.map(({ minute }) => minute))];
    const kib = minutes.map((minute) =>
      median(own.filter((look) => look.minute === minute).map((look) => look.kib)),
    );
    const mib = kib.map((value) => Math.round(value / 102.4) / 10);
    const off = kib.slice(2).find((value) => Math.abs(value / kib[1] - 1) > most);
    const wrong = `${name} had ${mib[1]} MiB in its second minute, and later ${mib.join(", ")}`;
    return { name, mib, ...(off !== undefined && { wrong }) };
  });
}
