/** Builds komon: BPF objects, the layouts taken from them, and the executable. */
import { parseArgs } from "node:util";
import { type Arch, compileBpf } from "./bpf.ts";
import { bundle } from "./bundle.ts";
import { generateLayouts } from "./layouts.ts";

const usage = `Usage: bun deploy/build.ts [--target x64|arm64] [--check]
  --target  the machine to build for (default x64); arm64 goes to dist/komon-arm64
  --check   fail when a committed layout differs from the objects, instead of rewriting it;
            so it is with CI=true, too`;

process.chdir(`${import.meta.dir}/..`);
const { values } = parseArgs({
  options: {
    target: { type: "string", default: "x64" },
    check: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const arch = ({ x64: "x86", arm64: "arm64" } as const)[values.target] as Arch | undefined;
if (values.help || !arch) {
  console.error(usage);
  process.exit(values.help ? 0 : 2);
}

const objects = await compileBpf(arch);
generateLayouts(objects, values.check || process.env.CI === "true");
const outfile = arch === "x86" ? "dist/komon" : `dist/komon-${arch}`;
await bundle(arch, outfile);
console.log(`built ${outfile}`);
