import { closeSync, constants, openSync, rmSync, writeSync } from "node:fs";
import { Exit, KomonError } from "../src/base/errors.ts";
import { errnoNumber, errnoWhy } from "../src/kernel/libc.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/**
 * A file for results, made before the measurement so that a wrong name is found out first, and
 * written after it. A file or link that is there is refused, never truncated, continued or followed.
 */
export class ResultFile implements Disposable {
  readonly #fd: number;
  #written = false;

  constructor(readonly path: string) {
    try {
      this.#fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    } catch (cause) {
      const isThere = (cause as NodeJS.ErrnoException).code === "EEXIST";
      throw new KomonError({
        what: `cannot write ${path}`,
        why: reason(cause),
        ...(isThere && { mend: "name another file, or remove this one", exit: Exit.usage }),
        cause,
      });
    }
  }

  /** Removes the file when there was nothing to write, so that the next attempt finds its name free. */
  [Symbol.dispose](): void {
    if (this.#written) return;
    closeSync(this.#fd);
    rmSync(this.path, { force: true });
  }

  /** Writes all pieces and closes. What was written stays when it fails half-way. */
  write(pieces: Iterable<Uint8Array>): void {
    let written = 0;
    this.#written = true;
    try {
      for (const piece of pieces) {
        let left = piece;
        while (left.length > 0) {
          const bytes = writeSync(this.#fd, left);
          written += bytes;
          left = left.subarray(bytes);
        }
      }
      closeSync(this.#fd);
    } catch (cause) {
      throw new KomonError({
        what: `cannot write the rest of ${this.path}`,
        why: `${reason(cause)}, after ${written} bytes`,
        exit: Exit.incomplete,
        cause,
      });
    }
  }
}

function reason(cause: unknown): string {
  return errnoWhy(errnoNumber((cause as NodeJS.ErrnoException).code ?? "EIO"));
}
