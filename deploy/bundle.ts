/** Makes the one executable and proves that it lives. */
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { $, type BunPlugin, Glob } from "bun";
import type { Arch } from "./bpf.ts";

const targets = { x86: "bun-linux-x64", arm64: "bun-linux-arm64" } as const;
const machine: Arch = process.arch === "arm64" ? "arm64" : "x86";

/** Bundles src/main.ts, all workers and the BPF objects of this architecture into `outfile`. */
export async function bundle(arch: Arch, outfile: string): Promise<void> {
  const workers = [...new Glob("{src,vnf}/**/*.worker.ts").scanSync()].sort();
  const folder = mkdtempSync(join(dirname(outfile), ".build-"));
  using _cleanup = { [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
  const binary = resolve(folder, "komon");
  const result = await Bun.build({
    entrypoints: ["src/main.ts", ...workers].map((path) => `./${path}`),
    root: ".",
    minify: true,
    bytecode: true,
    format: "esm", // without it, bytecode makes a binary that dies at start
    splitting: true,
    sourcemap: "inline", // a defect's stack names files and lines of the sources
    plugins: [objectsOf(arch)],
    compile: {
      target: targets[arch],
      outfile: binary,
      // A root tool must not run what lies in the folder it is called in.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  });
  for (const message of result.logs) console.error(String(message));
  if (!result.success) throw new Error(`no ${outfile} was made`);
  if (arch === machine) await proveAlive(binary);
  renameSync(binary, outfile);
}

/** Sources name the x86 objects; this hands out those of the target instead. */
function objectsOf(arch: Arch): BunPlugin {
  return {
    name: "bpf objects",
    setup(build) {
      build.onResolve({ filter: /\/dist\/bpf\/x86\/.*\.bpf\.o$/ }, ({ path, importer }) => {
        const object = resolve(importer, "..", path);
        return { path: object.replace("/dist/bpf/x86/", `/dist/bpf/${arch}/`) };
      });
    },
  };
}

/** A bundle can build without a word and die at start, so it is started, away from the sources. */
async function proveAlive(binary: string): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), "komon-build-"));
  try {
    const said = await $`${binary} --version`.cwd(cwd).text();
    if (!said.startsWith("komon ")) throw new Error(`the binary says ${JSON.stringify(said)}`);
  } finally {
    rmSync(cwd, { recursive: true });
  }
}
