import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { komon } from "../support/komon.ts";

const folder = mkdtempSync(join(tmpdir(), "komon-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string) => komon(["dashboard", "--prometheus", join(folder, name)]);

describe("komon dashboard --prometheus", () => {
  test("writes what is not there, and leaves what is there as it is", async () => {
    const first = await write("new");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const paths = first.stdout.trim().split("\n");
    for (const path of paths) expect(statSync(path).mode & 0o777).toBe(0o644);
    rmSync(join(folder, "new/compose.yaml"));
    expect(await write("new")).toMatchObject({ code: 0, stdout: first.stdout });
    expect(readdirSync(join(folder, "new")).sort()).toEqual([
      "compose.yaml",
      "grafana",
      "prometheus",
    ]);
  });

  test("never writes over what was edited, and then writes nothing", async () => {
    mkdirSync(join(folder, "edited/prometheus"), { recursive: true });
    const path = join(folder, "edited/prometheus/prometheus.yml");
    writeFileSync(path, "# mine\n");
    const said = await write("edited");
    expect(said).toMatchObject({ code: 2, stdout: "" });
    expect(said.stderr).toContain(`will not write over ${path}`);
    expect(readFileSync(path, "utf8")).toBe("# mine\n");
    expect(readdirSync(join(folder, "edited"))).toEqual(["prometheus"]);
  });

  test("never goes through a link", async () => {
    mkdirSync(join(folder, "link"));
    symlinkSync(join(folder, "target"), join(folder, "link/compose.yaml"));
    expect(await write("link")).toMatchObject({ code: 2 });
    expect(readdirSync(folder)).not.toContain("target");
  });
});
