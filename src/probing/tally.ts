/** What is known of each host: numbers in typed arrays, one row a host, nothing allocated per probe. */
import { jitterStep } from "../stats/jitter.ts";
import { keptOf, Samples } from "./samples.ts";

export class Tally {
  static readonly kinds = 5;
  readonly hosts: number;
  readonly sent: Float64Array;
  readonly received: Float64Array;
  readonly lost: Float64Array;
  readonly late: Float64Array;
  readonly duplicates: Float64Array;
  readonly reordered: Float64Array;
  readonly ttl: Uint8Array;
  readonly ttlChanges: Float64Array;
  readonly unstamped: Float64Array;
  /** By host and komonAnswerKind, {@link kinds} apart. */
  readonly answers: Float64Array;
  readonly jitterNs: Float64Array;
  readonly ipdvPairs: Float64Array;
  readonly ipdvSumNs: Float64Array;
  readonly ipdvMaxNs: Float64Array;
  readonly longestOutageNs: Float64Array;
  readonly rtt: Samples[];
  readonly userRtt: Samples[];
  readonly forward: Samples[];
  readonly backward: Samples[];
  readonly turnaround: Samples[];
  /** Errors by host and meaning; a host without errors has none. */
  readonly errors = new Map<number, Map<string, number>>();
  /** The first `perHost` times of each host in order of sending, NaN = no answer; for -C. */
  readonly firstRtts: Float64Array | undefined;
  readonly #perHost: number;
  readonly #latest: Float64Array;
  readonly #lastRttNs: Float64Array;
  readonly #lastNumber: Float64Array;
  readonly #outageNs: Float64Array;
  readonly #outageBefore: Float64Array;

  constructor(hosts: number, perHost = 0) {
    const numbers = () => new Float64Array(hosts);
    const samples = () => Array.from({ length: hosts }, () => new Samples(keptOf(hosts)));
    this.hosts = hosts;
    this.#perHost = perHost;
    this.sent = numbers();
    this.received = numbers();
    this.lost = numbers();
    this.late = numbers();
    this.duplicates = numbers();
    this.reordered = numbers();
    this.ttl = new Uint8Array(hosts);
    this.ttlChanges = numbers();
    this.unstamped = numbers();
    this.answers = new Float64Array(hosts * Tally.kinds);
    this.jitterNs = numbers();
    this.ipdvPairs = numbers();
    this.ipdvSumNs = numbers();
    this.ipdvMaxNs = numbers();
    this.longestOutageNs = numbers();
    this.rtt = samples();
    this.userRtt = samples();
    this.forward = samples();
    this.backward = samples();
    this.turnaround = samples();
    this.firstRtts = perHost > 0 ? new Float64Array(hosts * perHost).fill(Number.NaN) : undefined;
    this.#latest = numbers();
    this.#lastRttNs = numbers().fill(Number.NaN);
    this.#lastNumber = numbers();
    this.#outageNs = numbers();
    this.#outageBefore = numbers();
  }

  /** The first answer in time to probe `number` (1…) of a host; `rttNs` NaN when it left without a stamp. */
  answer(host: number, number: number, rttNs: number, ttl: number): void {
    this.received[host]++;
    if (number < this.#latest[host]) this.reordered[host]++;
    else this.#latest[host] = number;
    if (ttl !== 0 && this.ttl[host] !== 0 && ttl !== this.ttl[host]) this.ttlChanges[host]++;
    this.ttl[host] = ttl;
    if (Number.isNaN(rttNs)) {
      this.unstamped[host]++;
      return;
    }
    this.rtt[host].add(rttNs);
    const difference = Math.abs(rttNs - this.#lastRttNs[host]);
    if (!Number.isNaN(difference)) {
      this.jitterNs[host] = jitterStep(this.jitterNs[host], difference);
      if (number === this.#lastNumber[host] + 1) {
        this.ipdvPairs[host]++;
        this.ipdvSumNs[host] += difference;
        if (difference > this.ipdvMaxNs[host]) this.ipdvMaxNs[host] = difference;
      }
    }
    this.#lastRttNs[host] = rttNs;
    this.#lastNumber[host] = number;
    if (this.firstRtts && number <= this.#perHost) {
      this.firstRtts[host * this.#perHost + number - 1] = rttNs;
    }
  }

  /** The fate of each probe, in the order in which they were sent: what outages are made of. */
  retire(host: number, sentNs: number, wasLost: boolean): void {
    if (wasLost) {
      this.lost[host]++;
      if (this.#outageNs[host] === 0) this.#outageNs[host] = sentNs;
    } else if (this.#outageNs[host] !== 0) {
      this.#endOutage(host, sentNs);
      this.#outageNs[host] = 0;
    }
    this.#outageBefore[host] = sentNs;
  }

  /** Outages that still last count up to the last probe. */
  finish(): void {
    for (let host = 0; host < this.hosts; host++) {
      if (this.#outageNs[host] !== 0) this.#endOutage(host, this.#outageBefore[host]);
    }
  }

  #endOutage(host: number, ns: number): void {
    this.longestOutageNs[host] = Math.max(this.longestOutageNs[host], ns - this.#outageNs[host]);
  }

  error(host: number, meaning: string): void {
    const errors = this.errors.get(host) ?? new Map<string, number>();
    errors.set(meaning, (errors.get(meaning) ?? 0) + 1);
    this.errors.set(host, errors);
  }

  rttsOf(host: number): Float64Array {
    const at = host * this.#perHost;
    return (this.firstRtts ?? new Float64Array()).subarray(at, at + this.#perHost);
  }
}
