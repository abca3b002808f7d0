/**
 * The kinds of things komon leaves in the kernel or on disk while it works, each described well
 * enough to find it again and to tell it from somebody else's thing of the same name.
 */
import { existsSync, lstatSync, readdirSync, readlinkSync, rmdirSync, unlinkSync } from "node:fs";
import { NETNS_FOLDER } from "../kernel/netns.ts";
import { runIpSync } from "./ip.ts";
import { startTicks } from "./owner.ts";
import { endProcesses } from "./processes.ts";

/** A network namespace with a name, as `ip netns` keeps it. */
export interface NamespaceResource {
  readonly kind: "namespace";
  readonly name: string;
}

/** A veth device: ours only if its MAC is the recorded one; `netns` is `net:[inode]`. */
export interface DeviceResource {
  readonly kind: "device";
  readonly name: string;
  readonly mac: string;
  readonly netns: string;
}

export interface ProcessResource {
  readonly kind: "process";
  readonly pid: number;
  readonly startTicks: number;
  readonly name: string;
}

/**
 * A file; a pin in a BPF file system, which lets go of its object when removed; a folder that komon
 * made, removed only when nothing is left in it.
 */
export interface PathResource {
  readonly kind: "file" | "pin" | "folder";
  readonly path: string;
}

export type Resource = NamespaceResource | DeviceResource | ProcessResource | PathResource;

export interface Outcome {
  readonly resource: Resource;
  /** Why it is still there; undefined when it is gone. */
  readonly kept?: string;
}

/** `namespace komon-gen-1a2b`, `process 123 (komon vnf)`. */
export function describeResource(resource: Resource): string {
  switch (resource.kind) {
    case "namespace":
    case "device":
      return `${resource.kind} ${resource.name}`;
    case "process":
      return `process ${resource.pid} (${resource.name})`;
    case "file":
    case "pin":
    case "folder":
      return `${resource.kind} ${resource.path}`;
    default:
      return JSON.stringify(resource);
  }
}

export function sameResource(a: Resource, b: Resource): boolean {
  return Bun.deepEquals(a, b);
}

/** The network namespace this thread is in, as `net:[inode]`. */
export function currentNetns(): string {
  return readlinkSync("/proc/thread-self/ns/net");
}

/** Those that exist: a record is written before its thing is made, and outlives it a moment. */
export function presentResources(resources: readonly Resource[]): Resource[] {
  const here = resources.some(({ kind }) => kind === "device") ? currentNetns() : "";
  // A device in another namespace goes with its peer, when the testbed's namespaces go.
  const macs = resources.some((r) => r.kind === "device" && r.netns === here)
    ? new Map(vethDevices().map(({ name, mac }) => [name, mac]))
    : undefined;
  return resources.filter((resource) => {
    switch (resource.kind) {
      case "namespace":
        return existsSync(`${NETNS_FOLDER}/${resource.name}`);
      case "device":
        return macs?.get(resource.name) === resource.mac;
      case "process":
        return startTicks(resource.pid) === resource.startTicks;
      case "file":
      case "pin":
        return lstatSync(resource.path, { throwIfNoEntry: false }) !== undefined;
      case "folder":
        return existsSync(resource.path) && readdirSync(resource.path).length === 0;
      default:
        return true; // written by a later version
    }
  });
}

/** The veth devices of this namespace. */
export function vethDevices(): { name: string; mac: string }[] {
  const { stdout } = runIpSync(["link show type veth"], { json: true });
  const links = JSON.parse(stdout || "[]") as { ifname?: string; address?: string }[];
  // Where nothing matches, some versions of ip print an empty object for each other link.
  return links.flatMap(({ ifname, address }) =>
    ifname && address ? [{ name: ifname, mac: address }] : [],
  );
}

/** Removes what is there, processes first since they hold the rest; never throws. */
export function removeResources(resources: readonly Resource[]): Outcome[] {
  const present = presentResources(resources);
  const of = <K extends Resource["kind"]>(...kinds: readonly K[]) =>
    present.filter((r): r is Extract<Resource, { kind: K }> => kinds.includes(r.kind as K));
  const processes = of("process");
  // A device before its namespace: the kernel takes the latter down later, in the background.
  const network = [...of("device"), ...of("namespace")];
  // A folder can be empty only now that its files are gone.
  const paths = [...of("file", "pin"), ...resources.filter(({ kind }) => kind === "folder")];
  const done = new Set<Resource>([...processes, ...network, ...paths]);
  return [
    ...endProcesses(processes),
    ...removeNetwork(network),
    ...paths.flatMap((resource) => removePath(resource as PathResource)),
    ...present
      .filter((resource) => !done.has(resource))
      .map((resource) => ({ resource, kept: "this version of komon does not know its kind" })),
  ];
}

/** Somebody else was faster. */
const GONE = /Cannot find device|No such (file|device)/;

function removeNetwork(resources: readonly (DeviceResource | NamespaceResource)[]): Outcome[] {
  if (resources.length === 0) return [];
  const lines = resources.map(({ kind, name }) =>
    kind === "device" ? `link del dev ${name}` : `netns del ${name}`,
  );
  const { failures } = runIpSync(lines, { force: true });
  return resources.map((resource, index) => {
    const said = failures.get(index);
    return { resource, ...(said && !GONE.test(said) && { kept: said }) };
  });
}

function removePath(resource: PathResource): Outcome[] {
  try {
    if (resource.kind === "folder") rmdirSync(resource.path);
    else unlinkSync(resource.path);
    return [{ resource }];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    if (["ENOENT", "ENOTDIR", "ENOTEMPTY"].includes(code)) return [];
    return [{ resource, kept: code }];
  }
}
