/**
 * Loads every program of every BPF object and prints a line of JSON for each: what the verifier of
 * this kernel says of it. Programs that need more than a load are not attached here.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BpfObject, LoadError } from "../../../src/kernel/object.ts";

const directory = join(import.meta.dir, "../../../dist/bpf/x86");

for (const file of readdirSync(directory).filter((name) => name.endsWith(".bpf.o"))) {
  for (const [program, refusal] of verdictsOn(readFileSync(join(directory, file)))) {
    console.log(JSON.stringify({ program: `${file.replace(".bpf.o", "")}/${program}`, refusal }));
  }
}

/** All programs together; as long as one is refused, again without it. */
function verdictsOn(bytes: Uint8Array): Map<string, string | null> {
  using names = BpfObject.open(bytes);
  const verdicts = new Map<string, string | null>();
  for (const name of names.programs.keys()) verdicts.set(name, null);
  for (;;) {
    const left = [...verdicts].filter(([, refusal]) => refusal === null).map(([name]) => name);
    if (left.length === 0) return verdicts;
    using object = BpfObject.open(bytes);
    object.choose(left);
    try {
      object.load();
      return verdicts;
    } catch (error) {
      if (!(error instanceof LoadError && error.program && left.includes(error.program)))
        throw error;
      verdicts.set(error.program, error.why ?? error.what);
    }
  }
}
