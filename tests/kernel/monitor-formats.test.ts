/** komon monitor: what it prints, and when it ends. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { komonCommand } from "../support/komon.ts";
import { spans, startTraffic, startVnf } from "../support/monitor.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(60_000);

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world[Symbol.asyncDispose]());

describe("formats", () => {
  test("jsonl: each line stands alone; csv: a head, then rows as wide; table: below 80 columns", async () => {
    await using _traffic = await startTraffic(world, "2k");
    const monitor = (format: string) =>
      world.komon(
        "monitor",
        "--port",
        "7001",
        "--interval",
        "100ms",
        "--count",
        "3",
        "--format",
        format,
      );

    const jsonl = await monitor("jsonl");
    expect(jsonl.code).toBe(0);
    const rows = jsonl.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.map((row) => row.span)).toEqual([...spans, ...spans, ...spans]);
    for (const row of rows.slice(spans.length)) {
      expect(row).toMatchObject({ schema: "komon.monitor/1", port: 7001 });
      expect(row.packets).toBeGreaterThan(0);
      const times = [row.p50_ns, row.p90_ns, row.p99_ns, row.p999_ns, row.max_ns];
      expect(times).toEqual([...times].sort((a, b) => a - b));
      expect(row.pps).toBeCloseTo(row.packets / row.seconds, 0);
    }

    const csv = await monitor("csv");
    const lines = csv.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split(","));
    expect(lines).toHaveLength(1 + 3 * spans.length);
    expect(lines[0].slice(0, 5)).toEqual(["time", "seconds", "port", "span", "packets"]);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);

    const table = await monitor("table");
    expect(table.stderr).toContain("watching port 7001: ");
    expect(table.stdout.split("\n").filter((line) => Bun.stringWidth(line) > 79)).toEqual([]);
    expect(table.stdout).toMatch(/^time {5}span +rate +p50 +p90 +p99 +p99.9 +max depth\n/);
    expect(table.stdout).toMatch(/coverage: seen [\d,]+ = matched/);
    expect(table.stdout).not.toContain("\x1b");
  });

  test("a reader that goes away ends it in good order", async () => {
    await using _vnf = await startVnf(world, 7001);
    const command = `${komonCommand.join(" ")} monitor --port 7001 --interval 50ms --format jsonl | head -n 2`;
    const { stdout, stderr } = await world.run(["sh", "-c", command]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(2);
    expect(stderr).toMatch(/^watching [^\n]*\n$/);
  });

  test("--duration and --count end it", async () => {
    await using _vnf = await startVnf(world, 7001);
    const rows = async (...words: string[]) => {
      const said = await world.komon("monitor", "--port", "7001", "--format", "jsonl", ...words);
      expect(said.code).toBe(0);
      return said.stdout.trimEnd().split("\n").length / spans.length;
    };
    expect(await rows("--interval", "50ms", "--count", "4")).toBe(4);
    expect(await rows("--interval", "100ms", "--duration", "250ms")).toBe(3);
    expect(await rows("--duration", "50ms")).toBe(1);
  });
});
