import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { type Check, Complaint, isSince } from "./check.ts";

/** A place in the kernel that komon hooks, and the upstream versions that have it. */
interface Hook {
  readonly name: string;
  readonly kind: "function" | "tracepoint";
  /** First version that has it; without, all that komon runs on. */
  readonly since?: string;
  /** First version that no longer has it. */
  readonly until?: string;
}

/** Those that not every kernel has. */
const versions: Readonly<Record<string, Pick<Hook, "since" | "until">>> = {
  // 6e6eda44b939 "sock: add tracepoint for send recv length"
  sock_recv_length: { since: "6.3" },
};

/** What the sections of the BPF programs name. */
export const hooks: readonly Hook[] = placesOf(sources());

function sources(): string {
  const bpf = join(import.meta.dir, "../../../bpf");
  const files = [...new Glob("**/*.{c,h}").scanSync({ cwd: bpf })].sort();
  return files.map((file) => readFileSync(join(bpf, file), "utf8")).join("\n");
}

export function placesOf(source: string): Hook[] {
  const sections = [...source.matchAll(/\bSEC\("(fentry|kprobe|tp_btf|raw_tp)\/(\w+)"\)/g)];
  const kinds = new Map(
    sections.map(([, type, name]) => [
      name,
      ["fentry", "kprobe"].includes(type) ? ("function" as const) : ("tracepoint" as const),
    ]),
  );
  return [...kinds].map(([name, kind]) => ({ name, kind, ...versions[name] }));
}

/** Whether the kernels have the places that komon's programs hook: no komon needed. */
export const hooksCheck: Check = {
  name: "hook points",
  komon: false,
  script: [
    "cd /sys/kernel/tracing",
    `grep -xE '(${names("function").join("|")})' available_filter_functions`,
    `for event in ${names("tracepoint").join(" ")}; do set -- events/*/$event; [ -d "$1" ] && echo $event; done`,
    "exit 0",
  ].join("\n"),
  expected: () => "works",
  judge({ stdout }, version) {
    const found = new Set(stdout.split("\n"));
    const wrong = hooks.filter((hook) => found.has(hook.name) !== isThere(hook, version));
    if (wrong.length > 0) {
      const sentences = wrong.map(({ name }) => `${name} is ${found.has(name) ? "" : "not "}there`);
      throw new Complaint(`${sentences.join(", ")}: against what is written of this version`);
    }
    return `${hooks.filter((hook) => found.has(hook.name)).length} of ${hooks.length}`;
  },
};

/** Whether a kernel of this version has the hook. */
export function isThere(hook: Hook, version: string): boolean {
  return (
    (!hook.since || isSince(version, hook.since)) && (!hook.until || !isSince(version, hook.until))
  );
}

function names(kind: Hook["kind"]): string[] {
  return hooks.filter((hook) => hook.kind === kind).map(({ name }) => name);
}
