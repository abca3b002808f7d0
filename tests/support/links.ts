/** Which BPF links hang on a device, as the kernel lists them for the whole machine. */
import { libbpf } from "../../src/kernel/libbpf.ts";
import { libc, stableMemory } from "../../src/kernel/libc.ts";

/** struct bpf_link_info: type, id, program id, then for XDP and TCX the device's number. */
const infoBytes = 64;
const types = { xdp: 6, tcx: 11 } as const;

/** XDP and TCX links of a device; numbers of devices repeat in other namespaces, so take a rare one. */
export function attachedTo(ifindex: number): number {
  const lib = libbpf();
  const id = stableMemory(4);
  const ids = new Uint32Array(id.buffer);
  let count = 0;
  while (lib.bpf_link_get_next_id(ids[0], id.address) === 0) {
    const fd = lib.bpf_link_get_fd_by_id(ids[0]);
    if (fd < 0) continue;
    const info = stableMemory(infoBytes);
    const length = stableMemory(4);
    new Uint32Array(length.buffer)[0] = infoBytes;
    const words = new Uint32Array(info.buffer);
    const known = lib.bpf_obj_get_info_by_fd(fd, info.address, length.address) === 0;
    libc.close(fd);
    const isHook = words[0] === types.xdp || words[0] === types.tcx;
    if (known && isHook && words[4] === ifindex) count++;
  }
  return count;
}
