/** IPv6 settings of our own devices; nothing else of the host's is changed. */
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = "/proc/sys/net/ipv6/conf";

/**
 * In this order. Hosts that switch IPv6 off do so for new devices too. On a router each new device
 * joins the group of all routers, ff02::2, and MLDv2 would report that, or that it left; MLDv1
 * is silent about a group that was never reported (igmp6_leave_group()).
 */
const wanted = { disable_ipv6: "0", force_mld_version: "1", forwarding: "0" } as const;

export function kernelHasIpv6(): boolean {
  return existsSync(FOLDER);
}

/** False where new devices have IPv6 switched off and the settings are locked. */
export function ipv6Possible(): boolean {
  const switchedOff = `${FOLDER}/default/disable_ipv6`;
  return read(switchedOff) === "0" || isWritable(switchedOff);
}

/**
 * Lets a device have IPv6 addresses and keeps it silent. Call it in the device's namespace before
 * the device goes up.
 */
export function tuneIpv6(device: string): void {
  for (const [name, value] of Object.entries(wanted)) {
    const path = `${FOLDER}/${device}/${name}`;
    if (read(path) !== value && isWritable(path)) writeFileSync(path, value);
  }
}

function read(path: string): string {
  return readFileSync(path, "utf8").trim();
}

/** Containers often have /proc/sys read-only. */
function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
