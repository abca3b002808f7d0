/** BPF programs, maps and links that no process holds: what stays of a komon that is gone, unless it was pinned. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type ProgramInfo, programInfo, programName } from "../../src/kernel/info.ts";
import { libbpf } from "../../src/kernel/libbpf.ts";
import { libc, stableMemory } from "../../src/kernel/libc.ts";

const kinds = ["prog", "map", "link"] as const;
type Kind = (typeof kinds)[number];
type Ids = Record<Kind, Set<number>>;

/** `prog 12 (read_tp)`, … for all whose holder is no process: neither by a descriptor nor by way of one. */
export function unheldObjects(): string[] {
  const held = heldByProcesses();
  const all = listAll();
  for (const id of [...held.link]) for (const prog of programOf(id)) held.prog.add(prog);
  for (const id of [...held.prog]) for (const map of mapsOf(id)) held.map.add(map);
  return kinds.flatMap((kind) =>
    [...all[kind]]
      .filter((id) => !held[kind].has(id))
      .map((id) => `${kind} ${id}${kind === "prog" ? ` (${programName(id) ?? "gone"})` : ""}`),
  );
}

/** The ids of all programs in the kernel. */
export function loadedPrograms(): number[] {
  return [...listAll().prog];
}

/** The kernel's account of somebody's program. */
export function infoOfProgram(id: number): ProgramInfo {
  const fd = libbpf().bpf_prog_get_fd_by_id(id);
  try {
    return programInfo(fd);
  } finally {
    libc.close(fd);
  }
}

function listAll(): Ids {
  return byKind((kind) => {
    const next = libbpf()[`bpf_${kind}_get_next_id`];
    const { address, buffer } = stableMemory(4);
    const view = new DataView(buffer);
    const ids: number[] = [];
    for (let id = 0; next(id, address) === 0; ids.push(id)) id = view.getUint32(0, true);
    return ids;
  });
}

function byKind(list: (kind: Kind) => number[]): Ids {
  return { prog: new Set(list("prog")), map: new Set(list("map")), link: new Set(list("link")) };
}

/** By /proc/PID/fdinfo (proc(5)): a descriptor of a BPF object says its id. */
function heldByProcesses(): Ids {
  const held = byKind(() => []);
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) holdsOf(`/proc/${pid}`, fd, held);
    } catch {
      // it has ended
    }
  }
  return held;
}

function holdsOf(process: string, fd: string, held: Ids): void {
  try {
    if (!/bpf/.test(readlinkSync(`${process}/fd/${fd}`))) return;
    const text = readFileSync(`${process}/fdinfo/${fd}`, "utf8");
    for (const kind of kinds) {
      const id = new RegExp(`^${kind}_id:\\s*(\\d+)`, "m").exec(text)?.[1];
      if (id !== undefined) held[kind].add(Number(id));
    }
  } catch {
    // closed a moment ago
  }
}

/** struct bpf_link_info (include/uapi/linux/bpf.h): type, id, prog_id. */
function programOf(link: number): number[] {
  const view = infoOf(libbpf().bpf_link_get_fd_by_id(link), 64);
  return view ? [view.getUint32(8, true)] : [];
}

/** struct bpf_prog_info: nr_map_ids lies at 52, the address for the ids at 56. */
function mapsOf(program: number): number[] {
  const most = 64;
  const ids = stableMemory(most * 4);
  const view = infoOf(libbpf().bpf_prog_get_fd_by_id(program), 232, (info) => {
    info.setUint32(52, most, true);
    info.setBigUint64(56, BigInt(ids.address), true);
  });
  const count = Math.min(most, view?.getUint32(52, true) ?? 0);
  return [...new Uint32Array(ids.buffer, 0, count)];
}

function infoOf(
  fd: number,
  bytes: number,
  ask: (info: DataView) => void = () => {},
): DataView | undefined {
  if (fd < 0) return undefined;
  const info = stableMemory(bytes);
  const length = stableMemory(4);
  new Uint32Array(length.buffer)[0] = bytes;
  const view = new DataView(info.buffer);
  ask(view);
  const result = libbpf().bpf_obj_get_info_by_fd(fd, info.address, length.address);
  libc.close(fd);
  return result === 0 ? view : undefined;
}
