/** Files that are cut, spoilt or somebody else's: read as far as they are sound, or refused with a KomonError. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { z } from "zod";
import { configSchema } from "../../../src/export/config.ts";
import { readYaml } from "../../../src/export/yaml.ts";
import { readReport } from "../../../src/report/report.ts";
import { readRunResult } from "../../../src/results/runFile.ts";
import { readSpansLog, spansHeader } from "../../../src/results/spansFile.ts";
import {
  readTruth,
  truthHeadBytes,
  truthMagic,
  truthRowBytes,
} from "../../../src/results/truth.ts";
import { readSweepFile } from "../../../src/sweep/manifest.ts";
import { readStored } from "../../../src/testbed/record.ts";
import { komon2019 } from "../results/folder.ts";
import { expectOnlyKomonErrors } from "./onlyKomonErrors.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "komon-fuzz-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Bytes of a sound file with pieces changed, cut out, put in, and the end cut off. */
function spoilt(sound: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(Math.max(0, sound.length - 1));
  const change = fc.tuple(place, fc.uint8Array({ maxLength: 9 }), fc.nat(9));
  return fc.tuple(fc.array(change, { maxLength: 5 }), fc.option(place)).map(([changes, end]) => {
    let bytes: Buffer = Buffer.from(sound);
    for (const [at, put, cut] of changes) {
      bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
    }
    return bytes.subarray(0, end ?? bytes.length);
  });
}

/** A JSON text in which a few values are something else. */
function otherwise(sound: unknown): fc.Arbitrary<string> {
  const paths = pathsOf(sound);
  const change = fc.tuple(
    fc.constantFrom(...paths),
    fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }),
  );
  return fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
    let copy = structuredClone(sound);
    for (const [path, value] of changes) copy = put(copy, path, value);
    return JSON.stringify(copy) ?? "";
  });
}

function pathsOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]];
  return [
    [],
    ...Object.entries(value).flatMap(([key, inner]) =>
      pathsOf(inner).map((rest) => [key, ...rest]),
    ),
  ];
}

function put(value: unknown, [key, ...rest]: string[], to: unknown): unknown {
  if (key === undefined) return to;
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = Array.isArray(value) ? ([...value] as never) : { ...value };
  if (key in copy) copy[key] = put(copy[key], rest, to);
  return copy;
}

function fuzzBytes(
  name: string,
  sound: Uint8Array,
  read: (path: string) => unknown,
  numRuns = 500,
) {
  test(name, () => {
    const path = join(folder, name.replace(/\W/g, "_"));
    const attempt = (bytes: Uint8Array) => {
      writeFileSync(path, bytes);
      expectOnlyKomonErrors(() => read(path));
    };
    writeFileSync(path, sound);
    read(path);
    fc.assert(fc.property(fc.oneof(spoilt(sound), fc.uint8Array()), attempt), { numRuns });
  });
}

describe("bytes", () => {
  const truth = new DataView(new ArrayBuffer(truthHeadBytes + 3 * truthRowBytes));
  for (let at = 0; at < truthMagic.length; at++) truth.setUint8(at, truthMagic.charCodeAt(at));
  truth.setUint32(8, 1, true);
  truth.setUint32(12, truthRowBytes, true);
  truth.setBigUint64(48, 3n, true);
  fuzzBytes("a truth file", new Uint8Array(truth.buffer), readTruth);

  const cells = spansHeader.split(";").length;
  const row = Array.from({ length: cells }, (_, at) => at + 1).join(";");
  const spans = new TextEncoder().encode(
    `${spansHeader}\n${row}\n1;2;;4;5;6${";".repeat(cells - 6)}\n`,
  );
  fuzzBytes("a SPANS_ file", spans, (path) => readSpansLog(path, 10, () => {}));

  const yaml = new TextEncoder().encode(
    "vnfs:\n  - port: 1234\n    name: 'mirror'\n  - &a port: 53\n",
  );
  fuzzBytes("a YAML file", yaml, (path) => readYaml(path, z.looseObject({})));
  fuzzBytes("a configuration of the exporter", new TextEncoder().encode("{}\n"), (path) =>
    readYaml(path, configSchema),
  );
});

