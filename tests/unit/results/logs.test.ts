import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { RowProblem } from "../../../src/results/lines.ts";
import { readBufferLog, readKernelLog, readVnfLog } from "../../../src/results/logs.ts";
import type { NameScheme } from "../../../src/results/names.ts";
import { komon2019, testFolder, textFile } from "./folder.ts";

const folder = testFolder();

function context(scheme: NameScheme = "komon", pps = 1000) {
  const problems: RowProblem[] = [];
  const onProblem = (problem: RowProblem) => problems.push(problem);
  return { scheme, rows: 10, pps, sizeBytes: 128, onProblem, problems };
}

describe("logs of 2019", () => {
  test("every fixture is read to its last row, without a problem", () => {
    let files = 0;
    for (const name of readdirSync(komon2019).filter((name) => name.endsWith(".log"))) {
      const pps = Number(/_(\d+)pps/.exec(name)?.[1]);
      const known = context("komon", pps);
      const path = join(komon2019, name);
      const rows = name.includes("_1000_10_") ? 10_000 : 1000;
      if (name.startsWith("BUFFER")) {
        expect(readBufferLog(path, known.onProblem).bytes).toHaveLength(rows / 10);
      } else {
        const log = (name.startsWith("VNF") ? readVnfLog : readKernelLog)(path, known);
        expect(log.length).toBe(rows);
        expect(log.number[rows - 1]).toBe(rows);
      }
      expect(known.problems).toEqual([]);
      files++;
    }
    expect(files).toBe(18);
  });

  test("known rows", () => {
    const log = readKernelLog(
      join(komon2019, "KERNEL_100000pps_128byte_0.1_0_100_10_1.log"),
      context("loads", 100_000),
    );
    expect([...log.valueNs.subarray(0, 3)]).toEqual([4977, 17_370, 26_991]);
    expect([...log.interval.subarray(8, 12)]).toEqual([1, 1, 2, 2]);
  });
});

describe("logs of 2018", () => {
  test("are µs: whole ones of the kernel, six decimals of the VNF", () => {
    const vnf = textFile(
      folder,
      "VNF",
      "1;1;0;1000;128;0;100;105.608000\n2;2;0;1000;128;0;100;99.001\n",
    );
    expect([...readVnfLog(vnf, context("2018")).valueNs.subarray(0, 2)]).toEqual([105_608, 99_001]);
    const kernel = textFile(folder, "KERNEL", "1;1;1;1000;128;0.1;100;107\n");
    expect(readKernelLog(kernel, context("2018")).valueNs[0]).toBe(107_000);
  });

  test("times below zero, and of more than 104 days, are none", () => {
    const rows = ["1;1;1;1000;128;0.1;100;-5", "2;1;2;1000;128;0.1;100;99999999999999999999"];
    const path = textFile(folder, "KERNEL", `${rows.join("\n")}\n3;1;3;1000;128;0.1;100;107\n`);
    const known = context();
    expect(readKernelLog(path, known).length).toBe(1);
    expect(known.problems.map(({ line }) => line)).toEqual([1, 2]);
    expect(known.problems[0].what).toContain("no time that a packet took");
  });

  test("mixed units in one file are named", () => {
    const path = textFile(
      folder,
      "mixed",
      "1;1;0;1000;128;0;100;105.6\n2;2;0;1000;128;0;100;99001\n",
    );
    const known = context("2018");
    expect(readVnfLog(path, known).length).toBe(1);
    expect(known.problems[0]).toMatchObject({ file: path, line: 2 });
    expect(known.problems[0].what).toContain("mixed units");
  });
});

describe("the unit of a kernel's log", () => {
  test("decimals are µs, whatever the name; then all rows must have them", () => {
    const rows = "1;1;1;1000;128;0.1;100;107.25\n2;1;2;1000;128;0.1;100;107\n";
    const path = textFile(folder, "decimals", rows);
    const known = context();
    const log = readKernelLog(path, known);
    expect([log.length, log.valueNs[0], log.decimals]).toEqual([1, 107_250, true]);
    expect(known.problems).toMatchObject([{ file: path, line: 2 }]);
    const old = readKernelLog(path, context("2018"));
    expect([...old.valueNs.subarray(0, old.length)]).toEqual([107_250, 107_000]);
  });
});

describe("logs that are not as they should be", () => {
  test("seven columns of the kernel alone", () => {
    const path = textFile(folder, "seven", "1;2;1;1000;128;0.1;5000\n");
    expect(readKernelLog(path, context()).valueNs[0]).toBe(5000);
  });

  test("a second run appended: the first is read, the line is named", () => {
    const row = (number: number) => `${number};1;1;1000;128;0.1;0;${number * 100}\n`;
    const path = textFile(folder, "twice", [1, 2, 3, 1, 2, 3].map(row).join(""));
    const known = context();
    expect(readKernelLog(path, known).length).toBe(3);
    expect(known.problems.map(({ line }) => line)).toEqual([4]);
    expect(known.problems[0].what).toContain("begins again");
  });

  test("rows of another combination, rows that go back, no rows", () => {
    const rows = "1;1;1;500;128;0.1;0;1\n5;1;1;1000;128;0.1;0;1\n4;1;1;1000;128;0.1;0;1\n";
    const known = context();
    expect(readKernelLog(textFile(folder, "rows", rows), known).length).toBe(1);
    expect(known.problems.map(({ line }) => line)).toEqual([1, 3]);
    const empty = context();
    expect(readVnfLog(textFile(folder, "empty", ""), empty).length).toBe(0);
    expect(empty.problems[0]).toMatchObject({ line: 0, what: "no rows" });
  });

  test("more rows than the name promises, and interval numbers that are missing", () => {
    const rows = Array.from({ length: 100 }, (_, at) => {
      const interval = at < 50 ? at + 1 : at + 3;
      return `${at + 1};${interval};0;1000;128;0;0;${at}\n`;
    });
    const log = readVnfLog(textFile(folder, "more", rows.join("")), context());
    expect(log.length).toBe(100);
    expect(log.valueNs[99]).toBe(99);
    expect(log.missingIntervals).toBe(2);
  });

  test("BUFFER_ of two columns and of four", () => {
    const log = readBufferLog(textFile(folder, "buffer", "1;0\n2;768;1;23\n"), () => {});
    expect(log).toMatchObject({ interval: [1, 2], bytes: [0, 768], packets: [1], drops: [23] });
  });
});
