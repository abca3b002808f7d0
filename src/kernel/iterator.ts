/** BPF iterators: programs that the kernel calls once for each of its things, while somebody reads a file. */
import { dlopen, FFIType as T } from "bun:ffi";
import { KomonError } from "../base/errors.ts";
import { libbpf } from "./libbpf.ts";
import { errnoWhy, lastErrno, libc } from "./libc.ts";
import type { BpfProgram } from "./program.ts";

function open() {
  libbpf(); // finds the library in the system's folders, or fails
  return dlopen("libbpf.so.1", {
    // int bpf_iter_create(int link_fd);
    bpf_iter_create: { args: [T.i32], returns: T.i32 },
  }).symbols;
}

/** Lets an iterator program (since 5.8) see all its things once. What the program prints is dropped. */
export function runIterator(program: BpfProgram): void {
  using link = program.attach();
  const fd = open().bpf_iter_create(link.fd);
  if (fd < 0) throw failed(program);
  try {
    const page = new Uint8Array(new ArrayBuffer(4096));
    for (;;) {
      const bytes = libc.read(fd, page, page.length);
      if (bytes === 0) return;
      if (bytes < 0) throw failed(program);
    }
  } finally {
    libc.close(fd);
  }
}

function failed(program: BpfProgram): KomonError {
  const what = `cannot run the iterator "${program.name}"`;
  return new KomonError({ what, why: errnoWhy(lastErrno()) });
}
