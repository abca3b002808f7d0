/** `komon report` as a user calls it: streams, exit codes, files. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { komon, top } from "../support/komon.ts";

const logs = join(top, "tests/fixtures/komon2019");

describe("komon report", () => {
  test("prints tables on stdout and notes on stderr", async () => {
    const { code, stdout, stderr } = await komon(["report", logs]);
    expect(code).toBe(0);
    expect(stdout).toContain("VNF, KERNEL: medians");
    expect(stderr).toContain("not known to be the same packets");
  });

  test("every format", async () => {
    const json = JSON.parse((await komon(["report", logs, "--format", "json"])).stdout);
    expect(json).toMatchObject({ schema: "komon.report/1", problems: [] });
    expect(json.rows).toHaveLength(5);
    const lines = (await komon(["report", logs, "--format", "jsonl"])).stdout.trim().split("\n");
    expect(JSON.parse(lines[0])).toEqual({ schema: "komon.report/1", ...json.rows[0] });
    const [head, ...rows] = (await komon(["report", logs, "--format", "csv"])).stdout
      .trim()
      .split("\n");
    expect(head).toStartWith("folder,delay_us,law,pps,");
    expect(rows).toHaveLength(5);
    expect((await komon(["report", logs, "--format", "html"])).stdout).toStartWith(
      "<!doctype html>",
    );
    const svg = await komon(["report", logs, "--format", "svg", "--chart", "load"]);
    expect(svg.stdout).toStartWith("<svg xmlns=");
  });

  test("writes to a new file, never over an old one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "komon-cli-"));
    try {
      const out = join(folder, "report.html");
      const words = ["report", logs, "--format", "html", "--out", out];
      expect(await komon(words)).toMatchObject({ code: 0, stdout: "" });
      expect(readFileSync(out, "utf8")).toContain("</html>");
      const again = await komon(words);
      expect(again.code).toBe(2);
      expect(again.stderr).toContain(`will not write over ${out}`);
      expect(again.stderr).toContain("another name with --out");
      expect(again.stderr).not.toContain("--rep");
      const chart = await komon(["report", logs, "--chart", "load"]);
      expect(chart).toMatchObject({ code: 2, stdout: "" });
      expect(chart.stderr).toContain("--format svg");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("bad rows: named, exit code 1, the rest is there", async () => {
    const folder = mkdtempSync(join(tmpdir(), "komon-cli-"));
    try {
      const name = "KERNEL_1000pps_128byte_0.1_0_2_2_0_1.log";
      writeFileSync(
        join(folder, name),
        "1;1;1;1000;128;0.1;0;5000\nx\n3;2;1;1000;128;0.1;0;5002\n",
      );
      const { code, stdout, stderr } = await komon(["report", folder, "--format", "csv"]);
      expect(code).toBe(1);
      expect(stderr).toContain(`${join(folder, name)}:2: "x" is not a row of numbers`);
      expect(stdout).toContain(",5001,");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("wrong use", async () => {
    expect((await komon(["report"])).code).toBe(2);
    expect((await komon(["report", "/nowhere"])).stderr).toContain("ENOENT");
    const svg = await komon(["report", logs, "--format", "svg", "--chart", "error"]);
    expect(svg).toMatchObject({ code: 2, stdout: "" });
    const one = await komon(["report", logs, "--format", "svg", "--chart", "difference"]);
    expect(one.stderr).toContain("--chart difference is a chart of --against");
    const none = ["report", logs, "--against", logs, "--format", "svg", "--chart", "error"];
    expect(await komon(none)).toMatchObject({ code: 2, stdout: "" });
  });

  test("against itself: nothing differs", async () => {
    const { code, stdout } = await komon(["report", logs, "--against", logs]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^0 of \d+ figures differ beyond the noise\./);
    const words = ["report", logs, "--against", logs, "--format"];
    expect((await komon([...words, "html"])).stdout).toContain("<h2>Distributions</h2>");
    const svg = await komon([...words, "svg", "--chart", "difference"]);
    expect(svg.stdout).toContain("Difference of the medians");
    const json = JSON.parse((await komon([...words, "json"])).stdout);
    expect(json).toMatchObject({ schema: "komon.report.against/1", problems: [] });
  });
});
