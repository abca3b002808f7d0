/**
 * A BPF object file in the kernel: opened from bytes, set up, loaded, closed.
 * The order is libbpf's: choose programs and sizes and write constants, then load, then use maps and attach.
 */
import { JSCallback, type Pointer, ptr, toArrayBuffer } from "bun:ffi";
import { KomonError } from "../base/errors.ts";
import { btfFile } from "./btf.ts";
import { libbpf } from "./libbpf.ts";
import {
  cstring,
  errnoName,
  errnoWhy,
  lastErrno,
  libc,
  mapAnonymous,
  stableMemory,
} from "./libc.ts";
import { BpfMap } from "./map.ts";
import { BpfProgram } from "./program.ts";

/** The longest log that libbpf asks the verifier for; what it does not fill takes no memory. */
const logBytes = 16 << 20;

/** What libbpf said since the last {@link libbpfLog}: the verifier's log is in here. */
const said: string[] = [];
let printer: JSCallback | undefined;

/** libbpf prints through a C callback with a va_list; vsnprintf turns that into text. */
function listen(): void {
  if (printer) return;
  const text = mapAnonymous(logBytes);
  printer = new JSCallback(
    (level: number, format: Pointer, args: Pointer) => {
      if (level > 1) return 0; // 0 = warning, 1 = info, 2 = debug
      const length = libc.vsnprintf(text.address, text.buffer.byteLength, format, args);
      const bytes = Math.min(Math.max(length, 0), text.buffer.byteLength - 1);
      said.push(new TextDecoder().decode(new Uint8Array(text.buffer, 0, bytes)));
      return 0;
    },
    { args: ["i32", "ptr", "ptr"], returns: "i32" },
  );
  libbpf().libbpf_set_print(printer.ptr);
}

/** Takes what libbpf has said since the last call. */
function libbpfLog(): string {
  return said.splice(0).join("");
}

/**
 * The telling line of a verifier's log: its last complaint, before the statistics.
 * Source: kernel/bpf/verifier.c prints the complaint last, then "processed N insns".
 */
function verifierLine(log: string): string | undefined {
  const begin = log.indexOf("-- BEGIN PROG LOAD LOG --");
  const end = log.lastIndexOf("-- END PROG LOAD LOG --");
  if (begin < 0 || end < begin) return undefined;
  const lines = log
    .slice(begin, end)
    .split("\n")
    .map((line) => line.trim())
    .filter(
      (line) => line && !/^(processed \d|verification time|stack depth|--|;|\d+: )/.test(line),
    );
  return lines.at(-1);
}

/** What libbpf did not find among the kernel's types: a function, or a tracepoint. */
function missingType(log: string): string | undefined {
  const name = /failed to find kernel BTF type ID of '([^']+)'/.exec(log)?.[1];
  return name && `this kernel has no ${name}`;
}

/** struct bpf_object_open_opts: its size, and btf_custom_path at 48 (libbpf 0.6); libbpf copies the text. */
function openOptions(btf: Pointer): BigUint64Array {
  const options = new BigUint64Array(new ArrayBuffer(56));
  options.set([56n, 0n, 0n, 0n, 0n, 0n, BigInt(btf)]);
  return options;
}

/** The program that libbpf could not load, by its name in the source. */
function failedProgram(log: string): string | undefined {
  return /prog '([^']+)': (?:BPF program load failed|failed to load|failed to find)/.exec(log)?.[1];
}

/** A load that the kernel refused: says which program, and why. */
export class LoadError extends KomonError {
  constructor(
    readonly program: string | undefined,
    readonly errno: number,
    readonly log: string,
  ) {
    const line = verifierLine(log);
    const said = line ? `${errnoWhy(errno)}: ${line}` : errnoWhy(errno);
    super({
      what: program ? `cannot load the BPF program "${program}"` : "cannot load the BPF object",
      why: missingType(log) ?? said,
      ...(errnoName(errno) === "EPERM" && {
        mend: "run as root, or give CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN",
      }),
    });
  }
}

