/**
 * What this kernel can do, asked by trying and never by its version. A question has three answers: "cannot tell"
 * (no rights, no memory) is never taken for no. An answer is kept for the life of the process.
 */
import { existsSync, readFileSync } from "node:fs";
import { libbpf } from "./libbpf.ts";
import { cstring, errnoName, errnoWhy, libc, stableMemory } from "./libc.ts";

export interface Answer {
  readonly is: "yes" | "no" | "cannot tell";
  /** What the kernel said; for "yes" nothing needs to be said. */
  readonly why?: string;
}

export interface Feature {
  readonly name: string;
  /** The first upstream version that has it, for people: no decision rests on it. */
  readonly since: string;
  ask(): Answer;
}

const yes: Answer = { is: "yes" };

/** A question that is put to the kernel once. */
function feature(name: string, since: string, ask: () => Answer): Feature {
  let answer: Answer | undefined;
  return {
    name,
    since,
    ask() {
      answer ??= ask();
      return answer;
    },
  };
}

/** Types of all the kernel's own structures and functions: what CO-RE and fentry need. */
export const kernelBtf = feature("BTF", "5.2", () => {
  if (existsSync("/sys/kernel/btf/vmlinux")) return yes;
  if (!existsSync("/sys/kernel")) return { is: "cannot tell", why: "sysfs is not mounted" };
  return { is: "no", why: "there is no /sys/kernel/btf/vmlinux" };
});

/**
 * bpf_cast_to_kern_ctx, by which a cgroup program gets at the kernel's own packet. libbpf 1.1 looks for a function that
 * is missing in the modules, too, and fails there without CAP_SYS_ADMIN, even where the program can do without.
 */
export const kernelContext = feature("kernel context", "6.2", () => {
  const btf = kernelBtf.ask();
  if (btf.is !== "yes") return btf;
  return readFileSync("/sys/kernel/btf/vmlinux").includes("\0bpf_cast_to_kern_ctx\0")
    ? yes
    : { is: "no", why: "this kernel has no bpf_cast_to_kern_ctx" };
});

/** Programs at the entry of kernel functions, through a trampoline. */
export const fentry = feature("fentry", "5.5", () => {
  const errno = load(tracing, returnZero, { attachType: traceFentry, attachTo: 1 });
  switch (errnoName(errno)) {
    case "EPERM":
      // Without the right to load any tracing program, this says nothing of fentry.
      return load(rawTracepoint, returnZero) === 0
        ? { is: "no", why: "EPERM, this kernel does not let programs be attached to its functions" }
        : { is: "cannot tell", why: "EPERM, no right to load BPF programs" };
    case "EOPNOTSUPP":
    case "ENOTSUPP":
      return { is: "no", why: errnoWhy(errno) };
    default:
      // BTF type 1 is no function, so this is refused everywhere; a real function may be refused all the same.
      return { is: "cannot tell", why: "only a real function shows it" };
  }
});

/** Probes at nearly any instruction, by a breakpoint or a jump. komon attaches them through perf events. */
export const kprobes = feature("kprobes", "4.17", () => {
  const sources = "/sys/bus/event_source/devices";
  if (existsSync(`${sources}/kprobe`)) return yes;
  if (!existsSync(sources)) return { is: "cannot tell", why: `there is no ${sources}` };
  return { is: "no", why: "this kernel is built without kprobes" };
});

/** Atomics that return what was there: fetch-and-add, compare-and-exchange. */
export const fetchingAtomics = feature("fetching atomics", "5.12", () => {
  const errno = load(socketFilter, addAtomically(BPF_FETCH));
  if (errno === 0) return yes;
  const control = load(socketFilter, addAtomically(0));
  if (control === 0) return { is: "no", why: errnoWhy(errno) };
  return { is: "cannot tell", why: errnoWhy(control) };
});

export const features: readonly Feature[] = [kernelBtf, fentry, kprobes, fetchingAtomics];

/** enum bpf_prog_type and enum bpf_attach_type (include/uapi/linux/bpf.h). */
const socketFilter = 1;
const rawTracepoint = 17;
const tracing = 26;
const traceFentry = 24;
const BPF_FETCH = 1;

/** One instruction (struct bpf_insn): operation, registers, offset, immediate. */
type Instruction = readonly [code: number, to: number, from: number, offset: number, value: number];

/** return 0 */
const returnZero: readonly Instruction[] = [
  [0xb7, 0, 0, 0, 0],
  [0x95, 0, 0, 0, 0],
];

/** *(u64 *)(r10 - 8) = 0; r1 = 1; atomic add of r1; return 0 */
function addAtomically(flags: number): readonly Instruction[] {
  return [[0x7a, 10, 0, -8, 0], [0xb7, 1, 0, 0, 1], [0xdb, 10, 1, -8, flags], ...returnZero];
}

/** Loads a program for a moment; the errno of the kernel's refusal, or 0. */
function load(
  type: number,
  program: readonly Instruction[],
  target?: { readonly attachType: number; readonly attachTo: number },
): number {
  const code = stableMemory(program.length * 8);
  const view = new DataView(code.buffer);
  program.forEach(([operation, to, from, offset, value], i) => {
    view.setUint8(i * 8, operation);
    view.setUint8(i * 8 + 1, to | (from << 4));
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, value, true);
  });
  // struct bpf_prog_load_opts (libbpf's bpf.h)
  const options = stableMemory(40);
  const fields = new DataView(options.buffer);
  fields.setBigUint64(0, 40n, true);
  fields.setUint32(8, 1, true); // attempts
  fields.setUint32(12, target?.attachType ?? 0, true);
  fields.setUint32(32, target?.attachTo ?? 0, true);
  const fd = libbpf().bpf_prog_load(
    type,
    null,
    cstring("GPL"),
    code.address,
    BigInt(program.length),
    options.address,
  );
  if (fd < 0) return -fd;
  libc.close(fd);
  return 0;
}
