import { mkdirSync, readFileSync } from "node:fs";
import { $ } from "bun";

/** Compiles one of the benchmarks' own BPF programs, by its path without `.bpf.c`. */
export async function compileBench(name: string, folder = "bench/probe"): Promise<Uint8Array> {
  mkdirSync("dist/bench", { recursive: true });
  const object = `dist/bench/${name}.bpf.o`;
  const flags = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-D__TARGET_ARCH_x86"];
  const paths = ["-Iinclude", "-Ibpf", "-I/usr/include/x86_64-linux-gnu"];
  await $`clang ${flags} ${paths} -c ${folder}/${name}.bpf.c -o ${object}`;
  return readFileSync(object);
}
