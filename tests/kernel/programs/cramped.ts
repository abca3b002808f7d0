/**
 * cramped.ts vnf|probe: opens a probe where its ring buffer can no more be mapped, and says as JSON what came of it:
 * the error, and descriptors and mappings of BPF objects before and after.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { ActiveProbe } from "../../../src/probes/active/probe.ts";
import { VnfProbe } from "../../../src/probes/vnf/probe.ts";

const ringBytes = 256 << 20;
const probes = {
  vnf: () => VnfProbe.open({ ringBytes }),
  probe: () =>
    ActiveProbe.open({
      ...{ kind: "icmp", cookie: 1n, slots: ringBytes / 64, drop: true, hooks: "auto" },
      ...{ bytes4: 64, bytes6: 64 },
    }),
};

function held(): number {
  const descriptors = readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return /bpf|perf_event/.test(readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false; // the one that read the folder
    }
  });
  const mappings = readFileSync("/proc/self/maps", "utf8").match(/bpf/g) ?? [];
  return descriptors.length + mappings.length;
}

/** Address space for so many bytes more than there are now. */
function limit(moreBytes: number): void {
  const kib = Number(/^VmSize:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  const words = ["prlimit", `--pid=${process.pid}`, `--as=${kib * 1024 + moreBytes}:unlimited`];
  if (Bun.spawnSync(words).exitCode !== 0) throw new Error("no prlimit");
}

const open = probes[process.argv[2] as keyof typeof probes];
VnfProbe.open()[Symbol.dispose](); // what is asked of the kernel once, is
const before = held();
limit(ringBytes + (64 << 20)); // the ring is mapped twice in a row
let error = "";
try {
  open()[Symbol.dispose]();
} catch (thrown) {
  error = (thrown as Error).message;
}
console.log(JSON.stringify({ error, before, after: held() }));
