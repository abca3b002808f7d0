import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTruth } from "../../../src/results/truth.ts";
import { ResultFile } from "../../../vnf/resultFile.ts";
import { TruthRows } from "../../../vnf/rows.ts";
import { sampleLines } from "../../../vnf/samples.ts";
import { rowCount, truthPieces } from "../../../vnf/truth.ts";
import type { VnfOptions } from "../../../vnf/vnf.ts";

const options = { workers: 2, seed: 2 ** 40 + 5, delayNs: 12_345, law: 3 } as VnfOptions;
const none = 0xffff_ffff;

function withFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "vnf-rows-"));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("truth rows", () => {
  test("what is added is what the reader of truth files finds", () => {
    using rows = disposable(new TruthRows());
    const recvNs = 2 ** 52 + 3;
    rows.add(7, 1, recvNs, recvNs + 10, 2 ** 33, 4242, 128, 4, 9);
    rows.add(none, none, 5, 0, 0, 1, 0, 1, 0);
    withFolder((folder) => {
      const path = join(folder, "truth");
      new ResultFile(path).write(truthPieces(options, 1234, rows.chunks()));
      const truth = readTruth(path);
      expect(truth.head).toEqual({
        pid: process.pid,
        workers: 2,
        seed: 2n ** 40n + 5n,
        delayNs: 12_345,
        law: 3,
        port: 1234,
      });
      expect(truth.length).toBe(2);
      expect([...truth.seq]).toEqual([2 ** 32 + 7, -1]);
      expect([...truth.recvNs]).toEqual([recvNs, 5]);
      expect([...truth.sendNs]).toEqual([recvNs + 10, 0]);
      expect([...truth.askedNs]).toEqual([2 ** 33, 0]);
      expect([...truth.tid]).toEqual([4242, 1]);
      expect([...truth.payloadBytes]).toEqual([128, 0]);
      expect([...truth.flags]).toEqual([4, 1]);
      expect([...truth.interval]).toEqual([9, 0]);
    });
  });

  test("rows go on over the end of a chunk, and a held row is completed in the chunk it is in", () => {
    using rows = disposable(new TruthRows());
    const count = 100_003;
    for (let row = 1; row <= count; row++) {
      rows.add(row, 0, row, row === 32_768 ? 0 : row, 0, 0, 0, row === 32_768 ? 2 : 0, 0);
      if (row === 32_768) rows.hold(); // the last one of the first chunk
      if (row === 32_769) rows.release(99, 16);
    }
    expect(rowCount(rows.chunks())).toBe(count);
    withFolder((folder) => {
      const path = join(folder, "truth");
      new ResultFile(path).write(truthPieces(options, 1, rows.chunks()));
      const { seq, sendNs, flags, length } = readTruth(path);
      expect(length).toBe(count);
      expect(seq.every((value, at) => value === at + 1)).toBe(true);
      expect([sendNs[32_767], flags[32_767]]).toEqual([99, 18]);
      expect([sendNs[32_768], flags[32_768]]).toEqual([32_769, 0]);
    });
  });
});

describe("sampled rows", () => {
  const labels = { pps: "1000", bytes: "128", interval: "0.1", delayNs: 50_000 };

  test("have 2019's columns; the dropped, the failed and the unsampled are left out", () => {
    using rows = disposable(new TruthRows());
    rows.add(1, 0, 100, 150, 50, 1, 64, 0, 1);
    rows.add(2, 0, 200, 0, 50, 1, 64, 1, 0); // dropped
    rows.add(3, 0, 300, 351, 50, 1, 64, 0, 1);
    rows.add(4, 0, 400, 450, 50, 1, 64, 0, 0); // not sampled
    rows.add(5, 0, 500, 550, 50, 1, 64, 16, 2); // the send failed
    rows.add(6, 0, 600, 652, 50, 1, 64, 0, 2);
    expect(sampleLines(rows.chunks(), labels, false, 0)).toBe(
      "1;1;0;1000;128;0.1;50;50\n2;1;1;1000;128;0.1;50;51\n3;2;0;1000;128;0.1;50;52\n",
    );
    expect(sampleLines(rows.chunks(), { ...labels, bytes: "" }, false, 1)).toStartWith(
      "1;1;1;1000;64;0.1;50;50\n2;1;2;",
    );
    expect(sampleLines(rows.chunks(), labels, true, 0).split("\n").length - 1).toBe(4);
  });

  test("are in order of receipt over all workers", () => {
    using first = disposable(new TruthRows());
    using second = disposable(new TruthRows());
    first.add(1, 0, 100, 101, 0, 1, 8, 0, 1);
    first.add(3, 0, 300, 303, 0, 1, 8, 0, 1);
    second.add(2, 0, 200, 202, 0, 2, 8, 0, 1);
    const lines = sampleLines([...first.chunks(), ...second.chunks()], labels, false, 0);
    expect(lines.match(/\d+$/gm)).toEqual(["1", "2", "3"]);
  });
});

describe("a result file", () => {
  test("that is there is refused and left as it is, an empty one and a link too", () => {
    withFolder((folder) => {
      const at = (name: string) => join(folder, name);
      writeFileSync(at("old"), "result");
      writeFileSync(at("empty"), "");
      symlinkSync(at("target"), at("link"));
      for (const name of ["old", "empty", "link"]) {
        expect(() => new ResultFile(at(name))).toThrow("EEXIST");
      }
      expect(readFileSync(at("old"), "utf8")).toBe("result");
      expect(existsSync(at("target"))).toBe(false);
    });
  });

  test("holds what was written; without that it goes, and its name is free", () => {
    withFolder((folder) => {
      const path = join(folder, "new");
      {
        using _given_up = new ResultFile(path);
        expect(existsSync(path)).toBe(true);
      }
      expect(existsSync(path)).toBe(false);
      {
        using file = new ResultFile(path);
        file.write([new Uint8Array(3)]);
      }
      expect(statSync(path).size).toBe(3);
      expect(statSync(path).mode & 0o777).toBe(0o644);
    });
  });

  test("that may not grow any more says how far it came, and keeps that", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vnf-rows-"));
    const path = join(folder, "new");
    const module = join(import.meta.dir, "../../../vnf/resultFile.ts");
    const script = `import { ResultFile } from "${module}";
      new ResultFile("${path}").write([new Uint8Array(10_000), new Uint8Array(10_000)]);`;
    const shell = `trap '' XFSZ; ulimit -f 16; exec "$@"`;
    const child = Bun.spawn(["bash", "-c", shell, "sh", process.execPath, "-e", script], {
      stderr: "pipe",
    });
    expect(await child.stderr.text()).toContain("EFBIG, file too large, after 16384 bytes");
    expect(statSync(path).size).toBe(16_384);
    rmSync(folder, { recursive: true });
  });

  test("in a folder that is missing is named", () => {
    withFolder((folder) => {
      expect(() => new ResultFile(join(folder, "no/such"))).toThrow("ENOENT");
      expect(existsSync(join(folder, "no"))).toBe(false);
    });
  });
});

function disposable(rows: TruthRows): TruthRows & Disposable {
  return Object.assign(rows, { [Symbol.dispose]: () => rows.free() });
}
