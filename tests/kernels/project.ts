import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "./cpio.ts";
import { directoryEntries } from "./root.ts";

const root = join(import.meta.dir, "..", "..");

/** What the tests of a group need of the project: sources, built objects, themselves. */
const parts = [
  ...["package.json", "bunfig.toml", "tsconfig.json"],
  ...["src", "vnf", "bpf", "include", "params", "dist/bpf", "deploy", "docs"],
  ...["tests/kernel", "tests/support", "tests/kernels/guest"],
];

/** Packages that tests import beside those that komon itself does. */
const testPackages = ["fast-check"];

/**
 * The project as entries below a directory of the guest: enough for `bun test tests/kernel`.
 * Its dist/komon is the guest's.
 */
export function projectEntries(guest: string): Entry[] {
  const packages = packageClosure([...Object.keys(manifest(root).dependencies), ...testPackages]);
  const komon: Entry = { path: join(guest, "dist/komon"), link: "/bin/komon" };
  const files = [...parts, ...packages.map((name) => `node_modules/${name}`)].flatMap(
    (part): Entry[] => {
      const [host, path] = [join(root, part), join(guest, part)];
      if (!existsSync(host)) return [];
      if (statSync(host).isDirectory()) return directoryEntries(host, path);
      return [{ path, data: readFileSync(host) }];
    },
  );
  return [...files, komon];
}

/** The packages and all that they depend on. */
function packageClosure(names: readonly string[]): string[] {
  const found = new Set<string>();
  const visit = (name: string) => {
    const directory = join(root, "node_modules", name);
    if (found.has(name) || !existsSync(directory)) return;
    found.add(name);
    Object.keys(manifest(directory).dependencies).forEach(visit);
  };
  names.forEach(visit);
  return [...found];
}

function manifest(directory: string): { dependencies: Record<string, string> } {
  return { dependencies: {}, ...JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) };
}
