import { afterAll } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for one test file, removed after it. */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "komon-test-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A maker of empty folders within one for the test file. */
export function freshFolders(): () => string {
  const folder = testFolder();
  let made = 0;
  return () => {
    const path = join(folder, `set${made++}`);
    mkdirSync(path);
    return path;
  };
}

/** Writes a text file into the folder and returns its path. */
export function textFile(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

export const komon2019 = join(import.meta.dir, "../../fixtures/komon2019");
