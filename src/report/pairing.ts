import type { PacketLog } from "../results/logs.ts";
import { meanInterval } from "../stats/batch.ts";
import type { Interval } from "../stats/interval.ts";
import { meanOf, quantileSorted } from "../stats/summary.ts";
import { welch } from "../stats/welch.ts";

/** How KERNEL_ and VNF_ compare row by row, rows paired by their number. */
export interface RowDifferences {
  readonly pairs: number;
  /** Mean and 99th percentile of |KERNEL_ - VNF_|. */
  readonly pair_mae_ns: number;
  readonly pair_p99_ns: number;
}

/** Collects the repetitions of a combination. */
export class Pairing {
  #distances: Float64Array;
  #pairs = 0;
  readonly #kernelMeans: number[] = [];
  readonly #vnfMeans: number[] = [];
  readonly #differences: number[] = [];

  constructor(rows: number) {
    this.#distances = new Float64Array(Math.max(16, rows));
  }

  /** Rows of both logs in order of their numbers; `packets` of them make an interval. */
  add(kernel: PacketLog, vnf: PacketLog, packets: number): void {
    for (let k = 0, v = 0; k < kernel.length && v < vnf.length; ) {
      const ahead = kernel.number[k] - vnf.number[v];
      if (ahead === 0) this.#push(Math.abs(kernel.valueNs[k] - vnf.valueNs[v]));
      if (ahead <= 0) k++;
      if (ahead >= 0) v++;
    }
    this.#addMeans(kernel, vnf, packets);
  }

  #push(distance: number): void {
    if (this.#pairs === this.#distances.length) {
      const longer = new Float64Array(this.#pairs * 2);
      longer.set(this.#distances);
      this.#distances = longer;
    }
    this.#distances[this.#pairs++] = distance;
  }

  #addMeans(kernel: PacketLog, vnf: PacketLog, packets: number): void {
    const kernelMeans = intervalMeans(kernel, packets);
    const vnfMeans = intervalMeans(vnf, packets);
    for (const [interval, mean] of kernelMeans) {
      const other = vnfMeans.get(interval);
      if (other !== undefined) this.#differences.push(mean - other);
    }
    for (const mean of kernelMeans.values()) this.#kernelMeans.push(mean);
    for (const mean of vnfMeans.values()) this.#vnfMeans.push(mean);
  }

  /** Sorts what was collected. */
  differences(): RowDifferences {
    const distances = this.#distances.subarray(0, this.#pairs).sort();
    return {
      pairs: this.#pairs,
      pair_mae_ns: meanOf(distances),
      pair_p99_ns: quantileSorted(distances, 0.99),
    };
  }

  /**
   * The 95 % interval around the difference of the means, with intervals as the unit: of their
   * differences where the packets are the same, of two samples where they are not.
   */
  around(bias: number, samePackets: boolean): Interval {
    const { low, high } = samePackets
      ? meanInterval(this.#differences)
      : welch(this.#kernelMeans, this.#vnfMeans);
    const half = (high - low) / 2;
    return { value: bias, low: bias - half, high: bias + half };
  }
}

/** Means by interval, told by the row's number: the interval column skips in some logs of 2019. */
function intervalMeans(log: PacketLog, packets: number): Map<number, number> {
  const means = new Map<number, number>();
  for (let row = 0; row < log.length; ) {
    const interval = Math.floor((log.number[row] - 1) / packets);
    let sum = 0;
    let count = 0;
    for (; row < log.length && log.number[row] <= (interval + 1) * packets; row++, count++) {
      sum += log.valueNs[row];
    }
    means.set(interval, sum / count);
  }
  return means;
}
