/** What komon run refuses, and how it says so. */
import { describe, expect, test } from "bun:test";
import { World } from "../support/world.ts";

describe("komon run", () => {
  test("results are never overwritten", async () => {
    await using world = await World.open();
    const words = ["run", "1", "5", "0", "1000", "64", "0", "--out", "/tmp/out"];
    expect((await world.komon(...words)).code).toBe(0);
    const again = await world.komon(...words);
    expect(again.code).not.toBe(0);
    expect(again.stderr).toContain("RUN_1000pps_64byte_0_0_1_5_0_1.json");
    expect(again.stderr).toContain("--rep");
    expect((await world.komon(...words, "--rep", "2")).code).toBe(0);
  });

  test("an output folder that cannot be made is told before anything is measured", async () => {
    await using world = await World.open();
    const said = await world.komon("run", "1", "5", "0", "1000", "64", "0", "--out", "/proc/komon");
    expect(said.code).toBe(1);
    expect(said.stderr).toContain("/proc/komon");
  });

  test.each([
    [["run", "1", "5", "0", "1000", "64"], "DELAY"],
    [["run", "1", "5", "0", "1000", "64", "0", "0", "surplus"], "surplus"],
    [["run", "0", "5", "0", "1000", "64", "0"], "INTERVALS"],
    [["run", "1", "-5", "0", "1000", "64", "0"], "-5"],
    [["run", "1", "5", "0", "0", "64", "0"], "PPS"],
    [["run", "1", "5", "0", "1000", "70000", "0"], "SIZE"],
    [["run", "1", "5", "0", "1000", "64", "0", "9"], "9"],
    [["run", "1", "5", "0", "1000", "64", "0", "--hoks", "auto"], "--hooks"],
    [["run", "1", "5", "0", "1000", "64", "0", "--cpu", "9999"], "CPU 9999"],
    [["run", "1", "5", "0", "1000", "64", "0", "--vnf-args", "--drp 0.05"], "--vnf-args"],
    [["run", "1", "5", "0", "1000", "64", "0", "--vnf-args", "--cpu 9999"], "CPU 9999"],
    [["run", "1", "5", "0", "1000", "64", "0", "--load-args", "--burst 5"], "--load-args"],
    [["run", "1", "5", "0", "1000", "64", "0", "--load-args=--help"], "--load-args"],
    [["run", "1", "5", "0", "1000", "64", "0", "--vnf-args=--delay=1ms"], "said by DELAY"],
    [["run", "1", "5", "0", "1000", "64", "0", "--load-args=--pps=3"], "said by PPS"],
    [["run", "1", "5", "0", "1000", "64", "0", "--vnf", "external"], "nobody receives on UDP port"],
    [["monitor", "--port", "9", "--deadline-of", "service"], "--deadline"],
    [["detach", "--port", "9", "--all"], "exclude each other"],
  ])("wrong use ends with 2 and names what is wrong: %p", async (words, told) => {
    await using world = await World.open();
    const out = words[0] === "run" ? ["--out", "/tmp/out"] : []; // what is measured all the same stays in there
    const said = await world.komon(...words, ...out);
    expect(said.code).toBe(2);
    expect(said.stderr).toContain(told);
    expect(said.stdout).toBe("");
  });
});
