import { readFileSync } from "node:fs";

/** A line of the mount table. */
export interface Mount {
  readonly source: string;
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** What is mounted where, as this process sees it; a later one lies above an earlier one at the same path. */
export function mounts(): Mount[] {
  const lines = readFileSync("/proc/self/mounts", "utf8").split("\n").filter(Boolean);
  return lines.map((line) => {
    // A blank, a tab, a line's end and a backslash in a name are written in octal (proc_pid_mounts(5)).
    const [source, path, type, options] = line
      .split(" ")
      .map((word) =>
        word.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
      );
    return { source, path, type, options: options.split(",") };
  });
}

/** Where a file system of this type is mounted; the first place of several. */
export function mountPoint(type: string): string | undefined {
  return mounts().find((mount) => mount.type === type)?.path;
}
