/** Runs komon as a user does: the built binary (or $KOMON_TEST_BINARY) where there is one, else the sources. */
import { existsSync } from "node:fs";
import { join } from "node:path";

export const top = join(import.meta.dir, "../..");
const binary = process.env.KOMON_TEST_BINARY ?? join(top, "dist/komon");

/** The words that start komon. */
export const komonCommand: readonly string[] = existsSync(binary)
  ? [binary]
  : [process.execPath, join(top, "src/main.ts")];

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Runs komon to its end. */
export function komon(words: readonly string[], surroundings: Surroundings = {}): Promise<Said> {
  return run([...komonCommand, ...words], surroundings);
}

/** Runs any command to its end. */
export async function run(command: readonly string[], given: Surroundings = {}): Promise<Said> {
  const child = Bun.spawn([...command], {
    cwd: given.cwd ?? top,
    env: { ...process.env, ...given.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, code] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}
