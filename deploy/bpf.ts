/** Compiles bpf/*.bpf.c into dist/bpf/<arch>/*.bpf.o, skipping what is newer than all sources. */
import { existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { $, Glob } from "bun";

/** As libbpf's headers name them, which is also the folder's name. */
export type Arch = "x86" | "arm64";

/** Compiles what is out of date, all at once, and returns the paths of all objects. */
export async function compileBpf(arch: Arch): Promise<string[]> {
  const sources = files("bpf/*.bpf.c");
  const inputs = [...files("bpf/**/*.{c,h}"), ...files("include/**/*.h"), import.meta.path];
  const newest = Math.max(...inputs.map(mtime));
  const folder = join("dist/bpf", arch);
  mkdirSync(folder, { recursive: true });
  const includes = sources.length > 0 ? await systemIncludes() : [];
  return Promise.all(
    sources.map(async (source) => {
      const object = join(folder, basename(source).replace(/\.c$/, ".o"));
      if (mtime(object) <= newest) await compile(source, object, arch, includes);
      return object;
    }),
  );
}

async function compile(source: string, object: string, arch: Arch, includes: readonly string[]) {
  const partial = `${object}.${process.pid}.tmp`;
  const flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror"];
  const paths = ["-Iinclude", "-Ibpf", ...includes.map((path) => `-I${path}`)];
  await $`clang ${flags} -D__TARGET_ARCH_${arch} ${paths} -c ${source} -o ${partial}`;
  await $`llvm-strip -g ${partial}`; // leaves BTF, takes DWARF away
  renameSync(partial, object);
  console.log(`compiled ${object}`);
}

/** Debian keeps asm/ below a folder that clang does not look into when it compiles for BPF. */
async function systemIncludes(): Promise<string[]> {
  const triple = await $`clang -print-target-triple`.text();
  const path = `/usr/include/${triple.split("-")[0]}-linux-gnu`;
  return existsSync(path) ? [path] : [];
}

function files(pattern: string): string[] {
  return [...new Glob(pattern).scanSync()].sort();
}

function mtime(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
