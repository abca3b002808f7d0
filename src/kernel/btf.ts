/** The kernel's own types (BTF): from /sys/kernel/btf/vmlinux, or from a file that the user names. */
import { closeSync, openSync, readSync } from "node:fs";
import { KomonError, usageError } from "../base/errors.ts";

const elfMagic = "7f454c46";
const btfMagic = /^(9feb|eb9f)/;

let file: string | undefined;

/**
 * From now on objects take the kernel's types from this file: raw BTF, or an ELF file with a .BTF section, such as
 * an uncompressed vmlinux. It serves what only reads kernel memory (kprobes, raw tracepoints, cgroup programs);
 * fentry and BTF tracepoints are named by numbers in the kernel's own BTF, which no file can stand for.
 */
export function useBtf(path: string): void {
  const head = Buffer.alloc(4);
  try {
    const fd = openSync(path, "r");
    readSync(fd, head);
    closeSync(fd);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw usageError(`cannot read the BTF file ${path}`, "give the path of a file", why);
  }
  const magic = head.toString("hex");
  if (magic !== elfMagic && !btfMagic.test(magic)) {
    throw usageError(
      `${path} holds no BTF`,
      "make one from the kernel's vmlinux with debug information: pahole --btf_encode_detached=FILE vmlinux",
      `it begins with ${magic}, which is neither raw BTF nor ELF`,
    );
  }
  file = path;
}

/** The file of {@link useBtf}; undefined: the kernel's own BTF serves. */
export function btfFile(): string | undefined {
  return file;
}

/** The refusal where the kernel has no BTF and no file was named. */
export function noBtf(): KomonError {
  return new KomonError({
    what: "this kernel does not tell its types (BTF), by which komon finds its way in kernel memory",
    why: "there is no /sys/kernel/btf/vmlinux: the kernel was built without CONFIG_DEBUG_INFO_BTF",
    mend: "name a file with this kernel's BTF: --btf FILE",
  });
}
