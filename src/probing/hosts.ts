/** Who is probed: names become addresses, each for itself, so that one bad name does not stop the rest. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { printable } from "../base/printable.ts";
import { type SocketAddress, socketAddress } from "../kernel/address.ts";

export interface NamedHost {
  /** As the user gave it. */
  readonly target: string;
  readonly address: SocketAddress;
}

export interface UnknownHost {
  readonly target: string;
  readonly why: string;
}

export interface Resolved {
  readonly hosts: readonly NamedHost[];
  readonly unknown: readonly UnknownHost[];
}

const lookupsAtOnce = 32;
const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "there is no such name",
  DNS_ENOTFOUND: "there is no such name",
  ENODATA: "the name has no address of that family",
  EAI_AGAIN: "the name server does not answer",
  ETIMEOUT: "the name server does not answer",
};

/** `family` limits names to IPv4 or IPv6; a numeric address of the other one is then unknown. */
export async function resolveHosts(
  targets: readonly string[],
  family: 4 | 6 | undefined,
  port = 0,
): Promise<Resolved> {
  const found: (NamedHost | UnknownHost)[] = new Array(targets.length);
  let next = 0;
  const work = async () => {
    for (let at = next++; at < targets.length; at = next++) {
      found[at] = await resolve(targets[at], family, port);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lookupsAtOnce, targets.length) }, work));
  return {
    hosts: found.filter((one): one is NamedHost => "address" in one),
    unknown: found.filter((one): one is UnknownHost => "why" in one),
  };
}

async function resolve(
  target: string,
  family: 4 | 6 | undefined,
  port: number,
): Promise<NamedHost | UnknownHost> {
  const bare = target.replace(/^\[(.*)\]$/, "$1");
  const numeric = isIP(bare.split("%")[0] ?? "");
  if (numeric !== 0) {
    if (family !== undefined && numeric !== family) {
      return { target, why: `it is an IPv${numeric} address, and only IPv${family} is wanted` };
    }
    return attempt(target, bare, port);
  }
  if (target === "" || /[\s/]/.test(target) || printable(target) !== target) {
    return { target, why: "that is no name of a host" };
  }
  try {
    const { address } = await lookup(target, family === undefined ? {} : { family });
    return attempt(target, address, port);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    return { target, why: reasons[code] ?? (code || String(error)) };
  }
}

function attempt(target: string, address: string, port: number): NamedHost | UnknownHost {
  try {
    return { target, address: socketAddress(address, port) };
  } catch (error) {
    return { target, why: (error as { what?: string }).what ?? String(error) };
  }
}

/** Hosts from a list as fping takes them: one a line, blank lines and comments left out. */
export function parseHostList(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/#.*$/, "").trim())
    .filter((line) => line !== "")
    .map((line) => line.split(/\s+/)[0] ?? "");
}
