import { KomonError } from "../base/errors.ts";
import { pageBytes } from "../kernel/libc.ts";
import { spanNames } from "../model/spans.ts";
import { vnfMetrics as m } from "../probes/vnf/metrics.ts";
import { VnfProbe } from "../probes/vnf/probe.ts";
import type { Collector, Family, Series } from "./family.ts";
import { maxVnfs } from "./settings.ts";

export interface VnfTarget {
  readonly name: string;
  readonly port: number;
}

/** Spans and coverage of VNFs, from the kernel's histograms and counters of every packet. */
export class VnfCollector implements Collector {
  /** No packet is sampled; mapped pages count as memory of this process. */
  readonly #probe = VnfProbe.open({ vnfs: maxVnfs, ringBytes: pageBytes() });
  /** Number by port: once watched, a port keeps its counters, whatever it is called. */
  readonly #numbers = new Map<number, number>();
  #targets: readonly VnfTarget[] = [];

  get probe(): VnfProbe {
    return this.#probe;
  }

  /** Fails when there is no place for all of them: a port that has been watched keeps its own. */
  check(targets: readonly VnfTarget[]): void {
    const ports = new Set([...this.#numbers.keys(), ...targets.map(({ port }) => port)]);
    if (ports.size <= maxVnfs) return;
    throw new KomonError({
      what: `cannot watch ${ports.size} ports`,
      why: `${maxVnfs} is the most, those that were taken out included`,
      mend: "restart komon: then only those of the configuration count",
    });
  }

  /** What is shown from now on. */
  show(targets: readonly VnfTarget[]): void {
    for (const { port } of targets) {
      if (!this.#numbers.has(port)) this.#numbers.set(port, this.#probe.watch(port));
    }
    this.#targets = targets;
  }

  collect(): Family[] {
    const span: Series[] = [];
    const packets: Series[] = [];
    const inFlight: Series[] = [];
    let misses = 0;
    for (const { name, port } of this.#targets) {
      const vnf = this.#numbers.get(port) as number;
      for (const one of spanNames) {
        const { histogram, sumNs } = this.#probe.histogram(vnf, one);
        const value = { histogram, unitSeconds: 1e-9, sumSeconds: sumNs / 1e9 };
        span.push({ labels: [name, one], value });
      }
      const c = this.#probe.coverage(vnf);
      // What is late may come still, and a counter must not fall.
      const counts = { ...c, expired: c.expired - c.overdue };
      for (const outcome of ["seen", "matched", "expired", "collided", "filtered"] as const) {
        packets.push({ labels: [name, outcome], value: counts[outcome] });
      }
      inFlight.push({ labels: [name], value: c.in_flight + c.overdue });
      misses = c.recursion_misses;
    }
    return [
      { metric: m.span, series: span },
      { metric: m.packets, series: packets },
      { metric: m.inFlight, series: inFlight },
      { metric: m.recursion, series: [{ labels: [], value: misses }] },
    ];
  }

  [Symbol.dispose](): void {
    this.#probe[Symbol.dispose]();
  }
}
