/** The main job on the real kernel, in a host of its own, with the binary that users run. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { top } from "../support/komon.ts";
import { expectIdentity, type Run, rows } from "../support/run.ts";
import { lineOf, World } from "../support/world.ts";

describe("komon run", () => {
  test("writes the same packets, in the same order, in all files", async () => {
    await using world = await World.open();
    const run = await world.komonJson<Run>(
      ...["run", "5", "23", "0.01", "2000", "128", "10", "1", "--out", "/tmp/out", "--seed", "7"],
    );
    expect(run.schema).toBe("komon.run/1");
    expectIdentity(run);
    for (const span of ["service", "queue", "sojourn", "egress", "total"]) {
      expect(run.spans[span].count).toBe(115);
    }
    for (const field of [
      "count",
      "mean_ns",
      "sd_ns",
      "p50_ns",
      "p90_ns",
      "p99_ns",
      "p999_ns",
      "max_ns",
    ]) {
      expect(run.spans.service[field]).toBeNumber();
      expect(run.truth[field]).toBeNumber();
    }
    for (const field of ["pairs", "mean_ns", "p50_ns", "p99_ns", "mae_ns", "residual_p50_ns"]) {
      expect(run.error.service[field]).toBeNumber();
      expect(run.error.sojourn[field]).toBeNumber();
    }
    expect(run.error.service.pairs).toBe(115);
    expect(run.error.service.p50_ns).toBeGreaterThan(0);
    expect(run.load.refused).toBe(0);
    expect(run.load.sent).toBe(run.coverage.seen);
    const { programs, packets, ns_per_packet } = run.cost;
    expect(programs.length).toBeGreaterThan(4);
    expect(packets).toBeGreaterThan(0);
    const allNs = programs.reduce((sum, { runs, ns_per_run }) => sum + runs * ns_per_run, 0);
    expect(ns_per_packet * packets).toBeWithin(1, allNs + 1);

    const [vnf, kernel, spans] = ["VNF", "KERNEL", "SPANS"].map((kind) => rows(world, run, kind));
    expect(vnf.length).toBe(115);
    expect(kernel.length).toBe(115);
    expect(spans.length).toBe(116); // a head
    for (let row = 0; row < 115; row++) {
      const cells = spans[row + 1].map(Number);
      const [
        interval,
        index,
        ,
        nic,
        rx,
        read,
        send,
        tx,
        service,
        queue,
        sojourn,
        egress,
        total,
        truth,
      ] = cells;
      expect(kernel[row].slice(0, 3).map(Number)).toEqual([row + 1, interval, index]);
      expect(vnf[row].slice(0, 3).map(Number)).toEqual([row + 1, interval, index - 1]);
      expect(kernel[row].slice(3, 7)).toEqual(["2000", "128", "0.01", "10"]);
      expect(Number(kernel[row][7])).toBe(sojourn);
      expect(Number(vnf[row][7])).toBe(truth);
      expect(queue + service).toBe(sojourn);
      expect([send - read, read - rx, tx - send, tx - nic]).toEqual([
        service,
        queue,
        egress,
        total,
      ]);
      expect(service).toBeGreaterThan(truth);
      expect(nic).toBeLessThan(rx);
    }
    expect(rows(world, run, "BUFFER").map(([interval]) => Number(interval))).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  test.each([0, 1, 2, 3, 4])("law %d over IPv6 is measured as the VNF says", async (law) => {
    await using world = await World.open();
    const run = await world.komonJson<Run>(
      ...["run", "2", "50", "0", "2000", "64", "20", `${law}`, "--ipv6", "--out", "/tmp/out"],
    );
    expectIdentity(run);
    expect(run.error.service.pairs).toBe(100);
    expect(Math.abs(run.spans.service.p50_ns - run.truth.p50_ns)).toBeLessThan(20_000);
  });

  test.each([
    ["numbered payloads", ""],
    ["identical payloads", "--identical"],
  ])(
    "faults of the VNF, four workers, %s: every packet it sent is matched, none wrongly",
    async (_, load) => {
      await using world = await World.open();
      const faults = "--drop 0.05 --reorder 0.05 --duplicate 0.02 --workers 4 --cpu 0,1,0,1";
      const run = await world.komonJson<Run>(
        ...["run", "5", "400", "0", "5000", "128", "5", "--out", "/tmp/out"],
        ...["--vnf-args", faults, "--load-args", `--flows 16 ${load}`],
      );
      expectIdentity(run);
      const detail = run.manifest.coverage_detail;
      expect(run.error.service.pairs).toBe(2000);
      expect(detail.duplicate_sends).toBeGreaterThan(0);
      expect(detail.overtook).toBeGreaterThan(0);
      expect(detail.unmatched_sends).toBe(0);
      expect(run.coverage.matched).toBe(run.vnf.sent);
      expect(run.coverage.collided).toBe(0);
      expect(run.vnf.dropped / run.vnf.received).toBeGreaterThan(0.02);
      expect(run.vnf.dropped / run.vnf.received).toBeLessThan(0.1);
      expect(detail.duplicate_sends).toBe(run.vnf.sent_twice);
    },
  );

  test("the manifest says how to repeat it, and docs/run.md what each of its keys is", async () => {
    await using world = await World.open();
    const { manifest } = await world.komonJson<Run>(
      ...["run", "2", "20", "0.01", "2000", "64", "0", "--out", "/tmp/out", "--ipv6", "--awake"],
      ...["--vnf-args", "--drop 0.05 --workers 2", "--load-args=--flows 4", "--gap", "fixed"],
      ...["--hooks", "tracepoint", "--timeout", "9s", "--wait", "receive", "--port", "4321"],
    );
    expect(manifest).toMatchObject({
      ...{ vnf: "example", vnf_args: ["--drop", "0.05", "--workers", "2"], ipv6: true },
      ...{ load_args: ["--flows", "4"], hooks_asked: "tracepoint", timeout_ns: 9e9 },
      ...{ gap: "fixed", awake: true, wait: "receive", port: 4321, seed: manifest.vnf_seed },
    });
    const docs = readFileSync(join(top, "docs/run.md"), "utf8");
    const section = docs.split("### Manifest\n")[1].split("\n## ")[0];
    const rows = [...section.matchAll(/^\| (`.*?) \|/gm)].map(([, cell]) => cell);
    const told = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, key]) => key));
    const keys = Object.keys(manifest);
    expect(keys.filter((key) => !told.includes(key))).toEqual([]);
    const missing = told.filter((key) => !keys.includes(key));
    expect(missing.filter((key) => key !== "ended" && key !== "governor")).toEqual([]);
  });

  test("a VNF that rewrites every payload is matched by buffer", async () => {
    await using world = await World.open();
    const run = await world.komonJson<Run>(
      ...["run", "2", "100", "0", "2000", "128", "5", "--out", "/tmp/out"],
      ...["--vnf-args", "--rewrite --drop 0.1"],
    );
    expectIdentity(run);
    expect(run.error.service.pairs).toBe(200);
    expect(run.manifest.coverage_detail.matched_rewritten).toBe(run.coverage.matched);
  });

  test("the head of a run names a VNF that runs already, and not a service time", async () => {
    await using world = await World.open();
    const vnf = world.spawn("vnf", "--port", "4321");
    await lineOf(vnf.stdout, /ready/);
    const words = ["run", "1", "5", "0", "1000", "64", "0", "--vnf", "external", "--port", "4321"];
    const said = await world.komon(...words, "--out", "/tmp/out");
    expect(said.stdout).toContain("64 bytes; VNF: external, port 4321\n");
    vnf.kill("SIGINT");
    expect(await vnf.exited).toBe(0);
  });

  test("a VNF that runs already is measured without truth", async () => {
    await using world = await World.open();
    const vnf = world.spawn("vnf", "--port", "4321");
    await lineOf(vnf.stdout, /ready/);
    const run = await world.komonJson<Run>(
      ...[
        "run",
        "2",
        "20",
        "0",
        "1000",
        "64",
        "0",
        "--vnf",
        "external",
        "--port",
        "4321",
        "--out",
        "/tmp/out",
      ],
    );
    expectIdentity(run);
    expect(run.spans.service.count).toBe(40);
    expect(run.truth).toBeUndefined();
    vnf.kill("SIGINT");
    expect(await vnf.exited).toBe(0);
  });
});
