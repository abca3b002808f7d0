/** The kernel's account of BPF programs: BPF_OBJ_GET_INFO_BY_FD and BPF_ENABLE_STATS. */
import { KomonError } from "../base/errors.ts";
import { libbpf } from "./libbpf.ts";
import { errnoWhy, lastErrno, libc, stableMemory } from "./libc.ts";

export interface ProgramInfo {
  readonly id: number;
  readonly tag: string;
  readonly jitedBytes: number;
  /** Time inside the program and its runs while {@link RunStatistics} were on; dispatch is not in it. */
  readonly runTimeNs: number;
  readonly runs: number;
  /** Runs that the kernel left out because the program, or another kprobe's, was active on that CPU (since 5.12). */
  readonly recursionMisses: number;
  /** Instructions that the verifier walked: what loading costs. 0 before 5.16, which does not say. */
  readonly verifiedInstructions: number;
}

/** struct bpf_prog_info (include/uapi/linux/bpf.h): fixed offsets, the kernel only ever appends. */
const infoBytes = 232;
const offsets = {
  ...{ id: 4, tag: 8, jitedBytes: 16, runTimeNs: 192, runs: 200, recursionMisses: 208 },
  ...{ verifiedInstructions: 216 },
};

export function programInfo(fd: number): ProgramInfo {
  const info = stableMemory(infoBytes);
  const length = stableMemory(4);
  new Uint32Array(length.buffer)[0] = infoBytes;
  if (libbpf().bpf_obj_get_info_by_fd(fd, info.address, length.address) !== 0) {
    throw new KomonError({
      what: "cannot ask the kernel about a BPF program",
      why: errnoWhy(lastErrno()),
    });
  }
  const view = new DataView(info.buffer);
  const u64 = (offset: number) => Number(view.getBigUint64(offset, true));
  return {
    id: view.getUint32(offsets.id, true),
    tag: Buffer.from(info.buffer, offsets.tag, 8).toString("hex"),
    jitedBytes: view.getUint32(offsets.jitedBytes, true),
    runTimeNs: u64(offsets.runTimeNs),
    runs: u64(offsets.runs),
    recursionMisses: u64(offsets.recursionMisses),
    verifiedInstructions: view.getUint32(offsets.verifiedInstructions, true),
  };
}

/** struct bpf_link_info: kind, id, prog_id; of a perf event what it is, and of a kprobe `missed` (6.7). */
const linkInfoBytes = 80;
const linkOffsets = { kind: 0, event: 16, missed: 48 };
const BPF_LINK_TYPE_PERF_EVENT = 7;
const BPF_PERF_EVENT_KPROBE = 3;

/** Hits of a kprobe that never came to its program, because another kprobe was hit on that CPU; 0 where none tells. */
export function kprobeMisses(linkFd: number): number {
  const info = stableMemory(linkInfoBytes);
  const length = stableMemory(4);
  new Uint32Array(length.buffer)[0] = linkInfoBytes;
  if (libbpf().bpf_obj_get_info_by_fd(linkFd, info.address, length.address) !== 0) return 0;
  const view = new DataView(info.buffer);
  const is = (at: number, what: number) => view.getUint32(at, true) === what;
  return is(linkOffsets.kind, BPF_LINK_TYPE_PERF_EVENT) &&
    is(linkOffsets.event, BPF_PERF_EVENT_KPROBE)
    ? Number(view.getBigUint64(linkOffsets.missed, true))
    : 0;
}

const BPF_STATS_RUN_TIME = 0;

/**
 * While open, the kernel counts runs and time of every BPF program (since 5.8).
 * That itself costs tens of ns a run: open it for a share of a measurement, never for all of it.
 */
export class RunStatistics implements Disposable {
  #fd: number;

  constructor() {
    this.#fd = libbpf().bpf_enable_stats(BPF_STATS_RUN_TIME);
    if (this.#fd < 0) {
      throw new KomonError({
        what: "cannot switch BPF run statistics on",
        why: errnoWhy(lastErrno()),
      });
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) libc.close(this.#fd);
    this.#fd = -1;
  }
}

/** struct bpf_prog_info: the name lies at 64, 16 bytes with a NUL. */
const nameOffset = 64;

/** The name of a loaded program, as its owner gave it; undefined when the kernel does not say. */
export function programName(id: number): string | undefined {
  const fd = libbpf().bpf_prog_get_fd_by_id(id);
  if (fd < 0) return undefined;
  const info = stableMemory(infoBytes);
  const length = stableMemory(4);
  new Uint32Array(length.buffer)[0] = infoBytes;
  const result = libbpf().bpf_obj_get_info_by_fd(fd, info.address, length.address);
  libc.close(fd);
  if (result !== 0) return undefined;
  const name = Buffer.from(info.buffer, nameOffset, 16).toString("latin1").replace(/\0.*$/s, "");
  return name || undefined;
}
