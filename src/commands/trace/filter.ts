/** Flags that choose connections, the same for all traces of TCP. */
import { readdirSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { KomonError, usageError } from "../../base/errors.ts";
import { parseInteger } from "../../base/units.ts";
import { NETNS_FOLDER } from "../../kernel/libc.ts";
import { mountPoint } from "../../kernel/mounts.ts";
import { addressBytes } from "../../probes/tcp/address.ts";
import type { TcpFilter } from "../../probes/tcp/options.ts";
import { flag } from "../define.ts";

export const filterArgs = {
  ipv4: flag.boolean({ help: "IPv4 only", alias: "4" }),
  ipv6: flag.boolean({ help: "IPv6 only", alias: "6" }),
  netns: flag.text({ help: "sockets of this network namespace only", hint: "NAME|PATH" }),
  cgroup: flag.text({ help: "owners in this cgroup or below it only", hint: "PATH" }),
  connections: flag.int({ help: "tracked at once", default: 8192, min: 64, max: 4_194_304 }),
};

interface FilterArgs {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly netns: string | undefined;
  readonly cgroup: string | undefined;
  readonly pid?: string | undefined;
  readonly localPorts?: readonly number[] | undefined;
  readonly remotePorts?: readonly number[] | undefined;
  readonly laddr?: string | undefined;
  readonly raddr?: string | undefined;
}

export function filterOf(args: FilterArgs): TcpFilter {
  if (args.ipv4 && args.ipv6) throw usageError("-4 and -6 leave nothing: give one of them");
  for (const address of [args.laddr, args.raddr]) if (address) addressBytes(address);
  const pids = args.pid?.split(",").map((pid) => parseInteger(pid, { min: 1 }));
  return {
    ...(args.ipv4 && { family: 4 as const }),
    ...(args.ipv6 && { family: 6 as const }),
    ...(args.netns !== undefined && { netns: netnsInode(args.netns) }),
    ...(args.cgroup !== undefined && { cgroup: cgroupOf(args.cgroup) }),
    ...(pids && { pids }),
    ...(args.localPorts && { localPorts: args.localPorts }),
    ...(args.remotePorts && { remotePorts: args.remotePorts }),
    ...(args.laddr && { laddr: args.laddr }),
    ...(args.raddr && { raddr: args.raddr }),
  };
}

/** bcc takes seconds without a unit; komon's own form is `500ms`, `2s`. */
export function secondsOrDuration(text: string): string {
  return /^\d+(\.\d+)?$/.test(text) ? `${text}s` : text;
}

function netnsInode(name: string): number {
  const path = name.includes("/") ? name : join(NETNS_FOLDER, name);
  try {
    return statSync(path).ino;
  } catch {
    throw new KomonError({
      what: `there is no network namespace "${name}"`,
      why: `${path} cannot be looked at`,
      mend: `${namesIn(NETNS_FOLDER) || "`ip netns list` shows the names"}; or give a path such as /proc/PID/ns/net`,
    });
  }
}

function cgroupOf(path: string): { id: number; level: number } {
  const root = mountPoint("cgroup2");
  if (root === undefined) {
    throw new KomonError({
      what: `cannot look up the cgroup "${path}"`,
      why: "the cgroup2 hierarchy is mounted nowhere",
      mend: "mount it: mount -t cgroup2 none /sys/fs/cgroup/unified",
    });
  }
  const whole = path.startsWith(root) ? resolve(path) : join(root, path);
  const below = relative(root, whole);
  const id = statSync(whole, { throwIfNoEntry: false })?.ino;
  if (id === undefined || below.startsWith("..")) {
    const mend = `\`ls ${root}\` shows those there are`;
    throw usageError(`there is no cgroup "${path}" below ${root}`, mend);
  }
  return { id, level: below === "" ? 0 : below.split("/").length };
}

function namesIn(folder: string): string {
  try {
    return `there are ${readdirSync(folder).join(", ")}`;
  } catch {
    return "";
  }
}
