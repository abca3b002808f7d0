import { accessSync, constants, existsSync } from "node:fs";
import { KomonError } from "../base/errors.ts";
import { NETNS_FOLDER } from "../kernel/netns.ts";
import { hasCapability, missingCapabilities } from "../kernel/privileges.ts";

/**
 * Throws when this process may not build a testbed: devices and addresses need CAP_NET_ADMIN,
 * making and entering network namespaces CAP_SYS_ADMIN.
 */
export function requireTestbedRights(): void {
  const missing = missingCapabilities(["netAdmin", "sysAdmin"]);
  if (missing.length === 0) {
    requireNamespaceFolder();
    return;
  }
  throw new KomonError({
    what: "cannot work with testbeds",
    why: `this process (uid ${process.geteuid?.()}) lacks ${missing.join(" and ")}`,
    mend: "run it as root (sudo), in a container with --cap-add NET_ADMIN --cap-add SYS_ADMIN",
  });
}

/** `ip netns` keeps the names of namespaces in a folder of root's. */
function requireNamespaceFolder(): void {
  if (process.geteuid?.() === 0 || hasCapability("dacOverride")) return;
  try {
    const parent = NETNS_FOLDER.replace(/\/[^/]*$/, "");
    accessSync(existsSync(NETNS_FOLDER) ? NETNS_FOLDER : parent, constants.W_OK);
  } catch {
    throw new KomonError({
      what: "cannot work with testbeds",
      why: `user ${process.geteuid?.()} may not write ${NETNS_FOLDER}, where \`ip netns\` keeps names`,
      mend: `let it: ip netns add x; ip netns del x; chown ${process.geteuid?.()} ${NETNS_FOLDER}. Or add CAP_DAC_OVERRIDE`,
    });
  }
}

/** What ip said about a testbed, as an error with a mend where the cause is known. */
export function testbedError(said: string, line: string): KomonError {
  const [why, mend] = explain(said);
  return new KomonError({
    what: `cannot build a testbed: "ip ${line}" failed`,
    why,
    ...(mend && { mend }),
  });
}

const KNOWN: readonly (readonly [said: RegExp, meaning: string, mend: string])[] = [
  [
    /network namespace.*No space left on device/,
    "the limit on network namespaces is reached",
    "raise it: sysctl -w user.max_net_namespaces=1024; komon cleanup --all removes forgotten testbeds",
  ],
  [
    /Unknown device type/,
    "this kernel has no veth devices",
    "modprobe veth, or install the kernel's extra modules (linux-modules-extra, kernel-modules)",
  ],
  [
    /network namespace.*(Operation not permitted|Invalid argument)/,
    "this kernel or container does not permit network namespaces",
    "run komon on the host, or in a container with --privileged",
  ],
  [
    /Operation not permitted|Permission denied|Read-only file system/,
    "the kernel or the container refuses it",
    "run komon on the host as root, or in a container with --privileged",
  ],
];

function explain(said: string): [why: string, mend?: string] {
  const known = KNOWN.find(([pattern]) => pattern.test(said));
  return known ? [`${said}; ${known[1]}`, known[2]] : [said];
}
