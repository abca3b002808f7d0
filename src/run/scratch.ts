import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Entry } from "../testbed/registry.ts";

/** A private folder for the truth on its way from the VNF to the result; gone afterwards, also after a crash. */
export class Scratch implements Disposable {
  readonly #folder = join(tmpdir(), `komon-run-${randomBytes(8).toString("hex")}`);
  readonly #entry: Entry;
  readonly truth = join(this.#folder, "truth.bin");

  constructor() {
    this.#entry = new Entry("run", [
      { kind: "file", path: this.truth },
      { kind: "folder", path: this.#folder },
    ]);
    mkdirSync(this.#folder, { mode: 0o700 });
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
    this.#entry.close();
  }
}
