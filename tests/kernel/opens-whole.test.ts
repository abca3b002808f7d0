/** A probe that cannot be opened to its end leaves nothing behind in a process that goes on. */
import { expect, test } from "bun:test";
import { run } from "../support/komon.ts";

for (const probe of ["vnf", "probe"]) {
  test(`${probe}: no room for what it maps last`, async () => {
    const program = `${import.meta.dir}/programs/cramped.ts`;
    const { code, stdout, stderr } = await run([process.execPath, program, probe]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const { error, before, after } = JSON.parse(stdout);
    expect(error).toMatch(/cannot map \d+ bytes/);
    expect(after).toBe(before);
  });
}
