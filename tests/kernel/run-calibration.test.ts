/** The instrument's own offset: kept, applied, and refused once its conditions have changed. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Run } from "../support/run.ts";
import { seen, World } from "../support/world.ts";

describe("komon run", () => {
  test("a calibration serves later runs as an extra figure, until its conditions change", async () => {
    await using world = await World.open();
    await world.run(["sh", "-c", "mount -t tmpfs none /var/lib"]);
    const words = ["run", "1", "50", "0", "1000", "64", "5", "--no-cost", "--out"];
    expect((await world.komonJson<Run>(...words, "/tmp/a")).error.corrected).toBeUndefined();
    const first = await world.komonJson<Run>(...words, "/tmp/b", "--calibrate", "--awake");
    expect(first.error.corrected.pairs).toBe(50);
    const { offset_ns } = first.manifest.calibration as { offset_ns: number };
    expect(first.error.corrected.p50_ns).toBeCloseTo(first.error.service.p50_ns - offset_ns, 3);
    const asleep = await world.komonJson<Run>(...words, "/tmp/c");
    expect(asleep.error.corrected).toBeUndefined();
    expect(asleep.manifest.calibration).toContain("--awake");
    const polled = await world.komonJson<Run>(...words, "/tmp/e", "--awake", "--wait", "never");
    expect(polled.coverage.matched).toBe(polled.coverage.seen);
    expect(polled.error.corrected).toBeUndefined();
    expect(polled.manifest.calibration).toContain("--wait ready");
    await world.run([
      "sed",
      "-i",
      's/"kernel": "/"kernel": "9/',
      "/var/lib/komon/calibration.json",
    ]);
    const moved = await world.komonJson<Run>(...words, "/tmp/d", "--awake");
    expect(moved.manifest.calibration).toContain("kernel");
    world.write("/tmp/broken", "{");
    await world.run(["cp", "/tmp/broken", "/var/lib/komon/calibration.json"]);
    const said = await world.komon(...words, "/tmp/f", "--awake");
    const why = "/var/lib/komon/calibration.json cannot be read: it is no JSON";
    expect(said.stdout).toContain(`\n  not corrected: ${why}\n`);
  });

  test.each([
    ["run", "1 50 0 1000 64 5 --out /tmp/out --calibrate"],
    ["doctor", "--calibrate"],
    ["doctor", "--calibrate --format json"],
  ])("Ctrl-C while komon %s %s calibrates keeps the old calibration", async (verb, words) => {
    await using world = await World.open();
    await world.run(["sh", "-c", "mount -t tmpfs none /var/lib"]);
    const child = world.spawn(verb, ...words.split(" "));
    const errors = child.stderr.getReader();
    for (let said = ""; !said.includes("calibrating: 2 of"); ) {
      const { value, done } = await errors.read();
      if (done) throw new Error(said);
      said += new TextDecoder().decode(value);
    }
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect(existsSync(seen(world, "/var/lib/komon/calibration.json"))).toBe(false);
    const answer = await child.stdout.text();
    if (words.includes("json")) expect(JSON.parse(answer).able).toBe(true);
    else expect(answer.includes("komon run can run here")).toBe(verb === "doctor");
  });
});
