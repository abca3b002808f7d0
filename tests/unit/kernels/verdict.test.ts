import { expect, test } from "bun:test";
import { join } from "node:path";
import { hooks as vnfHooks } from "../../../src/probes/vnf/hooks.ts";
import { type Check, type Evidence, isSince, same, since } from "../../kernels/checks/check.ts";
import { hooks, isThere, placesOf } from "../../kernels/checks/hooks.ts";
import { programsCheck } from "../../kernels/checks/programs.ts";
import { rungChecks } from "../../kernels/checks/rungs.ts";
import { judgeTests, suiteChecks } from "../../kernels/checks/suite.ts";
import { consoleStory, lastWords } from "../../kernels/console.ts";
import { evidenceOf } from "../../kernels/inquiry.ts";
import type { Kernel } from "../../kernels/kernel.ts";
import { table, tableIn, withTable } from "../../kernels/report.ts";
import { verdictOf } from "../../kernels/verdict.ts";

const kernel = (series: string, version: string): Kernel => ({
  series,
  version,
  release: `${series}-test`,
  image: "",
  modules: "",
});
const [old, recent] = [kernel("6.1", "6.1.192-2"), kernel("6.12", "6.12.117-1")];

const evidence = (parts: Partial<Evidence>): Evidence => ({
  exit: 0,
  ms: 1500,
  stdout: "",
  stderr: "",
  left: "",
  files: {},
  ...parts,
});

const check: Check = {
  name: "a feature",
  komon: false,
  script: "",
  expected: since("6.3", "sock_recv_length"),
  judge({ exit }) {
    same("the exit code", exit, 0);
    return "23 of 23";
  },
};

test("a feature is wanted from its version on, candidates included", () => {
  expect(isSince("6.3.1-1", "6.3")).toBe(true);
  expect(isSince("6.3~rc1-1", "6.3")).toBe(true);
  expect(isSince("6.12.117-1", "6.3")).toBe(true);
  expect(isSince("6.2.16-1", "6.3")).toBe(false);
});

test("working where it should is ok; leaving something behind is not", () => {
  expect(verdictOf(check, recent, evidence({}))).toMatchObject({ outcome: "ok", text: "23 of 23" });
  expect(verdictOf(check, recent, evidence({ left: "+link veth0\n" }))).toMatchObject({
    outcome: "failed",
    text: "left behind: +link veth0",
  });
});

test("a failure carries what differs and the program's last words", () => {
  const verdict = verdictOf(check, recent, evidence({ exit: 1, stderr: "error: EPERM\n" }));
  expect(verdict.outcome).toBe("failed");
  expect(verdict.text).toBe("the exit code is 1, not 0\nerror: EPERM");
});

test("before its version only a refusal with the reason is right", () => {
  const refusal = { exit: 3, stderr: "error: no sock_recv_length in this kernel\n" };
  const outcome = (parts: Partial<Evidence>) => verdictOf(check, old, evidence(parts)).outcome;
  expect(outcome(refusal)).toBe("refused");
  expect(outcome({})).toBe("failed");
  expect(outcome({ ...refusal, exit: 1 })).toBe("failed");
  expect(outcome({ ...refusal, stderr: "error: -22\n" })).toBe("failed");
  expect(outcome({ ...refusal, stdout: "{}" })).toBe("failed");
  expect(outcome({ ...refusal, left: "+pin x" })).toBe("failed");
});

test("a guest that died before a check fails it", () => {
  expect(verdictOf(check, old, undefined).outcome).toBe("failed");
});

