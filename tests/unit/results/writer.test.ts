import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { KomonError } from "../../../src/base/errors.ts";
import { noSeq, SpanRecords } from "../../../src/model/records.ts";
import type { RunParams } from "../../../src/model/run.ts";
import { readBufferLog, readKernelLog, readVnfLog } from "../../../src/results/logs.ts";
import { resultName } from "../../../src/results/names.ts";
import { readSpansLog } from "../../../src/results/spansFile.ts";
import { writeWhole } from "../../../src/results/wholeFile.ts";
import { ResultFiles, sampledRows } from "../../../src/results/writer.ts";
import { testFolder } from "./folder.ts";

const folder = testFolder();
let folders = 0;
const fresh = () => join(folder, `out${folders++}`, "deep");

const params: RunParams = {
  intervals: 2,
  packets: 3,
  sleepNs: 100_000_000,
  pps: 1000,
  sizeBytes: 128,
  delayNs: 2500,
  law: 1,
  rep: 1,
};

/** Two intervals of three packets, the first of the second one without rx, unsampled ones between. */
function records(): { records: SpanRecords; truthNs: Float64Array } {
  const records = new SpanRecords(1);
  for (let packet = 0; packet < 8; packet++) {
    const interval = packet < 3 ? 1 : packet < 5 ? 0 : 2;
    const index = packet < 3 ? packet + 1 : packet < 5 ? 0 : packet - 4;
    const rx = packet === 5 ? 0 : 1000 * packet + 100;
    const read = 1000 * packet + 150;
    const seq = packet === 1 ? noSeq : packet + 1;
    records.append(0, rx, read, read + 400, read + 460, 7, 1, interval, index, seq, 0, 0);
  }
  return {
    records,
    truthNs: Float64Array.from({ length: 8 }, (_, at) => (at === 6 ? Number.NaN : 350 + at)),
  };
}

function write(out: string): string[] {
  const { records: packets, truthNs } = records();
  using files = new ResultFiles(out, params);
  const rows = sampledRows(packets);
  files.buffer({ interval: 1, bytes: 768, packets: 1, drops: 0 });
  files.kernel(packets, rows.subarray(0, 3));
  files.kernel(packets, rows.subarray(3));
  files.vnf(packets, rows, truthNs);
  files.spans(packets, rows, truthNs);
  return files.paths;
}

