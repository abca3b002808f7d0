/** The kernels that most hosts run, as far as `npm test` has time: `bun run test:kernels` asks them all. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { top } from "../support/komon.ts";

const minutes = 60_000;

test(
  "6.1 and 6.12: hooks, programs, doctor, and a run on every rung, as each kernel should",
  async () => {
    const words = ["--kernels", "6.1,6.12", "--only", "hook,BPF,doctor,run on"];
    const matrix = Bun.spawn([process.execPath, join(top, "tests/kernels/matrix.ts"), ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [lines, talk] = await Promise.all([matrix.stdout.text(), matrix.stderr.text()]);
    console.log(lines);
    expect(talk).toContain("right on 2 kernels");
    expect(await matrix.exited).toBe(0);
  },
  15 * minutes,
);
