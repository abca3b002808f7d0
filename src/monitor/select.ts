/** What the user wants watched, as ports and filters, or as a way through the host. */
import { existsSync } from "node:fs";
import { Exit, KomonError, usageError } from "../base/errors.ts";
import { deviceNamed } from "../kernel/device.ts";
import { netnsInode } from "../kernel/netns.ts";
import type { VnfFilter } from "../probes/vnf/memory.ts";
import { inNamespace, interfaceIndexIn } from "../testbed/inside.ts";
import { type Cgroup, cgroupOf, openCgroup } from "./cgroup.ts";
import { containerPid } from "./container.ts";
import { portsOfNamespace, portsOfProcess } from "./ports.ts";

export interface Wishes {
  readonly ports: readonly number[] | undefined;
  readonly pid: number | undefined;
  readonly cgroup: string | undefined;
  readonly container: string | undefined;
  /** A name, or a path. */
  readonly netns: string | undefined;
  readonly inInterface: string | undefined;
  readonly outInterface: string | undefined;
}

/** A VNF on ports, or packets that the kernel forwards between devices. */
export type Selection =
  | { readonly kind: "vnf"; readonly ports: readonly number[]; readonly filter: VnfFilter }
  | {
      readonly kind: "forward";
      readonly name: string;
      readonly netns: number;
      readonly inIfindex?: number;
      readonly outIfindex?: number;
    };

const mostPorts = 16;

export function select(wishes: Wishes): Selection {
  const { pid, container, inInterface, outInterface } = wishes;
  const who = [pid, wishes.cgroup, container].filter((one) => one !== undefined);
  if (who.length > 1) throw usageError("--pid, --cgroup and --container exclude each other");
  const process = container === undefined ? pid : containerPid(container);
  if (process !== undefined && !existsSync(`/proc/${process}`)) throw noProcess(process);
  const netns = wishes.netns ?? (process === undefined ? undefined : `/proc/${process}/ns/net`);
  const devices = {
    ...(inInterface !== undefined && { inIfindex: interfaceIndexIn(netns, inInterface) }),
    ...(outInterface !== undefined && { outIfindex: interfaceIndexIn(netns, outInterface) }),
  };
  if (who.length === 0 && wishes.ports === undefined) {
    if (inInterface !== undefined || outInterface !== undefined) {
      if (inInterface !== undefined) refuseAbove(netns, inInterface);
      const name = `forwarded ${inInterface ?? "any device"} → ${outInterface ?? "any device"}`;
      return { kind: "forward", name, netns: netnsInode(netns), ...devices };
    }
    if (wishes.netns === undefined) throw nothing();
  }
  const chosen = reader(wishes, process);
  const inode = netnsInode(netns ?? firstNetns(chosen.pids));
  const ports = wishes.ports ?? found(chosen.pids, netns);
  if (ports.length === 0) throw noPorts(wishes);
  if (ports.length > mostPorts) throw tooMany(ports);
  return { kind: "vnf", ports, filter: { ...devices, ...chosen.filter, netns: inode } };
}

/** Kinds of devices that packets are taken up to from the one below, where alone they pass `nic`. */
const above = ["vlan", "bond", "team", "macvlan", "ipvlan", "vrf"];

function refuseAbove(netns: string | undefined, name: string): void {
  const ask = () => deviceNamed(name).kind;
  const kind = netns === undefined ? ask() : inNamespace(netns, ask);
  if (!above.includes(kind)) return;
  throw new KomonError({
    what: `cannot watch what comes in by ${name}`,
    why: `it is a ${kind}: its packets are seen where they come in, at the device below`,
    mend: `name the device below (\`ip -d link\` shows it), or leave --in-interface out`,
    exit: Exit.usage,
  });
}

interface Reader {
  readonly filter: VnfFilter;
  /** Whose sockets tell the ports; undefined: any process of the namespace. */
  readonly pids: readonly number[] | undefined;
}

/** A container is told by its cgroup; where it has none of its own, by its network namespace. */
function reader({ cgroup, container, pid }: Wishes, process: number | undefined): Reader {
  const path = cgroup ?? (container === undefined ? undefined : cgroupOf(process ?? 0));
  if (path !== undefined) {
    const opened: Cgroup = openCgroup(path);
    return { filter: { cgroup: { id: opened.id, level: opened.level } }, pids: opened.pids };
  }
  if (container !== undefined) {
    if (netnsInode(`/proc/${process}/ns/net`) === netnsInode()) throw notApart(container, process);
    return { filter: {}, pids: undefined };
  }
  return pid === undefined ? { filter: {}, pids: undefined } : { filter: { pid }, pids: [pid] };
}

function found(pids: readonly number[] | undefined, netns: string | undefined): number[] {
  if (pids) return [...new Set(pids.flatMap(portsOfProcess))].sort((a, b) => a - b);
  return netns === undefined
    ? portsOfNamespace("thread-self")
    : inNamespace(netns, () => portsOfNamespace("thread-self"));
}

function firstNetns(pids: readonly number[] | undefined): string | undefined {
  return pids && pids.length > 0 ? `/proc/${pids[0]}/ns/net` : undefined;
}

function notApart(container: string, process: number | undefined): KomonError {
  return new KomonError({
    what: `cannot tell the packets of container ${JSON.stringify(container)} from the host's`,
    why: "it has neither a cgroup (version 2) nor a network namespace of its own",
    mend: `name its process, which may be ${process}, with --pid; or its port with --port`,
  });
}

function nothing(): KomonError {
  return usageError(
    "say what to monitor",
    "--port 1234 for a VNF; --in-interface eth0 --out-interface eth1 for what the kernel forwards",
  );
}

function noProcess(pid: number): KomonError {
  return usageError(`there is no process ${pid}`, "`pgrep -a NAME` finds one by its name");
}

function noPorts({ pid, cgroup, container, netns }: Wishes): KomonError {
  const who =
    pid !== undefined
      ? `process ${pid}`
      : cgroup !== undefined
        ? `cgroup ${cgroup}`
        : container !== undefined
          ? `container ${container}`
          : `network namespace ${netns}`;
  return new KomonError({
    what: `${who} receives on no UDP port`,
    why: "it has no bound, unconnected UDP socket",
    mend: "start the VNF first, or name the port: --port 1234",
    exit: Exit.usage,
  });
}

function tooMany(ports: readonly number[]): KomonError {
  return usageError(
    `${ports.length} UDP ports are more than komon watches at once`,
    `name up to ${mostPorts} of them: --port ${ports.slice(0, 3).join(",")}`,
    `they are ${ports.join(", ")}`,
  );
}
