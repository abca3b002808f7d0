/** What this machine can do, answered by looking and trying. Three answers: yes, no, cannot tell. */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { KomonError } from "../base/errors.ts";
import { btfFile } from "../kernel/btf.ts";
import { libbpfVersion } from "../kernel/libbpf.ts";
import { mountPoint } from "../kernel/mounts.ts";
import { type CapabilityName, hasCapability } from "../kernel/privileges.ts";
import { pointNames } from "../model/points.ts";
import { VnfProbe } from "../probes/vnf/probe.ts";
import { requireTestbedRights } from "../testbed/permit.ts";

export type Answer = "yes" | "no" | "cannot tell";

export interface Check {
  readonly check: string;
  readonly answer: Answer;
  /** What was found. */
  readonly found: string;
  /** Why a no, or why not something better. */
  readonly why?: string;
  readonly mend?: string;
  /** The main job cannot run without it. */
  readonly needed: boolean;
}

/** Each with the one that includes it. */
const capabilities: readonly (readonly [string, CapabilityName, CapabilityName?])[] = [
  ["CAP_NET_ADMIN", "netAdmin"],
  ["CAP_NET_RAW", "netRaw"],
  ["CAP_SYS_ADMIN", "sysAdmin"],
  ["CAP_PERFMON", "perfmon", "sysAdmin"],
  ["CAP_BPF", "bpf", "sysAdmin"],
];

export function checkAll(): Check[] {
  return [
    kernel(),
    library(),
    btf(),
    ...rights(),
    lockdown(),
    mount(
      "cgroup2",
      "--cgroup of monitor and trace; komon run makes a mount of its own that nobody sees",
      "mount -t cgroup2 none /sys/fs/cgroup/unified",
    ),
    mount("bpf", "komon attach, which pins there", "mount -t bpf bpf /sys/fs/bpf"),
    ip(),
    testbed(),
    cpus(),
    ...points(),
  ];
}

/** The main job can run: every needed check says yes. */
export function canRun(checks: readonly Check[]): boolean {
  return checks.every(({ needed, answer }) => !needed || answer === "yes");
}

function kernel(): Check {
  return { check: "kernel", answer: "yes", found: `${release()} ${process.arch}`, needed: false };
}

function library(): Check {
  const check = { check: "libbpf", needed: true };
  try {
    const found = libbpfVersion();
    if (Number.parseInt(found, 10) >= 1) return { ...check, answer: "yes", found };
    const mend = "install libbpf 1.0 or later";
    return { ...check, answer: "no", found, why: "too old", mend };
  } catch (error) {
    return refused(check, error);
  }
}

function btf(): Check {
  const path = "/sys/kernel/btf/vmlinux";
  if (existsSync(path)) return { check: "kernel BTF", answer: "yes", found: path, needed: true };
  const file = btfFile();
  if (file !== undefined) return { check: "kernel BTF", answer: "yes", found: file, needed: true };
  return {
    check: "kernel BTF",
    answer: "no",
    found: `${path} is missing`,
    why: "the kernel was built without CONFIG_DEBUG_INFO_BTF",
    mend: "name a file with this kernel's BTF: --btf FILE",
    needed: true,
  };
}

function rights(): Check[] {
  return capabilities.map(([name, capability, wider]) => {
    const held = hasCapability(capability);
    const has = held || (wider !== undefined && hasCapability(wider));
    const needed = capability !== "netRaw"; // raw sockets are for `komon probe` alone
    return {
      check: name,
      answer: has ? "yes" : "no",
      found: held ? "held" : has ? "within CAP_SYS_ADMIN" : "not held",
      ...(!has && !needed && { why: "serves komon probe" }),
      ...(!has && { mend: "run as root (sudo), or add this capability: SECURITY.md" }),
      needed,
    };
  });
}

function lockdown(): Check {
  const path = "/sys/kernel/security/lockdown";
  const check = { check: "lockdown", needed: false };
  try {
    const mode = /\[(\w+)\]/.exec(readFileSync(path, "utf8"))?.[1] ?? "none";
    if (mode !== "confidentiality") return { ...check, answer: "yes", found: mode };
    return {
      ...check,
      answer: "no",
      found: mode,
      why: "it forbids programs to read kernel memory",
      mend: "boot with lockdown=integrity, or without lockdown",
    };
  } catch {
    const why = "securityfs is not mounted; what the kernel refuses shows below";
    const mend = "mount -t securityfs securityfs /sys/kernel/security";
    return { ...check, answer: "cannot tell", found: "unknown", why, mend };
  }
}

function mount(type: string, purpose: string, mend: string): Check {
  const path = mountPoint(type);
  const check = { check: type === "bpf" ? "bpffs" : type, needed: false };
  if (path !== undefined) return { ...check, answer: "yes", found: path };
  return { ...check, answer: "no", found: "not mounted", why: `serves ${purpose}`, mend };
}

function ip(): Check {
  const path = Bun.which("ip");
  const check = { check: "iproute2", needed: true };
  if (path) return { ...check, answer: "yes", found: path };
  return { ...check, answer: "no", found: "no `ip`", mend: "apt install iproute2" };
}

function testbed(): Check {
  const check = { check: "testbed", needed: true };
  try {
    requireTestbedRights();
    accessSync("/proc/self/ns/net", constants.R_OK);
    return { ...check, answer: "yes", found: "may be built" };
  } catch (error) {
    return refused(check, error);
  }
}

function cpus(): Check {
  const count = navigator.hardwareConcurrency;
  return {
    check: "CPUs",
    answer: count > 1 ? "yes" : "no",
    found: `${count}`,
    ...(count < 2 && {
      why: "VNF and load share one: their times show each other",
      mend: "let komon run on two CPUs or more: taskset, cpuset, or those of the virtual machine",
    }),
    needed: false,
  };
}

/** Opens the probe for real: each point's hook is the one that this kernel took. */
function points(): Check[] {
  try {
    using probe = VnfProbe.open();
    const { proof } = probe;
    const proved: Check = {
      check: "self-test",
      answer: proof.is,
      found: proof.is === "yes" ? "each point counted every packet" : "no packet could be sent",
      ...(proof.is !== "yes" && { why: proof.why }),
      ...(proof.is !== "yes" && { mend: "ip link set lo up" }),
      needed: false,
    };
    const points = pointNames.map((point): Check => {
      const hook = probe.hooks.get(point);
      const better = probe.refused.filter((r) => r.hook.point === point);
      return {
        check: `point ${point}`,
        answer: hook ? "yes" : "no",
        found: hook ? `${hook.name} (${hook.rung})` : "no hook works",
        ...(better.length > 0 && {
          why: [...Map.groupBy(better, (r) => r.why)]
            .map(([why, same]) => `not ${same.map((r) => r.hook.name).join(", ")}: ${why}`)
            .join("; "),
        }),
        ...(!hook && { mend: otherKernel }),
        needed: point !== "nic" && point !== "tx",
      };
    });
    return [...points, proved];
  } catch (error) {
    return [refused({ check: "points", needed: true }, error)];
  }
}

const otherKernel = "another kernel: docs/kernels.md names those that have all points";

function refused(check: { check: string; needed: boolean }, error: unknown): Check {
  const { what, why, mend } =
    error instanceof KomonError ? error : { what: String(error), why: undefined, mend: undefined };
  const circular = mend?.includes("komon doctor"); // this is its answer
  return {
    ...{ ...check, answer: "no", found: what, ...(why && { why }) },
    mend: mend === undefined || circular ? otherKernel : mend,
  };
}
