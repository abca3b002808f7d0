import { readFileSync } from "node:fs";
import { KomonError } from "../../base/errors.ts";

const needed = [
  [13, "CAP_NET_RAW"],
  [12, "CAP_NET_ADMIN"],
] as const;
const CAP_SYS_ADMIN = 21;
const forBpf = [
  [39, "CAP_BPF"],
  [38, "CAP_PERFMON"],
] as const;

/** Names what is missing before anything is opened. */
export function requireCapabilities(): void {
  const status = readFileSync("/proc/thread-self/status", "utf8");
  const held = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const has = (bit: number) => ((held >> BigInt(bit)) & 1n) === 1n;
  const missing = [
    ...needed.filter(([bit]) => !has(bit)),
    ...forBpf.filter(([bit]) => !has(bit) && !has(CAP_SYS_ADMIN)),
  ].map(([, name]) => name);
  if (missing.length === 0) return;
  throw new KomonError({
    what: "cannot probe",
    why: `this process lacks ${missing.join(", ")}`,
    mend: "run it as root, or give it these capabilities",
  });
}
