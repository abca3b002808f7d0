/** The processes around the probe: the example VNF and the load, each on a CPU of its own. */
import { KomonError } from "../base/errors.ts";
import type { Testbed } from "../testbed/testbed.ts";
import { Child } from "./child.ts";
import type { RunOptions } from "./options.ts";

export interface Cpus {
  readonly vnf: number | undefined;
  readonly load: number | undefined;
}

/** The VNF gets a CPU of its own, the last; the load another, the first. On one CPU nothing is pinned. */
export function chooseCpus(wanted: number | undefined): Cpus {
  const count = navigator.hardwareConcurrency;
  if (count < 2) return { vnf: wanted, load: undefined };
  const vnf = wanted ?? count - 1;
  return { vnf, load: vnf === 0 ? 1 : 0 };
}

export function startVnf(
  options: RunOptions,
  bed: Testbed,
  truth: string,
  cpu: number | undefined,
): Child {
  const { params, port, ipv6 } = options;
  const { address, target } = addresses(bed, ipv6);
  const own = {
    "--port": `${port}`,
    "--address": address,
    "--target": endpoint(target, port),
    "--delay": `${params.delayNs}ns`,
    "--law": `${params.law}`,
    "--seed": `${options.seed}`,
    "--truth": truth,
    "--cpu": cpu,
    "--nice": process.geteuid?.() === 0 ? "-20" : undefined, // as KOMon's script did
    "--wait": options.wait,
  };
  return new Child("the example VNF", ["vnf", ...flags(own, options.vnfArgs)]);
}

export function startLoad(options: RunOptions, bed: Testbed, cpu: number | undefined): Child {
  const { params, port, ipv6 } = options;
  const own = {
    "--netns": bed.genNamespace,
    "--pps": `${params.pps}`,
    "--size": `${params.sizeBytes}`,
    "--seed": `${options.seed}`,
    "--format": "json",
    "--cpu": cpu,
  };
  const target = endpoint(addresses(bed, ipv6).address, port);
  return new Child("the load", ["load", target, "--wait-go", ...flags(own, options.loadArgs)]);
}

function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** komon's own flags and the user's; where both name one, the user's counts. */
function flags(
  own: Readonly<Record<string, string | number | undefined>>,
  users: readonly string[],
): string[] {
  const named = (flag: string) =>
    users.some((word) => word === flag || word.startsWith(`${flag}=`));
  const kept = Object.entries(own).filter(([flag, value]) => value !== undefined && !named(flag));
  return [...kept.map(([flag, value]) => `${flag}=${value}`), ...users];
}

function addresses(bed: Testbed, ipv6: boolean): { address: string; target: string } {
  if (!ipv6) return { address: bed.hostIn4, target: bed.target4 };
  const { hostIn6: address, target6: target } = bed;
  if (address === undefined || target === undefined) {
    throw new KomonError({ what: "cannot measure over IPv6", why: "this kernel has no IPv6" });
  }
  return { address, target };
}
