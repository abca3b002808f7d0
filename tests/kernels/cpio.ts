import { closeSync, openSync, writeSync } from "node:fs";

/** One entry of an initial file system; the directories above it are added by the writer. */
export type Entry =
  | { readonly path: string; readonly data: Uint8Array; readonly mode?: number }
  | { readonly path: string; readonly link: string }
  | { readonly path: string };

const type = { directory: 0o040000, file: 0o100000, link: 0o120000 } as const;

/**
 * Pieces of an archive in the "newc" format, the one that Linux unpacks as initramfs.
 * Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
 * Archives may be concatenated; later files replace earlier ones.
 */
export function* archive(entries: Iterable<Entry>): Generator<Uint8Array> {
  let inode = 1;
  const made = new Set<string>();
  for (const entry of entries) {
    const path = entry.path.replace(/^\/+/, "");
    const parents = path.split("/").slice(0, -1);
    for (let depth = 1; depth <= parents.length; depth++) {
      const parent = parents.slice(0, depth).join("/");
      if (made.has(parent)) continue;
      made.add(parent);
      yield header(inode++, parent, type.directory | 0o755, 0);
    }
    if (made.has(path)) continue;
    made.add(path);
    if ("data" in entry) {
      yield header(inode++, path, type.file | (entry.mode ?? 0o644), entry.data.length);
      yield entry.data;
      yield new Uint8Array(padding(entry.data.length));
    } else if ("link" in entry) {
      const target = new TextEncoder().encode(entry.link);
      yield header(inode++, path, type.link | 0o777, target.length);
      yield target;
      yield new Uint8Array(padding(target.length));
    } else {
      yield header(inode++, path, type.directory | 0o755, 0);
    }
  }
  yield header(0, "TRAILER!!!", 0, 0);
}

/** Writes archives one after the other into one file. */
export function writeArchives(file: string, archives: Iterable<Iterable<Uint8Array>>): void {
  const fd = openSync(file, "w");
  try {
    for (const pieces of archives) {
      for (const piece of pieces) {
        for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
      }
    }
  } finally {
    closeSync(fd);
  }
}

function header(inode: number, path: string, mode: number, size: number): Uint8Array {
  const name = new TextEncoder().encode(`${path}\0`);
  const links = mode & type.directory ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, name.length, 0];
  const text = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  const used = text.length + name.length;
  const bytes = new Uint8Array(used + padding(used));
  bytes.set(new TextEncoder().encode(text));
  bytes.set(name, text.length);
  return bytes;
}

function padding(size: number): number {
  return -size & 3;
}
