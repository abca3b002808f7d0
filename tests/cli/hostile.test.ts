/** A tool that root runs must not run what lies in the folder it is called in. */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { komon, run, top } from "../support/komon.ts";

test("bunfig.toml, .env and files named like our own in the working folder are not looked at", async () => {
  expect(existsSync(join(top, "dist/komon"))).toBe(true);
  const cwd = mkdtempSync(join(tmpdir(), "komon-hostile-"));
  try {
    const trap = `require("fs").writeFileSync(${JSON.stringify(join(cwd, "SPRUNG"))}, "")`;
    for (const folder of ["src", "vnf", "node_modules/citty"])
      mkdirSync(join(cwd, folder), { recursive: true });
    for (const file of [
      "trap.js",
      "src/main.ts",
      "vnf/mirror.worker.ts",
      "node_modules/citty/index.js",
    ]) {
      writeFileSync(join(cwd, file), trap);
    }
    writeFileSync(
      join(cwd, "bunfig.toml"),
      'preload = ["./trap.js"]\n[test]\npreload = ["./trap.js"]\n',
    );
    writeFileSync(join(cwd, ".env"), "FORCE_COLOR=1\nBUN_OPTIONS=--preload ./trap.js\n");
    writeFileSync(join(cwd, "tsconfig.json"), '{"compilerOptions":{"paths":{"*":["./trap.js"]}}}');
    writeFileSync(join(cwd, "package.json"), '{"name":"trap","type":"commonjs"}');
    const said = await komon(["--version"], { cwd });
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(said.stdout).toStartWith("komon ");
    expect(existsSync(join(cwd, "SPRUNG"))).toBe(false);

    // The trap is a good one: Bun itself walks into it.
    await run([process.execPath, "src/main.ts"], { cwd });
    expect(existsSync(join(cwd, "SPRUNG"))).toBe(true);
  } finally {
    rmSync(cwd, { recursive: true });
  }
});
