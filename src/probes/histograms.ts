import { readU64 } from "../kernel/counter.ts";
import { komonHistograms, komonLimit, komonSpan } from "../kernel/generated/vnf.ts";
import type { Span } from "../model/spans.ts";
import { Histogram } from "../stats/histogram.ts";
import { type Mappable, View } from "./view.ts";

const spanIndex: Record<Span, number> = {
  service: komonSpan.KOMON_SERVICE,
  queue: komonSpan.KOMON_QUEUE,
  sojourn: komonSpan.KOMON_SOJOURN,
  egress: komonSpan.KOMON_EGRESS,
  total: komonSpan.KOMON_TOTAL,
};

/** One span of every packet since the probe was opened; sum and maximum are exact. */
export interface SpanHistogram {
  readonly histogram: Histogram;
  readonly sumNs: number;
  readonly maxNs: number;
}

/** Every packet's spans, per CPU and VNF; read as the sum over the CPUs. */
export class HistogramMemory extends View {
  constructor(
    map: Mappable,
    private readonly cpus: number,
    private readonly vnfs: number,
  ) {
    super(map);
  }

  read(vnf: number, span: Span): SpanHistogram {
    const { count, sumNs, maxNs, bucket } = komonHistograms.fields;
    const index = spanIndex[span];
    const histogram = new Histogram();
    const { counts } = histogram;
    let sum = 0;
    let max = 0;
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const base = (cpu * this.vnfs + vnf) * komonHistograms.size;
      if (readU64(this.view, base + count.offset + index * 8) === 0) continue;
      sum += readU64(this.view, base + sumNs.offset + index * 8);
      max = Math.max(max, readU64(this.view, base + maxNs.offset + index * 8));
      const buckets = base + bucket.offset + index * komonLimit.KOMON_BUCKETS * 8;
      for (let i = 0; i < counts.length; i++) counts[i] += readU64(this.view, buckets + i * 8);
    }
    return { histogram, sumNs: sum, maxNs: max };
  }
}
