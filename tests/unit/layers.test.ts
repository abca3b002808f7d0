import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Glob } from "bun";

const top = join(import.meta.dir, "../..");

/** What each folder may import of komon. Data flows down this list; an arrow the other way is an error. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  "src/base": [],
  "src/model": ["src/base"],
  "src/kernel": ["src/base", "src/model"],
  "src/stats": ["src/base", "src/model"],
  "src/probing": ["src/base", "src/model", "src/kernel", "src/stats", "src/probes"],
  "src/probes": ["src/base", "src/model", "src/kernel", "src/stats"],
  "src/results": ["src/base", "src/model", "src/stats"],
  "src/sweep": ["src/base", "src/model", "src/stats", "src/results"],
  "src/sinks": ["src/base", "src/model", "src/stats"],
  "src/report": ["src/base", "src/model", "src/stats", "src/results", "src/sinks"],
  "src/testbed": ["src/base", "src/model", "src/kernel"],
  "src/attach": ["src/base", "src/model", "src/kernel", "src/probes", "src/testbed"],
  "src/monitor": [
    ...["src/base", "src/model", "src/kernel", "src/probes", "src/stats", "src/sinks"],
    ...["src/testbed"],
  ],
  "src/load": ["src/base", "src/model", "src/kernel", "src/stats"],
  vnf: ["src/base", "src/model", "src/kernel", "src/stats"],
  "src/run": [
    ...["src/base", "src/model", "src/kernel", "src/probes", "src/stats", "src/results"],
    ...["src/sinks", "src/report", "src/testbed", "src/load", "vnf"],
  ],
  "src/doctor": ["src/base", "src/model", "src/kernel", "src/probes", "src/testbed"],
  "src/export": [
    ...["src/base", "src/model", "src/kernel", "src/probes", "src/probing", "src/stats"],
  ],
  "src/dashboard": [
    ...["src/base", "src/model", "src/probes", "src/stats", "src/sinks", "src/export"],
  ],
  "src/commands": ["*"],
  "src/main.ts": ["src/base", "src/commands"],
};

/** The only folders that touch native code, and the only ones that name BPF objects. */
const mayBindNative = ["src/kernel"];
const mayNameObjects = ["src/kernel", "src/probes"];

interface Arrow {
  readonly file: string;
  readonly specifier: string;
  /** The file meant, from the project's top; undefined for packages. */
  readonly target: string | undefined;
}

const files = [...new Glob("{src,vnf}/**/*.ts").scanSync({ cwd: top })].sort();
const arrows = files.flatMap((file) => importsOf(file, readFileSync(join(top, file), "utf8")));

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

  test("every folder has its place in the order", () => {
    const known = Object.keys(mayImport);
    const declarations = (file: string) => file.endsWith(".d.ts");
    expect(files.filter((file) => !declarations(file) && !known.includes(layerOf(file)))).toEqual(
      [],
    );
  });

  test("no arrow points against the order", () => {
    const against = arrows.filter(({ file, target }) => {
      if (target === undefined || /^(src|vnf)\//.exec(target) === null) return false;
      const allowed = mayImport[layerOf(file)] ?? [];
      const layer = layerOf(target);
      return layer !== layerOf(file) && !allowed.includes("*") && !allowed.includes(layer);
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
      const text = readFileSync(join(top, file), "utf8");
      return [...text.matchAll(/workerUrl\("([^"]+)"/g)].map(([, path]) => path);
    });
    expect(named.filter((path) => !path.endsWith(".worker.ts") || !files.includes(path))).toEqual(
      [],
    );
  });

  test("all packages that are imported are declared", () => {
    const { dependencies } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
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
