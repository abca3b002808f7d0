import type { Counters } from "./counters.ts";

export interface TestbedOptions {
  /** Of all four device ends; default 1500. Below 1280 there is no IPv6. */
  readonly mtuBytes?: number | undefined;
  /** Four hexadecimal digits up to 3fff; default: random. Fails when it is taken. */
  readonly id?: string | undefined;
  /** IPv4 range to take eight addresses from; default 198.18.0.0/15. */
  readonly range?: string | undefined;
}

export interface Device {
  readonly name: string;
  readonly ifindex: number;
}

/** What is known of a testbed from outside; also what its registry entry keeps. */
export interface TestbedFacts {
  readonly id: string;
  readonly mtuBytes: number;
  readonly genNamespace: string;
  readonly sinkNamespace: string;
  /** Packets for the VNF arrive here. */
  readonly inDevice: Device;
  /** Packets for the target leave here. */
  readonly outDevice: Device;
  /** The generator's address: where an echoing VNF sends to. */
  readonly gen4: string;
  /** Where the load sends to: the VNF's address. */
  readonly hostIn4: string;
  readonly hostOut4: string;
  /** Where the VNF sends to: swallowed by the sink's namespace. */
  readonly target4: string;
  /** The same for IPv6; undefined on a kernel without it. */
  readonly gen6?: string | undefined;
  readonly hostIn6?: string | undefined;
  readonly hostOut6?: string | undefined;
  readonly target6?: string | undefined;
}

export interface Testbed extends TestbedFacts, Disposable, AsyncDisposable {
  /** Packets at each device end since the testbed came up; about 0.1 ms. */
  counters(): Counters;
  /** Lets the testbed outlive this process; `komon testbed down` removes it. */
  keep(): void;
  /** Removes all of it. Also happens by itself when the process exits. */
  close(): void;
}
