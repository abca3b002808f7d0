import { readU64 } from "../../kernel/counter.ts";
import { komonTcpGroup, komonTcpGroupKey } from "../../kernel/generated/tcp.ts";
import { Histogram, histogramBuckets } from "../../stats/histogram.ts";
import { addressText } from "./address.ts";
import { commText } from "./connection.ts";
import type { Grouping } from "./options.ts";

/** Round-trip times of all connections that have something in common, since the probe was opened. */
export interface RttGroup {
  /** What they have in common: an address, a subnet such as `10.0.0.0/24`, `nginx 4711`, `other`, or `all`. */
  readonly name: string;
  readonly pid: number | undefined;
  readonly comm: string | undefined;
  readonly addr: string | undefined;
  /** In microseconds, the kernel's own unit. */
  readonly histogramUs: Histogram;
  readonly samples: number;
  readonly sumNs: number;
  readonly minNs: number;
  readonly maxNs: number;
  /** RFC 6298 over the group's samples in their order. */
  readonly srttNs: number;
  readonly mdevNs: number;
}

const { fields } = komonTcpGroup;

/** The group that takes what found no room. */
const other = 0;

export interface GroupNaming {
  readonly grouping: Grouping;
  readonly prefix4: number;
  readonly prefix6: number;
}

/** The group at `index`; undefined when it has no samples. */
export function groupAt(view: DataView, index: number, naming: GroupNaming): RttGroup | undefined {
  const at = index * komonTcpGroup.size;
  const u32 = (field: { offset: number }) => view.getUint32(at + field.offset, true);
  if (u32(fields.minUs) === 0) return undefined;
  const histogramUs = new Histogram();
  for (let bucket = 0; bucket < histogramBuckets; bucket++) {
    histogramUs.counts[bucket] = readU64(view, at + fields.bucket.offset + bucket * 8);
  }
  return {
    ...nameOf(view, at + fields.key.offset, index, naming),
    histogramUs,
    samples: histogramUs.count,
    sumNs: readU64(view, at + fields.sumUs.offset) * 1000,
    minNs: u32(fields.minUs) * 1000,
    maxNs: u32(fields.maxUs) * 1000,
    srttNs: u32(fields.srtt) * 125,
    mdevNs: u32(fields.mdev) * 250,
  };
}

function nameOf(view: DataView, at: number, index: number, naming: GroupNaming) {
  const nobody = { pid: undefined, comm: undefined, addr: undefined };
  if (naming.grouping === "total") return { name: "all", ...nobody };
  if (index === other) return { name: "other", ...nobody };
  const key = komonTcpGroupKey.fields;
  const bytes = (field: { offset: number }) =>
    new Uint8Array(view.buffer, view.byteOffset + at + field.offset, 16);
  if (naming.grouping === "comm") {
    const comm = commText(bytes(key.comm));
    return { ...nobody, name: comm || "unknown", comm };
  }
  if (naming.grouping === "process") {
    const pid = view.getUint32(at + key.pid.offset, true);
    const comm = commText(bytes(key.comm));
    return { name: pid ? `${comm} ${pid}` : "unknown", pid, comm, addr: undefined };
  }
  const addr = addressText(bytes(key.addr));
  if (naming.grouping !== "subnet") return { ...nobody, name: addr, addr };
  const v4 = view.getUint32(at + key.family.offset, true) === 4;
  const subnet = `${addr}/${v4 ? naming.prefix4 : naming.prefix6}`;
  return { ...nobody, name: subnet, addr: subnet };
}
