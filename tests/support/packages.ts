/** Files of Debian packages that need not be installed: unpacked into dist/tools, once. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run, top } from "./komon.ts";

const folder = join(top, "dist/tools");

/** The path of a file of a package; undefined where apt does not have it. */
export async function fromPackage(name: string, file: string): Promise<string | undefined> {
  const path = join(folder, name, file);
  if (!existsSync(path)) await unpack(name);
  return existsSync(path) ? path : undefined;
}

async function unpack(name: string): Promise<void> {
  if (!Bun.which("apt-get")) return;
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, ".unpack-"));
  try {
    const download = () => run(["apt-get", "-q", "download", name], { cwd: work });
    if ((await download()).code !== 0) {
      await run(["apt-get", "-q", "update"]); // the lists may be old, or not there at all
      await download();
    }
    const [archive] = readdirSync(work).filter((one) => one.endsWith(".deb"));
    if (!archive) return;
    await run(["dpkg-deb", "-x", join(work, archive), join(work, "unpacked")]);
    if (!existsSync(join(folder, name))) renameSync(join(work, "unpacked"), join(folder, name));
  } finally {
    rmSync(work, { recursive: true });
  }
}
