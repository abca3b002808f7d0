/** Attachments to a device that end with the process, however it ends: XDP and TCX links. */
import { KomonError } from "../base/errors.ts";
import { type Device, device, xdpRefusal } from "./device.ts";
import { programName } from "./info.ts";
import { libbpf } from "./libbpf.ts";
import { errnoName, errnoWhy, libc, stableMemory } from "./libc.ts";

/** enum bpf_attach_type */
const BPF_XDP = 37;
const BPF_TCX_INGRESS = 46;
const BPF_TCX_EGRESS = 47;
const XDP_FLAGS_SKB_MODE = 2;
const XDP_FLAGS_DRV_MODE = 4;
const BPF_F_BEFORE = 8;

export type XdpMode = "native" | "generic";

/** A descriptor of a link; closing it detaches. */
export class DeviceLink implements Disposable {
  #fd: number;

  constructor(
    fd: number,
    readonly ifindex: number,
  ) {
    this.#fd = fd;
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }
}

/** Attaches to a free XDP hook. Fails with the kernel's words, or with the name of the program that is there. */
export function attachXdp(programFd: number, to: Device, mode: XdpMode): DeviceLink {
  const flags = mode === "native" ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const result = link(programFd, to.ifindex, BPF_XDP, flags);
  if (result >= 0) return new DeviceLink(result, to.ifindex);
  const what = `cannot attach to ${mode} XDP of ${to.name}`;
  const owner = xdpOwner(to.ifindex);
  if (owner) throw new KomonError({ what, why: owner });
  // These come from many places in the kernel, with a sentence that says which.
  const isVague = /EINVAL|EOPNOTSUPP|ENOMEM/.test(errnoName(result));
  const said = isVague ? xdpRefusal(to.ifindex, programFd, flags) : "";
  throw new KomonError({ what, why: said ? `${errnoWhy(result)}: ${said}` : errnoWhy(result) });
}

/** `program "xdp_pass" (id 42) is there`; undefined when the hook is free. */
export function xdpOwner(ifindex: number): string | undefined {
  const id = device(ifindex)?.xdpProgram ?? 0;
  if (id === 0) return undefined;
  const name = id > 0 ? programName(id) : undefined;
  return `the program ${name ? `"${name}" ` : ""}(id ${id}) of somebody else is attached there`;
}

/** Attaches to the front of a device's TCX hook, where any number of programs may be. Needs 6.6. */
export function attachTcx(
  programFd: number,
  to: Device,
  direction: "ingress" | "egress",
): DeviceLink {
  const type = direction === "ingress" ? BPF_TCX_INGRESS : BPF_TCX_EGRESS;
  const result = link(programFd, to.ifindex, type, BPF_F_BEFORE);
  if (result >= 0) return new DeviceLink(result, to.ifindex);
  const hint = errnoName(result) === "EINVAL" ? "; TCX came with Linux 6.6" : "";
  throw new KomonError({
    what: `cannot attach to tc ${direction} of ${to.name}`,
    why: `${errnoWhy(result)}${hint}`,
  });
}

/** The link's descriptor, or a negative errno. */
function link(programFd: number, ifindex: number, type: number, flags: number): number {
  const options = stableMemory(16); // struct bpf_link_create_opts, up to flags
  const words = new Uint32Array(options.buffer);
  words[0] = 16;
  words[2] = flags;
  return libbpf().bpf_link_create(programFd, ifindex, type, options.address);
}
