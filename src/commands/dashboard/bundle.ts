/** Writes the files for Prometheus and Grafana: into a new folder, or what is missing in one. */
import { lstatSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { usageError } from "../../base/errors.ts";
import { print } from "../../base/output.ts";
import { type Access, bundleFiles } from "../../dashboard/bundle/files.ts";
import { writeWhole } from "../../results/wholeFile.ts";

/** Fails, and writes nothing, when a file is there that is not as it would be written. */
export function writeBundle(folder: string, target: string, access: Access): void {
  const files = Array.from(bundleFiles(target, access), ([path, text]) => ({
    ...{ path: join(folder, path), text, there: whatIsAt(join(folder, path)) },
  }));
  const edited = files.filter(({ text, there }) => there !== undefined && there !== text);
  if (edited.length > 0) {
    const names = edited.map(({ path }) => path).join(", ");
    throw usageError(
      `will not write over ${names}`,
      "move it away, or choose another folder and compare",
      "it is not as komon would write it",
    );
  }
  for (const { path, text, there } of files) {
    mkdirSync(dirname(path), { recursive: true });
    if (there === undefined) writeWhole(path, text);
    print(`${path}\n`);
  }
}

/** Its text; undefined when nothing is there. A link, a folder and the like are no text of ours. */
function whatIsAt(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return undefined;
  return stat.isFile() ? readFileSync(path, "utf8") : "";
}
