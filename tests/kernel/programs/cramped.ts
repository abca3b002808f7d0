/**
 * cramped.ts vnf|probe: opens a probe where what it maps last has no more room, and says as JSON what came of it:
 * the error, and descriptors and mappings of BPF objects before and after.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { komonProbeSlot } from "../../../src/kernel/generated/probe.ts";
import { ActiveProbe } from "../../../src/probes/active/probe.ts";
import { VnfProbe } from "../../../src/probes/vnf/probe.ts";

const ringBytes = 256 << 20;
const slots = 4 << 20;
/** How each is opened, and the address space that leaves no room for what it maps last. */
const probes = {
  /** The ring is mapped twice in a row. */
  vnf: { open: () => VnfProbe.open({ ringBytes }), bytes: ringBytes + (64 << 20) },
  /** The logs take 48 to 64 MiB. */
  probe: {
    open: () =>
      ActiveProbe.open({
        ...{ kind: "icmp", cookie: 1n, slots, drop: true, hooks: "auto", bytes4: 64, bytes6: 64 },
      }),
    bytes: slots * komonProbeSlot.size + (32 << 20),
  },
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

const { open, bytes } = probes[process.argv[2] as keyof typeof probes];
VnfProbe.open()[Symbol.dispose](); // what is asked of the kernel once, is
const before = held();
limit(bytes);
let error = "";
try {
  open()[Symbol.dispose]();
} catch (thrown) {
  error = (thrown as Error).message;
}
console.log(JSON.stringify({ error, before, after: held() }));