describe("result files", () => {
  test("have the rows of 2019, the interval as it was, and the same packets side by side", () => {
    const out = fresh();
    const paths = write(out);
    expect(paths.map((path) => path.slice(out.length + 1))).toEqual([
      "VNF_1000pps_128byte_0.1_2.5_2_3_1_1.log",
      "KERNEL_1000pps_128byte_0.1_2.5_2_3_1_1.log",
      "BUFFER_1000pps_128byte_0.1_2.5_2_3_1_1.log",
      "SPANS_1000pps_128byte_0.1_2.5_2_3_1_1.log",
    ]);
    const [vnf, kernel, buffer, spans] = paths.map((path) => readFileSync(path, "utf8"));
    const common = "1000;128;0.1;2.5";
    expect(kernel).toBe(
      `1;1;1;${common};450\n2;1;2;${common};450\n3;1;3;${common};450\n5;2;2;${common};450\n6;2;3;${common};450\n`,
    );
    expect(vnf).toBe(
      `1;1;0;${common};350\n2;1;1;${common};351\n3;1;2;${common};352\n4;2;0;${common};355\n6;2;2;${common};357\n`,
    );
    expect(buffer).toBe("1;768;1;0\n");
    expect(spans.split("\n").slice(0, 3)).toEqual([
      "interval;index;seq;nic_ns;rx_ns;read_ns;send_ns;tx_ns;service_ns;queue_ns;sojourn_ns;egress_ns;total_ns;truth_ns",
      "1;1;1;;100;150;550;610;400;50;450;60;;350",
      "1;2;;;1100;1150;1550;1610;400;50;450;60;;351",
    ]);
    expect(statSync(paths[0]).mode & 0o777 & ~process.umask()).toBe(0o644 & ~process.umask());
  });

  test("are read back", () => {
    const problems: unknown[] = [];
    const onProblem = (problem: unknown) => problems.push(problem);
    const [vnf, kernel, buffer, spans] = write(fresh());
    const context = { scheme: "komon", rows: 6, pps: 1000, sizeBytes: 128, onProblem } as const;
    const k = readKernelLog(kernel, context);
    const v = readVnfLog(vnf, context);
    expect([...k.number.subarray(0, k.length)]).toEqual([1, 2, 3, 5, 6]);
    expect([...v.number.subarray(0, v.length)]).toEqual([1, 2, 3, 4, 6]);
    expect(readBufferLog(buffer, onProblem).packets).toEqual([1]);
    const log = readSpansLog(spans, 1, onProblem);
    expect(log.length).toBe(6);
    expect([...log.ns.service.subarray(0, 6)]).toEqual([400, 400, 400, 400, 400, 400]);
    expect(log.ns.sojourn[3]).toBeNaN();
    expect(log.ns.truth[5]).toBe(357);
    expect(problems).toEqual([]);
  });

  test("are never written over: the file and the mend are named, and nothing new is left", () => {
    const out = fresh();
    mkdirSync(out, { recursive: true });
    const existing = join(out, resultName("BUFFER", params));
    writeFileSync(existing, "mine");
    const again = () => new ResultFiles(out, params);
    expect(again).toThrow(KomonError);
    expect(again).toThrow(existing);
    expect(again).toThrow("--rep");
    expect(readdirSync(out)).toEqual([resultName("BUFFER", params)]);
    expect(readFileSync(existing, "utf8")).toBe("mine");
  });

  test("never go through a symbolic link", () => {
    const out = fresh();
    mkdirSync(out, { recursive: true });
    symlinkSync(join(folder, "target"), join(out, resultName("VNF", params)));
    expect(() => new ResultFiles(out, params)).toThrow(KomonError);
    expect(existsSync(join(folder, "target"))).toBe(false);
  });

  test("in a folder that cannot be", () => {
    writeFileSync(join(folder, "plain"), "");
    expect(() => new ResultFiles(join(folder, "plain", "x"), params)).toThrow("ENOTDIR");
  });

  test("without VNF_ where the truth is unknown", () => {
    const out = fresh();
    const { records: packets, truthNs } = records();
    using files = new ResultFiles(out, params, ["KERNEL", "SPANS"]);
    files.vnf(packets, [0], truthNs);
    files.spans(packets, [0]);
    expect(readFileSync(files.paths[1], "utf8")).toEndWith(";;\n");
    expect(readdirSync(out)).toHaveLength(2);
  });

  test("what was written stays when the device is full", async () => {
    const out = fresh();
    const script = join(import.meta.dir, "fullDevice.ts");
    const shell = `trap '' XFSZ; ulimit -f 16; exec "$0" "$1" "$2"`;
    const child = Bun.spawn(["bash", "-c", shell, process.execPath, script, out], {
      stderr: "pipe",
    });
    const message = await new Response(child.stderr).text();
    expect(await child.exited).toBe(1);
    expect(message).toContain("KERNEL_1000pps");
    expect(message).toContain("EFBIG");
    expect(message).toContain("are kept");
    const problems: unknown[] = [];
    const log = readKernelLog(join(out, resultName("KERNEL", params)), {
      ...{ scheme: "komon", rows: 6, pps: 1000, sizeBytes: 128 },
      onProblem: (problem) => problems.push(problem),
    });
    expect(problems).toEqual([]);
    expect(log.length).toBeGreaterThan(100);
    expect(log.length % 100).toBe(0);
  });
});

test("sampled rows are put in order of interval and index", () => {
  const unordered = new SpanRecords();
  for (const [interval, index] of [
    [2, 1],
    [1, 2],
    [0, 0],
    [1, 1],
    [2, 2],
  ]) {
    unordered.append(0, 0, 0, 0, 0, 0, 0, interval, index, noSeq, 0, 0);
  }
  expect([...sampledRows(unordered)]).toEqual([3, 1, 0, 4]);
});

describe("whole files", () => {
  test("appear at once, and replace only when told to", () => {
    const out = fresh();
    mkdirSync(out, { recursive: true });
    const path = join(out, "RUN.json");
    writeWhole(path, "one");
    expect(() => writeWhole(path, "two")).toThrow(KomonError);
    expect(readFileSync(path, "utf8")).toBe("one");
    writeWhole(path, "three", { replace: true });
    expect(readFileSync(path, "utf8")).toBe("three");
    expect(readdirSync(out)).toEqual(["RUN.json"]);
  });

  test("in no folder", () => {
    expect(() => writeWhole(join(folder, "no", "RUN.json"), "")).toThrow("ENOENT");
  });
});