test("the hooks asked for are those of the programs, each from and until its version", () => {
  const program =
    'SEC("fentry/f")\nint a() {}\nSEC("kprobe/f") SEC("tp_btf/t") SEC("raw_tp/t") SEC("tc")';
  expect(placesOf(program)).toEqual([
    { name: "f", kind: "function" },
    { name: "t", kind: "tracepoint" },
  ]);
  const ladder = vnfHooks.flatMap(({ name }) =>
    name.split("+").map((one) => one.replace(/^.*\//, "")),
  );
  const known = [...hooks.map(({ name }) => name), "ingress"];
  expect(ladder.filter((name) => !known.includes(name))).toEqual([]);
  const receive = hooks.find(({ name }) => name === "sock_recv_length");
  expect(receive).toMatchObject({ kind: "tracepoint", since: "6.3" });
  const hook = { name: "x", kind: "function", since: "6.3", until: "7.2" } as const;
  const there = (version: string) => isThere(hook, version);
  expect(["6.1.192-2", "6.3~rc1-1", "6.18.15-1", "7.2.13-1"].map(there)).toEqual([
    ...[false, true, true, false],
  ]);
});

const [sampled, sent] = [23, 31];
const span = { count: sampled };
const good = {
  schema: "komon.run/1",
  hooks: Object.fromEntries(
    ["rx", "read", "send"].map((point) => {
      const has = vnfHooks.some((hook) => hook.point === point && hook.rung === "kprobe");
      return [point, { rung: has ? "kprobe" : "tracepoint" }];
    }),
  ),
  load: { sent },
  coverage: {
    ...{ seen: sent, matched: sent, delivered: sent },
    ...{ expired: 0, collided: 0, filtered: 0, in_flight: 0, lost: 0 },
  },
  spans: { service: span, queue: span, sojourn: span },
};

/** Row by row: packet n was read 5 µs after rx, sent 20 n µs after that, and knows 1 µs less. */
function rowsOf(change: (row: Record<string, number>) => object = (row) => row): string[] {
  const rows = Array.from({ length: sampled }, (_, n) => {
    const [rx_ns, service_ns] = [n * 1e9, (n + 1) * 20_000];
    const [read_ns, truth_ns] = [rx_ns + 5_000, service_ns - 1_000];
    const times = { rx_ns, read_ns, send_ns: read_ns + service_ns };
    const spans = { service_ns, queue_ns: 5_000, sojourn_ns: service_ns + 5_000, truth_ns };
    return change({ seq: n + 1, ...times, ...spans });
  });
  return [Object.keys(rows[0]).join(";"), ...rows.map((row) => Object.values(row).join(";"))];
}

const column = (time: (n: number) => number) =>
  Array.from({ length: sampled }, (_, n) => `${n + 1};1;1;20;128;0;5000;${time(n)}\n`).join("");
const files: Record<string, string> = {
  "SPANS_x.log": rowsOf().join("\n"),
  "KERNEL_x.log": column((n) => (n + 1) * 20_000 + 5_000),
  "VNF_x.log": column((n) => (n + 1) * 20_000 - 1_000),
};
const kprobe = rungChecks.find(({ rung }) => rung === "kprobe") as Check;
const run = (result: object, written: Record<string, string> = files) =>
  verdictOf(kprobe, old, evidence({ stdout: JSON.stringify(result), files: written }));

test("a run with every packet matched is right", () => {
  expect(run(good)).toMatchObject({ outcome: "ok", text: "31 of 31" });
});

test.each([
  ["another rung", { ...good, hooks: { ...good.hooks, rx: { rung: "fentry" } } }],
  ["a packet not seen", { ...good, coverage: { ...good.coverage, seen: 30 } }],
  ["a record lost", { ...good, coverage: { ...good.coverage, lost: 1 } }],
  ["a packet seen that was not sent", { ...good, load: { sent: 30 } }],
  ["a span of fewer packets", { ...good, spans: { ...good.spans, queue: { count: 22 } } }],
  ["no span", { ...good, spans: {} }],
])("%s is a failure", (_, result) => {
  expect(run(result).outcome).toBe("failed");
});

test.each([
  ["spans that do not add up", { queue_ns: 5_001 }],
  ["a service shorter than the truth", { truth_ns: 470_000 }],
  ["a packet twice", { seq: 1 }],
])("%s are a failure", (_, wrong) => {
  const rows = rowsOf((row) => (row.seq === 7 ? { ...row, ...wrong } : row));
  expect(run(good, { ...files, "SPANS_x.log": rows.join("\n") }).outcome).toBe("failed");
});

test("rows of different packets side by side are a failure", () => {
  const shifted = column((n) => (n + 2) * 20_000 - 1_000);
  expect(run(good, { ...files, "VNF_x.log": shifted }).outcome).toBe("failed");
  const { "KERNEL_x.log": _, ...without } = files;
  expect(run(good, without).outcome).toBe("failed");
});

test("output that is no JSON is a failure, not a crash", () => {
  const verdict = verdictOf(kprobe, old, evidence({ stdout: "{" }));
  expect(verdict.outcome).toBe("failed");
});

test("a refused program is right only where it is expected, for the reason that is expected", () => {
  const asked = (version: string, refusals: Record<string, string | null>) => {
    const programs = { "a/one": null, "a/two": null, "a/three": null, ...refusals };
    const lines = Object.entries(programs).map(([program, refusal]) => ({ program, refusal }));
    const stdout = lines.map((each) => JSON.stringify(each)).join("\n");
    return verdictOf(programsCheck, kernel("", version), evidence({ stdout })).outcome;
  };
  expect(asked("6.12.1-1", { "vnf/read_tp": null })).toBe("ok");
  expect(asked("6.12.1-1", { "vnf/read_tp": "no sock_recv_length" })).toBe("failed");
  expect(asked("6.1.1-1", { "vnf/read_tp": "no sock_recv_length" })).toBe("ok");
  expect(asked("6.1.1-1", { "vnf/read_tp": null })).toBe("failed");
  expect(asked("6.1.1-1", { "vnf/read_tp": "EPERM" })).toBe("failed");
  const fetch = "EINVAL: BPF_STX uses reserved fields";
  const trace = { "tcp/state": fetch, "tcp/destroyed": null };
  expect(asked("5.10.1-1", { ...trace, "vnf/rx": fetch, "vnf/tx": null })).toBe("ok");
  expect(asked("5.10.1-1", { "tcp/state": null })).toBe("failed");
  expect(asked("5.10.1-1", { "probe/tx": fetch })).toBe("failed");
  expect(asked("5.10.1-1", { "vnf.nofetch/rx": fetch })).toBe("failed");
  expect(asked("5.15.1-1", { "vnf/rx": fetch })).toBe("failed");
});

test("a file of tests is right when all of it ran and passed", () => {
  expect(judgeTests(0, "(pass) a [1ms]\n\n 6 pass\n 0 fail\n 9 expect() calls\n")).toBe("6 passed");
  const failure = "(pass) a\n(fail) b > c [7.00ms]\n\n 1 pass\n 1 fail\n";
  expect(() => judgeTests(1, failure)).toThrow("1 of its tests failed, exit code 1\n(fail) b > c");
  expect(() => judgeTests(137, " 3 pass\n")).toThrow("exit code 137");
  expect(() => judgeTests(0, "")).toThrow();
});

test("a test is skipped for what this kernel lacks, and there some are", () => {
  const skips = "(skip) a > b (skipped: no x)\n(skip) c (skipped: no x)\n\n";
  const some = `${skips} 6 pass\n 2 skip\n 0 fail\n`;
  const every = `${skips} 0 pass\n 2 skip\n 0 fail\n`;
  const whole = { reason: "no x", whole: true } as const;
  expect(judgeTests(0, some, { reason: "no x" })).toBe("6 passed, 2 skipped");
  expect(judgeTests(0, every, whole)).toBe("skipped: no x");
  for (const output of [some, every]) {
    expect(() => judgeTests(0, output)).toThrow("skipped: no x");
    expect(() => judgeTests(0, output, { reason: "no y" })).toThrow("skipped: no x");
  }
  expect(() => judgeTests(0, some, whole)).toThrow("6 passed, though no x");
  expect(() => judgeTests(0, " 6 pass\n", { reason: "no x" })).toThrow("nothing was skipped");
  expect(() => judgeTests(0, "(skip) a\n 6 pass\n 1 skip\n")).toThrow("skipped");
  const twice = some.replace(
    /^( 6 pass)/m,
    `\n1 tests skipped:\n${some.match(/^\(skip.*$/m)}\n\n$1`,
  );
  expect(judgeTests(0, twice, { reason: "no x" })).toBe(judgeTests(0, some, { reason: "no x" }));
});

test("the files of tests that the matrix names are there", async () => {
  const there = await Promise.all(
    suiteChecks.map(({ script }) =>
      Bun.file(
        join(import.meta.dir, "../../..", /tests\/kernel\/\S+/.exec(script)?.[0] ?? ""),
      ).exists(),
    ),
  );
  expect(suiteChecks.filter((_, i) => !there[i]).map(({ name }) => name)).toEqual([]);
});

test("the evidence of whole lines is taken, of a cut one not", () => {
  const encoded = (text: string) => Buffer.from(text).toString("base64");
  const line = `{"check":"00","exit":7,"ms":1500,"stdout":"${encoded("a\nb")}","stderr":"","left":"","files":{"out/x":"${encoded("1;2")}"}}`;
  const found = evidenceOf(`${line}\n{"check":"01","exit":0,"stdou`);
  expect([...found.keys()]).toEqual(["00"]);
  expect(found.get("00")).toEqual(evidence({ exit: 7, stdout: "a\nb", files: { "out/x": "1;2" } }));
});

test("the console tells release, boot time, exit code and panic", () => {
  const lines =
    "[ 2.8] komon-vm: no-module /lib/x.ko\r\n[ 2.9] komon-vm: up 6.1.0-56 2.87\r\n[ 3.1] komon-vm: exit 137 3.02 900 kB\r\n";
  expect(consoleStory(lines)).toEqual({
    release: "6.1.0-56",
    bootMs: 2870,
    exit: 137,
    failure: undefined,
    missing: ["/lib/x.ko"],
  });
  const panic = "[ 1.0] Kernel panic - not syncing: Fatal exception\r\n[ 1.1] CPU: 0";
  expect(consoleStory(panic)).toMatchObject({
    exit: undefined,
    failure: "Kernel panic - not syncing: Fatal exception",
  });
  expect(lastWords("\x1bc\x1b[?7l\x1b[2Jone\r\ntwo\r\n", 1)).toEqual(["two"]);
  expect(lastWords("\x1bc\x1b[?7l\x1b[2Jone\r\n", 5)).toEqual(["one"]);
});

test("a crash is told from its first line on, however long its trace", () => {
  const trace = Array.from({ length: 60 }, (_, line) => `[ 1.2]  ? function_${line}+0x1/0x2`);
  const crash = ["[ 1.0] Kernel panic - not syncing: x", "[ 1.1] Call Trace:", ...trace];
  expect(lastWords(["[ 0.9] before", ...crash].join("\r\n"), 40)).toEqual(crash);
  expect(lastWords(["one", "[ 1.0] Oops: 0000 [#1]", "two"].join("\n"), 3)).toHaveLength(3);
});

test("the table has a column for each kernel and replaces only its part of the document", () => {
  const verdicts = [
    verdictOf(check, old, evidence({ exit: 3, stderr: "sock_recv_length" })),
    verdictOf(check, recent, evidence({ exit: 1 })),
  ];
  const markdown = table(verdicts, ["another", "a feature"]);
  expect(markdown.split("\n")).toEqual([
    "|  | 6.1 | 6.12 |",
    "| --- | --- | --- |",
    "| Debian package | 6.1.192-2 | 6.12.117-1 |",
    "| a feature | refused: sock_recv_length | **failed** |",
  ]);
  const document = withTable(
    "before\n<!-- generated by `bun run test:kernels --write` -->\nold\n<!-- end of the generated part -->\nafter\n",
    markdown,
  );
  expect(document).not.toContain("old");
  expect(document.startsWith("before\n")).toBe(true);
  expect(document.endsWith("\nafter\n")).toBe(true);
  expect(withTable(document, markdown)).toBe(document);
  expect(tableIn(document)).toBe(markdown);
  expect(() => withTable("no markers", markdown)).toThrow();
});

test("what a run did not ask stays in the table, but not of another package", () => {
  const seen = verdictOf({ ...check, name: "another" }, recent, evidence({}));
  const before = table([verdictOf(check, recent, evidence({})), seen], ["a feature", "another"]);
  const rows = ["a feature", "another"];
  const later = (kernels: Kernel) =>
    table([verdictOf(check, kernels, evidence({ exit: 1 }))], rows, before);
  expect(later(recent).split("\n").slice(2)).toEqual([
    "| Debian package | 6.12.117-1 |",
    "| a feature | **failed** |",
    "| another | 23 of 23 |",
  ]);
  expect(later(kernel("6.12", "6.12.118-1")).split("\n").slice(2)).toEqual([
    "| Debian package | 6.12.118-1 |",
    "| a feature | **failed** |",
  ]);
  expect(later(old).split("\n")).toEqual([
    "|  | 6.1 | 6.12 |",
    "| --- | --- | --- |",
    "| Debian package | 6.1.192-2 | 6.12.117-1 |",
    "| a feature | **failed** | 23 of 23 |",
    "| another |  | 23 of 23 |",
  ]);
});
