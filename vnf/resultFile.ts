import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { Exit, KomonError } from "../src/base/errors.ts";
import { errnoNumber, errnoWhy } from "../src/kernel/libc.ts";

/**
 * A file for results, opened before the measurement so that a wrong name is found out first, and
 * written after it. An existing file with something in it is refused, never truncated or continued.
 */
export class ResultFile {
  readonly #fd: number;

  constructor(readonly path: string) {
    try {
      this.#fd = openSync(path, "a");
    } catch (cause) {
      throw new KomonError({
        what: `cannot write ${path}`,
        why: reason(cause),
        cause,
      });
    }
    const { size } = fstatSync(this.#fd);
    if (size > 0) {
      throw new KomonError({
        what: `cannot write ${path}`,
        why: `it exists and holds ${size} bytes`,
        mend: "name another file, or remove this one",
        exit: Exit.usage,
      });
    }
  }

  /** Writes all pieces and closes. What was written stays when it fails half-way. */
  write(pieces: Iterable<Uint8Array>): void {
    let written = 0;
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
