import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..", "..");

/** The compiled komon; KOMON_TEST_BINARY names another. */
export const komonBinary = process.env.KOMON_TEST_BINARY ?? join(root, "dist", "komon");

/** The programs that a guest has in /bin, by name: komon if it is built, and Bun for scripts. */
export function guestPrograms(): Record<string, string> {
  return { ...(existsSync(komonBinary) && { komon: komonBinary }), bun: process.execPath };
}