describe("logs of 2019", () => {
  test("in a report", () => {
    const of = join(folder, "logs");
    mkdirSync(of);
    const names = readdirSync(komon2019).filter((name) => /_1000pps_.*_100_10_1\.log$/.test(name));
    expect(names.length).toBe(3);
    const sound = new Map(
      names.map((name) => [name, readFileSync(join(komon2019, name)).subarray(0, 4000)]),
    );
    const anyOne = fc
      .constantFrom(...names)
      .chain((name) =>
        spoilt(sound.get(name) as Uint8Array).map((bytes) => [name, bytes] as const),
      );
    fc.assert(
      fc.property(anyOne, ([name, bytes]) => {
        for (const other of names) writeFileSync(join(of, other), sound.get(other) as Uint8Array);
        writeFileSync(join(of, name), bytes);
        expectOnlyKomonErrors(() => readReport([of]));
      }),
      { numRuns: 60 },
    );
  });
});

describe("JSON in which values are something else", () => {
  const summary = {
    count: 2,
    mean_ns: 1,
    sd_ns: 1,
    p50_ns: 1,
    p90_ns: 1,
    p99_ns: 1,
    p999_ns: 1,
    max_ns: 1,
  };
  const run = {
    schema: "komon.run/1",
    params: {
      intervals: 1,
      packets: 5,
      sleepNs: 0,
      pps: 1000,
      sizeBytes: 64,
      delayNs: 0,
      law: 0,
      rep: 1,
    },
    hooks: { rx: { rung: "tracepoint", hook: "cgroup_skb/ingress" } },
    coverage: {
      seen: 2,
      matched: 2,
      expired: 0,
      collided: 0,
      filtered: 0,
      in_flight: 0,
      delivered: 2,
      lost: 0,
    },
    spans: { service: summary, queue: summary },
    truth: summary,
    vnf: { received: 2, sent: 2, dropped: 0, sent_twice: 0 },
    error: { service: { ...summary, pairs: 2, mae_ns: 1, residual_p50_ns: 1 } },
    cost: { programs: [{ program: "rx", runs: 2, ns_per_run: 1 }], ns_per_packet: 1 },
    load: { sent: 2, refused: 0, offered_pps: 1000, pps: 1000 },
    files: ["KERNEL_1000pps_64byte_0_0_1_5_0_1.log"],
    manifest: { komon: "0.1.0", host: "h", cpus: 2, coverage_detail: {}, wrong_pairs: 0, seed: 1 },
  };

  function fuzz(
    name: string,
    sound: unknown,
    file: string,
    read: (folder: string, path: string) => unknown,
  ) {
    test(name, () => {
      const of = join(folder, name.replace(/\W/g, "_"));
      mkdirSync(of);
      for (const log of readdirSync(komon2019).filter((one) => one.endsWith("_100_10_1.log"))) {
        copyFileSync(join(komon2019, log), join(of, log));
      }
      const path = join(of, file);
      fc.assert(
        fc.property(fc.oneof(otherwise(sound), fc.json(), fc.string()), (text) => {
          writeFileSync(path, text);
          expectOnlyKomonErrors(() => read(of, path));
        }),
        { numRuns: 100 },
      );
    });
  }

  const runName = "RUN_1000pps_64byte_0_0_1_5_0_1.json";
  fuzz("the result of a run", run, runName, (_, path) => readRunResult(path));
  fuzz("the same, in a report", run, runName, (of) => readReport([of]));
  const sweep = {
    schema: "komon.sweep/1",
    settings: {},
    files: [],
    sessions: [{}],
    runs: [{ state: "done" }],
  };
  fuzz("the manifest of a sweep", sweep, "SWEEP.json", (of) => readSweepFile(of));
  const owner = { pid: 1, startTicks: 1, bootId: "x", pidNamespace: "y", command: "komon" };
  const entry = {
    schema: "komon.registry/1",
    kind: "run",
    owner,
    persistent: false,
    resources: [{ kind: "file", path: "/x" }],
  };
  fuzz("a record of what komon made", entry, "1-1-1.json", (_, path) => readStored(path));
});