export class BpfObject implements Disposable {
  #handle: Pointer | null;
  readonly #programs = new Map<string, BpfProgram>();
  readonly #maps = new Map<string, BpfMap>();

  private constructor(handle: Pointer) {
    this.#handle = handle;
    const lib = libbpf();
    for (
      let p = lib.bpf_object__next_program(handle, null);
      p;
      p = lib.bpf_object__next_program(handle, p)
    ) {
      const program = new BpfProgram(p as Pointer);
      this.#programs.set(program.name, program);
    }
    for (
      let m = lib.bpf_object__next_map(handle, null);
      m;
      m = lib.bpf_object__next_map(handle, m)
    ) {
      const map = new BpfMap(m as Pointer);
      this.#maps.set(map.name, map);
    }
  }

  /**
   * Opens an object file held in memory. Nothing reaches the kernel yet.
   * Fails when the bytes are no BPF object, or use what this libbpf does not know.
   */
  static open(bytes: Uint8Array): BpfObject {
    listen();
    libbpfLog();
    const btf = btfFile();
    const path = cstring(btf ?? "");
    const options = btf === undefined ? null : openOptions(ptr(path));
    const handle = libbpf().bpf_object__open_mem(ptr(bytes), bytes.byteLength, options);
    if (!handle) {
      const errno = lastErrno();
      throw new KomonError({
        what: "cannot open the BPF object",
        why: `${errnoWhy(errno)} ${libbpfLog().trim()}`,
      });
    }
    return new BpfObject(handle as Pointer);
  }

  get programs(): ReadonlyMap<string, BpfProgram> {
    return this.#programs;
  }

  program(name: string): BpfProgram {
    return found(this.#programs, name, "program");
  }

  map(name: string): BpfMap {
    return found(this.#maps, name, "map");
  }

  /** The map behind a data section (".data.control", ".rodata.options"); libbpf puts the object's name before the usual ones. */
  section(name: string): BpfMap {
    for (const map of this.#maps.values()) if (map.name.endsWith(name)) return map;
    return found(this.#maps, name, "section");
  }

  /** The one variable that programs and user space share, of this size, in a section of its own. */
  control(bytes: number): BpfMap {
    return this.section(".data.control").expectValues(bytes);
  }

  /** Loads just these programs; the others stay in the file. Call before {@link load}. */
  choose(names: Iterable<string>): void {
    const chosen = new Set(names);
    for (const program of this.#programs.values()) program.setAutoload(chosen.has(program.name));
  }

  /**
   * The memory that a data section starts with (".rodata.options", ".data.control"), to be written before {@link load}.
   * Constants in .rodata let the verifier cut what they rule out.
   */
  initialValue(section: string): ArrayBuffer {
    const size = stableMemory(8);
    const address = libbpf().bpf_map__initial_value(this.section(section).handle, size.address);
    if (!address) throw new KomonError({ what: `the section "${section}" has no initial value` });
    return toArrayBuffer(address as Pointer, 0, Number(new BigUint64Array(size.buffer)[0]));
  }

  /** Fails with {@link LoadError}, which names the program that the kernel refused. */
  load(): void {
    const error = libbpf().bpf_object__load(this.#live());
    if (error === 0) return;
    const log = libbpfLog();
    throw new LoadError(failedProgram(log), -error, log);
  }

  [Symbol.dispose](): void {
    if (!this.#handle) return;
    libbpf().bpf_object__close(this.#handle);
    this.#handle = null;
  }

  #live(): Pointer {
    if (!this.#handle) throw new Error("the BPF object is closed");
    return this.#handle;
  }
}

function found<V>(map: ReadonlyMap<string, V>, name: string, kind: string): V {
  const value = map.get(name);
  if (value) return value;
  throw new Error(`the BPF object has no ${kind} "${name}", only ${[...map.keys()].join(", ")}`);
}
