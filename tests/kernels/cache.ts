import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Where kernels, package lists and the guest's own tools are kept between runs.
 * About 14 MB a kernel, and 160 MB of lists; deleting the directory costs only the downloads.
 */
export function cacheDirectory(
  environment: Record<string, string | undefined> = process.env,
): string {
  const { KOMON_VM_CACHE, XDG_CACHE_HOME } = environment;
  return KOMON_VM_CACHE || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "komon", "kernels");
}

/** The path of a directory in the cache, made if it is not there. */
export function cached(...parts: string[]): string {
  const path = join(cacheDirectory(), ...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

/** A directory that goes away with the `using` that opened it, or with the process. */
export class Scratch implements Disposable {
  readonly path: string;
  readonly #remove = () => rmSync(this.path, { recursive: true, force: true });

  constructor(parent = tmpdir()) {
    mkdirSync(parent, { recursive: true });
    removeOrphans(parent);
    this.path = mkdtempSync(join(parent, `${prefix}${process.pid}-`));
    process.once("exit", this.#remove);
  }

  [Symbol.dispose](): void {
    process.off("exit", this.#remove);
    this.#remove();
  }
}

const prefix = "komon-vm-";

/** A process that was killed leaves its directory, a few hundred MB; the next one removes it. */
function removeOrphans(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(prefix) && Number(name.slice(prefix.length).split("-")[0]);
    if (!pid || existsSync(`/proc/${pid}`)) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}
