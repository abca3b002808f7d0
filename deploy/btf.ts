/**
 * Reads the types out of a BPF object's .BTF section. The format is described in the kernel's
 * Documentation/bpf/btf.rst; only what a layout needs is kept of it.
 */

export type BtfType =
  | { kind: "int"; name: string; size: number; signed: boolean }
  | { kind: "array"; element: number; count: number }
  | { kind: "struct" | "union"; name: string; size: number; members: readonly BtfMember[] }
  | { kind: "enum"; name: string; size: number; values: readonly (readonly [string, number])[] }
  | { kind: "alias"; name: string; target: number }
  | { kind: "pointer" }
  | { kind: "other" };

export interface BtfMember {
  readonly name: string;
  readonly type: number;
  readonly bitOffset: number;
  /** Above zero for a bit field. */
  readonly bits: number;
}

/** All types by their BTF id; id 0 is void. */
export function readBtf(elf: Uint8Array): readonly BtfType[] {
  const section = sectionOf(elf, ".BTF");
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength);
  if (view.getUint16(0, true) !== 0xeb9f) throw new Error("the .BTF section has no BTF in it");
  const headerBytes = view.getUint32(4, true);
  const [typeAt, typeBytes, stringAt] = [8, 12, 16].map((at) => view.getUint32(at, true));
  const strings = section.subarray(headerBytes + stringAt);
  const types: BtfType[] = [{ kind: "other" }];
  let at = headerBytes + typeAt;
  while (at < headerBytes + typeAt + typeBytes) {
    const [type, bytes] = readType(view, at, strings);
    types.push(type);
    at += bytes;
  }
  return types;
}

function readType(view: DataView, at: number, strings: Uint8Array): [BtfType, bytes: number] {
  const u32 = (index: number) => view.getUint32(at + 4 * index, true);
  const name = stringAt(strings, u32(0));
  const info = u32(1);
  const count = info & 0xffff;
  const flagged = info >>> 31 === 1;
  const sizeOrType = u32(2);
  const each = <T>(words: number, read: (first: number) => T) =>
    Array.from({ length: count }, (_, i) => read(3 + words * i));
  switch ((info >>> 24) & 0x1f) {
    case 1: // BTF_KIND_INT
      return [{ kind: "int", name, size: sizeOrType, signed: ((u32(3) >>> 24) & 1) === 1 }, 16];
    case 2: // BTF_KIND_PTR
      return [{ kind: "pointer" }, 12];
    case 3: // BTF_KIND_ARRAY
      return [{ kind: "array", element: u32(3), count: u32(5) }, 24];
    case 4: // BTF_KIND_STRUCT
    case 5: {
      const members = each(3, (first) => ({
        name: stringAt(strings, u32(first)),
        type: u32(first + 1),
        bitOffset: flagged ? u32(first + 2) & 0xffffff : u32(first + 2),
        bits: flagged ? u32(first + 2) >>> 24 : 0,
      }));
      const kind = ((info >>> 24) & 0x1f) === 4 ? "struct" : "union";
      return [{ kind, name, size: sizeOrType, members }, 12 + 12 * count];
    }
    case 6: {
      // BTF_KIND_ENUM; the flag says that values are signed, but old compilers leave it out
      const values = each(
        2,
        (first) => [stringAt(strings, u32(first)), u32(first + 1) | 0] as const,
      );
      return [{ kind: "enum", name, size: sizeOrType, values }, 12 + 8 * count];
    }
    case 19: {
      // BTF_KIND_ENUM64
      const values = each(3, (first) => {
        const value = (BigInt(u32(first + 2)) << 32n) | BigInt(u32(first + 1));
        const number = Number(flagged ? BigInt.asIntN(64, value) : value);
        return [stringAt(strings, u32(first)), number] as const;
      });
      return [{ kind: "enum", name, size: sizeOrType, values }, 12 + 12 * count];
    }
    case 8: // BTF_KIND_TYPEDEF
    case 9: // BTF_KIND_VOLATILE
    case 10: // BTF_KIND_CONST
    case 11: // BTF_KIND_RESTRICT
    case 18: // BTF_KIND_TYPE_TAG
      return [{ kind: "alias", name, target: sizeOrType }, 12];
    case 13: // BTF_KIND_FUNC_PROTO
      return [{ kind: "other" }, 12 + 8 * count];
    case 14: // BTF_KIND_VAR
    case 17: // BTF_KIND_DECL_TAG
      return [{ kind: "other" }, 16];
    case 15: // BTF_KIND_DATASEC
      return [{ kind: "other" }, 12 + 12 * count];
    case 7: // BTF_KIND_FWD
    case 12: // BTF_KIND_FUNC
    case 16: // BTF_KIND_FLOAT
      return [{ kind: "other" }, 12];
    default:
      throw new Error(`BTF kind ${(info >>> 24) & 0x1f} is unknown to this reader`);
  }
}

/** A section of a little-endian 64-bit ELF file, which all BPF objects are here. */
function sectionOf(elf: Uint8Array, wanted: string): Uint8Array {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.byteLength);
  const tableAt = Number(view.getBigUint64(0x28, true));
  const entryBytes = view.getUint16(0x3a, true);
  const entry = (index: number) => tableAt + index * entryBytes;
  const bytesOf = (index: number) => {
    const start = Number(view.getBigUint64(entry(index) + 0x18, true));
    return elf.subarray(start, start + Number(view.getBigUint64(entry(index) + 0x20, true)));
  };
  const names = bytesOf(view.getUint16(0x3e, true));
  for (let index = 0; index < view.getUint16(0x3c, true); index++) {
    if (stringAt(names, view.getUint32(entry(index), true)) === wanted) return bytesOf(index);
  }
  throw new Error(`the object has no ${wanted} section`);
}

function stringAt(table: Uint8Array, at: number): string {
  return new TextDecoder().decode(table.subarray(at, table.indexOf(0, at)));
}
