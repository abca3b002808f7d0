/** Where answers are taken: a ladder per device, climbed by trying. */
import { KomonError } from "../../base/errors.ts";
import { type Device, LinkType } from "../../kernel/device.ts";
import { attachTcx, attachXdp, type DeviceLink, xdpOwner } from "../../kernel/hook.ts";

export const rxRungs = ["xdp-native", "xdp-generic", "tc"] as const;
export type RxRung = (typeof rxRungs)[number];

/** What a user can ask for. */
export const rungWishes = ["auto", "xdp", ...rxRungs] as const;
export type RungWish = (typeof rungWishes)[number];

export const rungSentence: Readonly<Record<RxRung, string>> = {
  "xdp-native": "XDP in the driver, before the kernel makes a packet of it",
  "xdp-generic": "XDP in the stack's receive path, before IP",
  tc: "tc ingress (TCX), before IP",
};

/** Programs by descriptor, as the kernel has loaded them. */
export interface RxPrograms {
  readonly xdp: number;
  readonly tc: number;
}

export interface RxAttachment {
  readonly device: Device;
  readonly rung: RxRung;
  readonly link: DeviceLink;
  /** Rungs that were tried first, and why they would not do. */
  readonly refused: readonly string[];
}

/**
 * The order of trying. XDP makes packets of the size of a page out of the large ones that veth and
 * the loopback hand over whole: TCP into the device falls to 30–60 % of its rate. tc leaves
 * them as they are, so software devices begin there; hardware begins in the driver.
 */
export function ladder(device: Device, wish: RungWish): readonly RxRung[] {
  if (wish === "xdp") return ["xdp-native", "xdp-generic"];
  if (wish !== "auto") return [wish];
  const isHardware = device.kind === "" && device.linkType === LinkType.ethernet;
  return isHardware ? ["xdp-native", "tc", "xdp-generic"] : ["tc", "xdp-generic", "xdp-native"];
}

/** Fails when no rung is left, with the reason of each. */
export function attachRx(programs: RxPrograms, device: Device, wish: RungWish): RxAttachment {
  const refused: string[] = [];
  const owner = wish === "tc" ? undefined : xdpOwner(device.ifindex);
  const rungs = [...ladder(device, wish)];
  if (owner && wish !== "auto" && !rungs.includes("tc")) rungs.push("tc"); // never in another's place
  for (const rung of rungs) {
    try {
      return { device, rung, link: attach(programs, device, rung, owner), refused };
    } catch (error) {
      if (!(error instanceof KomonError)) throw error;
      refused.push(`${rung}: ${error.why ?? error.what}`);
    }
  }
  throw new KomonError({
    what: `cannot take answers at the interface ${device.name}`,
    why: refused.join("; "),
    mend: refused.some((why) => why.includes("EPERM"))
      ? "run as root, or with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN"
      : wish === "auto"
        ? "`komon doctor` says what this machine lacks"
        : "leave --hooks at auto",
  });
}

function attach(
  programs: RxPrograms,
  device: Device,
  rung: RxRung,
  owner: string | undefined,
): DeviceLink {
  if (rung === "tc") return attachTcx(programs.tc, device, "ingress");
  if (owner) throw new KomonError({ what: "XDP is taken", why: owner });
  if (device.linkType !== LinkType.ethernet && device.linkType !== LinkType.loopback) {
    throw new KomonError({ what: "no XDP here", why: "its packets have no Ethernet header" });
  }
  return attachXdp(programs.xdp, device, rung === "xdp-native" ? "native" : "generic");
}
