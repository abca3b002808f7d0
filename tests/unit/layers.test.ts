import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Glob } from "bun";

const top = join(import.meta.dir, "../..");

/** What each folder may import of komon, from the table of docs/architecture.md: in its order. */
const mayImport = new Map(
  [...read("docs/architecture.md").matchAll(/^\| `(src\/[^`]+?|vnf)\/?` \|.*\|([^|]*)\|$/gm)].map(
    ([, folder, known]) => [folder, known.trim().split(", ").filter(Boolean).map(folderOf)],
  ),
);

/** The only folders that touch native code, and the only ones that name BPF objects. */
const mayBindNative = ["src/kernel"];
const mayNameObjects = ["src/kernel", "src/probes"];

interface Arrow {
  readonly file: string;
  readonly specifier: string;
  /** The file meant, from the project's top; undefined for packages. */
  readonly target: string | undefined;
}

function read(path: string): string {
  return readFileSync(join(top, path), "utf8");
}

/** As the table's last column names it. */
function folderOf(name: string): string {
  return name === "vnf" || name === "all" ? name : `src/${name}`;
}

const files = [...new Glob("{src,vnf}/**/*.ts").scanSync({ cwd: top })].sort();
const arrows = files.flatMap((file) => importsOf(file, read(file)));

describe("layers", () => {
  test("the reader of imports finds all of their forms", () => {
    const text = `
      import { a } from "./a.ts";
      import type { B } from "../b/b.ts";
      import "./c.ts";
      export * from "./d.ts";
      export {
        e,
      } from './e.ts';
      const f = () => import("./f.ts");
      import g from "../../dist/bpf/x86/g.bpf.o" with { type: "file" };
      import { ptr } from "bun:ffi";
      type H = import("./h.ts").H;
    `;
    expect(
      importsOf("src/x/x.ts", text).map(({ target, specifier }) => target ?? specifier),
    ).toEqual([
      ...["src/x/a.ts", "src/b/b.ts", "src/x/c.ts", "src/x/d.ts", "src/x/e.ts", "src/x/f.ts"],
      ...["dist/bpf/x86/g.bpf.o", "bun:ffi", "src/x/h.ts"],
    ]);
  });

  test("every folder has its place in the order, and each place a folder", () => {
    const layers = files.filter((file) => !file.endsWith(".d.ts")).map(layerOf);
    expect([...new Set(layers)].sort()).toEqual([...mayImport.keys()].sort());
  });

  test("no folder may know one below it", () => {
    const order = ["all", ...mayImport.keys()];
    const upwards = [...mayImport].flatMap(([folder, known]) =>
      known
        .filter((one) => !(order.indexOf(one) < order.indexOf(folder) && order.includes(one)))
        .map((one) => `${folder} → ${one}`),
    );
    expect(upwards).toEqual([]);
  });

  test("no arrow points against the order, nor out of it", () => {
    const against = arrows.filter(({ file, target }) => {
      if (target === undefined || /^dist\/bpf\/|^package\.json$/.test(target)) return false;
      const [from, to] = [layerOf(file), layerOf(target)];
      const allowed = mayImport.get(from) ?? [];
      return (
        to !== from && !allowed.includes(to) && !(allowed.includes("all") && mayImport.has(to))
      );
    });
    expect(against.map(show)).toEqual([]);
  });

  test("only the kernel layer binds native code", () => {
    const native = arrows.filter(({ specifier }) => specifier === "bun:ffi");
    expect(native.filter(({ file }) => !mayBindNative.includes(layerOf(file))).map(show)).toEqual(
      [],
    );
  });

  test("only kernel and probes name BPF objects, and as the build expects them", () => {
    const objects = arrows.filter(({ specifier }) => specifier.endsWith(".bpf.o"));
    expect(objects.filter(({ file }) => !mayNameObjects.includes(layerOf(file))).map(show)).toEqual(
      [],
    );
    const elsewhere = objects.filter(({ target }) => !/^dist\/bpf\/x86\//.test(target ?? ""));
    expect(elsewhere.map(show)).toEqual([]);
  });

  test("workers are files that the build takes along", () => {
    const named = files.flatMap((file) => {
      const text = read(file);
      return [...text.matchAll(/workerUrl\("([^"]+)"/g)].map(([, path]) => path);
    });
    expect(named.filter((path) => !path.endsWith(".worker.ts") || !files.includes(path))).toEqual(
      [],
    );
  });

  test("all packages that are imported are declared", () => {
    const { dependencies } = JSON.parse(read("package.json"));
    const packages = arrows.filter(
      ({ specifier, target }) => !target && !/^(node:|bun)/.test(specifier),
    );
    const name = (specifier: string) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;
    expect(
      packages.filter(({ specifier }) => !(name(specifier) in dependencies)).map(show),
    ).toEqual([]);
  });
});

function importsOf(file: string, text: string): Arrow[] {
  const forms = /(?:(?<=[\s}*])from\s*|\bimport\s*\(?\s*)(["'])([^"'\n]+)\1/g;
  return [...text.matchAll(forms)].map(([, , specifier]) => {
    const isRelative = specifier.startsWith(".");
    const target = isRelative ? join(dirname(file), specifier) : undefined;
    return { file, specifier, target };
  });
}

/** `src/base`, `vnf`, or for a file right under src/ the file itself. */
function layerOf(path: string): string {
  const [first, second] = relative(".", path).split("/");
  return first === "src" ? `${first}/${second}` : first;
}

function show({ file, specifier }: Arrow): string {
  return `${file} → ${specifier}`;
}
