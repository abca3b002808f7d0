/**
 * Bandwidth from packet trains: probes that leave back to back come in spread out by the narrowest part of the way
 * (Dovrolis, Ramanathan, Moore 2001: "What do packet dispersion techniques measure?"). Pairs within the train show the
 * capacity of that part, the whole train what is to be had of it: the dispersion rate, which lies between the
 * available bandwidth and the capacity. Both are estimates, of the way there and back together.
 */
import { Samples } from "./samples.ts";

/** Of a set of estimates: the middle, and the spread from the 10th to the 90th percentile. */
export interface Spread {
  readonly p10_bps: number;
  readonly p50_bps: number;
  readonly p90_bps: number;
}

export interface TrainReport {
  readonly trains: number;
  /** Whole ones: every probe answered, in order. Only they count. */
  readonly complete: number;
  readonly probes_per_train: number;
  readonly packet_bytes: number;
  /** How fast the trains left. */
  readonly sent: Spread;
  /** Estimate of what is available: how fast whole trains came in. */
  readonly available: Spread;
  /** Estimate of the narrowest part's capacity, from neighbours within the trains. */
  readonly capacity: Spread;
  /** The trains came in as fast as they left: the way has this much at least, maybe more. */
  readonly is_lower_bound: boolean;
}

/** A train that kept its rate to this share was not spread out. */
const keptUp = 0.9;

/** Stamps of one host's trains. */
export class Trains {
  readonly #length: number;
  readonly #packetBytes: number;
  readonly #tx: Float64Array;
  readonly #rx: Float64Array;
  #received = 0;
  #train = -1;
  #begun = 0;
  readonly #sentBps: Samples;
  readonly #trainBps: Samples;
  readonly #pairBps: Samples;

  /** `packetBytes`: from the IP header on. `kept`: estimates of each kind that are kept as they are. */
  constructor(length: number, packetBytes: number, kept: number) {
    this.#sentBps = new Samples(kept);
    this.#trainBps = new Samples(kept);
    this.#pairBps = new Samples(kept);
    this.#length = length;
    this.#packetBytes = packetBytes;
    this.#tx = new Float64Array(length);
    this.#rx = new Float64Array(length);
  }

  /** The answer to probe `number` (1…) of the host. */
  add(number: number, txNs: number, rxNs: number): void {
    const train = Math.floor((number - 1) / this.#length);
    if (train !== this.#train) {
      this.#train = train;
      this.#received = 0;
      this.#begun++;
    }
    const place = (number - 1) % this.#length;
    if (place !== this.#received || txNs === 0) {
      this.#received = -1; // one is missing, or they came in another order
      return;
    }
    this.#tx[place] = txNs;
    this.#rx[place] = rxNs;
    if (++this.#received === this.#length) this.#close();
  }

  #close(): void {
    const bits = this.#packetBytes * 8;
    const last = this.#length - 1;
    const rate = (times: Float64Array) => (bits * last * 1e9) / (times[last] - times[0]);
    this.#sentBps.add(rate(this.#tx));
    this.#trainBps.add(rate(this.#rx));
    for (let at = 1; at <= last; at++) {
      const gap = this.#rx[at] - this.#rx[at - 1];
      if (gap > 0) this.#pairBps.add((bits * 1e9) / gap);
    }
  }

  /** Undefined when no train came back whole. */
  report(): TrainReport | undefined {
    if (this.#trainBps.count === 0) return undefined;
    const sent = spread(this.#sentBps);
    const available = spread(this.#trainBps);
    return {
      trains: this.#begun,
      complete: this.#trainBps.count,
      probes_per_train: this.#length,
      packet_bytes: this.#packetBytes,
      ...{ sent, available, capacity: spread(this.#pairBps) },
      is_lower_bound: available.p50_bps >= keptUp * sent.p50_bps,
    };
  }
}

function spread(rates: Samples): Spread {
  const at = (q: number) => Math.round(rates.quantile(q));
  return { p10_bps: at(0.1), p50_bps: at(0.5), p90_bps: at(0.9) };
}
