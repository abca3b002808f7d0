import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Glob } from "bun";
import { run, top } from "../support/komon.ts";

const root = mkdtempSync(join(tmpdir(), "komon-install-"));
afterAll(() => rmSync(root, { recursive: true }));

const files = () => [...new Glob("**/*").scanSync({ cwd: root, onlyFiles: true })].sort();
const install = (...words: string[]) =>
  run([join(top, "deploy/install.sh"), ...words], { env: { DESTDIR: root, PREFIX: "/usr/local" } });

test("installs into a prefix what runs there, and takes it away again but for the configuration", async () => {
  expect(await install()).toMatchObject({ code: 0, stderr: "" });
  expect(files()).toEqual([
    "etc/komon/komon.yaml",
    "usr/local/bin/komon",
    "usr/local/lib/systemd/system/komon.service",
    "usr/local/lib/sysusers.d/komon.conf",
    "usr/local/share/bash-completion/completions/komon",
    "usr/local/share/doc/komon/LICENSE",
    "usr/local/share/fish/vendor_completions.d/komon.fish",
    "usr/local/share/zsh/site-functions/_komon",
  ]);
  const binary = join(root, "usr/local/bin/komon");
  expect(statSync(binary).mode & 0o777).toBe(0o755);
  const check = [
    binary,
    "export",
    "--config.check",
    "--config.file",
    join(root, "etc/komon/komon.yaml"),
  ];
  expect(await run(check, { cwd: "/" })).toMatchObject({ code: 0 });
  const unit = readFileSync(join(root, "usr/local/lib/systemd/system/komon.service"), "utf8");
  expect(unit).toContain("ExecStart=/usr/local/bin/komon export --user komon\n");
  expect(await install("uninstall")).toMatchObject({ code: 0 });
  expect(files()).toEqual(["etc/komon/komon.yaml"]);
  expect(await install("twice")).toMatchObject({ code: 2 });
});
