import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SpanRecords } from "../../../src/model/records.ts";
import type { RunResult } from "../../../src/model/result.ts";
import type { RunParams } from "../../../src/model/run.ts";
import { resultName } from "../../../src/results/names.ts";
import { writeRunResult } from "../../../src/results/runFile.ts";
import { ResultFiles, sampledRows } from "../../../src/results/writer.ts";
import { Random } from "../../../src/stats/random.ts";
import { summary } from "../../../src/stats/summary.ts";

export const params: RunParams = {
  intervals: 40,
  packets: 100,
  sleepNs: 100_000_000,
  pps: 1000,
  sizeBytes: 128,
  delayNs: 20_000,
  law: 1,
  rep: 1,
};

export interface Making {
  readonly params?: Partial<RunParams>;
  readonly seed?: number;
  /** Multiplies the service times. */
  readonly slower?: number;
  /** The edges of two system calls, by which the kernel's service time is longer than the truth. */
  readonly edgeNs?: number;
  /** A calibrated offset, as the RUN_ file says it. */
  readonly offsetNs?: number;
  /** Packets that were seen and not matched. */
  readonly expired?: number;
}

export interface Made {
  readonly params: RunParams;
  readonly truthNs: Float64Array;
  readonly serviceNs: Float64Array;
  readonly queueNs: Float64Array;
}

/** Writes the files of a run as komon does, with invented packets, and returns what is in them. */
export function makeRun(folder: string, making: Making = {}): Made {
  const all: RunParams = { ...params, ...making.params };
  const random = new Random(making.seed ?? all.rep);
  const records = new SpanRecords();
  const packets = all.intervals * all.packets;
  const [truthNs, serviceNs, queueNs] = [0, 0, 0].map(() => new Float64Array(packets));
  for (let packet = 0; packet < packets; packet++) {
    const rx = 1_000_000 * (packet + 1);
    truthNs[packet] = Math.round(random.exponential(all.delayNs * (making.slower ?? 1)));
    serviceNs[packet] = truthNs[packet] + (making.edgeNs ?? 700) + random.int(100);
    queueNs[packet] = 3000 + random.int(2000);
    const read = rx + queueNs[packet];
    const send = read + serviceNs[packet];
    const interval = 1 + Math.floor(packet / all.packets);
    const index = 1 + (packet % all.packets);
    records.append(rx - 300, rx, read, send, send + 900, 7, 1, interval, index, packet + 1, 0, 0);
  }
  using files = new ResultFiles(folder, all);
  const rows = sampledRows(records);
  files.kernel(records, rows);
  files.vnf(records, rows, truthNs);
  files.spans(records, rows, truthNs);
  for (let interval = 1; interval <= all.intervals; interval++) {
    files.buffer({ interval, bytes: interval % 2 ? 768 : 0, packets: interval % 2, drops: 0 });
  }
  writeRunResult(folder, resultOf(all, packets, making));
  return { params: all, truthNs, serviceNs, queueNs };
}

function resultOf(params: RunParams, packets: number, making: Making): RunResult {
  const { offsetNs, expired = 10 } = making;
  return {
    schema: "komon.run/1",
    params,
    hooks: {},
    coverage: {
      ...{ seen: packets + expired, matched: packets, expired, collided: 0, filtered: 0 },
      ...{ in_flight: 0, delivered: packets, lost: 0 },
    },
    spans: {},
    ...(offsetNs !== undefined && {
      corrected: { offset_ns: offsetNs, uncertainty_ns: 5, service: summary([offsetNs]) },
    }),
    cost: { programs: [], ns_per_packet: 150, packets: 2000 },
    load: { offered_pps: params.pps, sent_pps: params.pps * 0.999, sent: packets, refused: 0 },
    files: [],
    manifest: { kernel: "6.18.0 <test>", seed: params.rep },
  };
}

/** A folder of KOMon's loads of 2019 or of 2018, of a few rows each. */
export function makeOld(folder: string, scheme: "loads" | "2018"): void {
  const kernel = resultName("KERNEL", { ...params, law: 0 });
  const name = kernel.replace("_0_1.log", scheme === "loads" ? "_1.log" : ".log");
  const rows = (write: (number: number) => string) =>
    Array.from({ length: 40 }, (_, at) => `${at + 1};${write(at + 1)}\n`).join("");
  const unit = scheme === "loads" ? "000" : "";
  const decimals = scheme === "loads" ? "" : ".250000";
  writeFileSync(
    join(folder, name),
    rows((number) => `${number};1;1000;128;0.1;20;${30 + number}${unit}`),
  );
  writeFileSync(
    join(folder, name.replace("KERNEL", "VNF")),
    rows((number) => `${number};0;1000;128;0;20;${20 + number}${unit}${decimals}`),
  );
}
