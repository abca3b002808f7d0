/**
 * The load generator: UDP packets at a given rate, from a thread of its own.
 * Knows src/base, src/kernel and src/stats.
 */
import { KomonError, usageError } from "../base/errors.ts";
import { workerUrl } from "../base/worker.ts";
import { AF_INET, type SocketAddress, socketAddress } from "../kernel/address.ts";
import { bindSocket, connectSocket, udpSocket } from "../kernel/socket.ts";
import type { ArrivalKind } from "./arrivals.ts";
import { Control } from "./control.ts";
import type { LoadConfig, LoadCounters, LoadMessage } from "./messages.ts";

export interface LoadOptions {
  readonly target: SocketAddress;
  readonly pps: number;
  readonly payloadBytes: number;
  readonly arrivals: ArrivalKind;
  readonly burst: number;
  readonly count?: number | undefined;
  readonly durationNs?: number | undefined;
  readonly identical: boolean;
  readonly seed: number;
  readonly cpu?: number | undefined;
  /** Flow n sends from this port plus n; else from any. */
  readonly sourcePort?: number | undefined;
  readonly flows: number;
}

/** Head room of the UDP length field: less the IPv4 and UDP headers, or the UDP header alone. */
const MOST_BYTES = { ipv4: 65_507, ipv6: 65_527 } as const;

export class Load {
  readonly tid: Promise<number>;
  readonly done: Promise<LoadCounters>;
  readonly #control = new Control();

  /** Opens the sockets and starts the thread; {@link tid} resolves when it is ready to go. */
  constructor(options: LoadOptions) {
    const { target, payloadBytes, flows, sourcePort } = options;
    const most = target.family === AF_INET ? MOST_BYTES.ipv4 : MOST_BYTES.ipv6;
    if (payloadBytes > most) {
      throw usageError(`a UDP payload of ${payloadBytes} bytes cannot be`, `at most ${most}`);
    }
    const fds = Int32Array.from({ length: flows }, (_, flow) =>
      flowSocket(target, sourcePort === undefined ? undefined : sourcePort + flow),
    );
    const ready = Promise.withResolvers<number>();
    const done = Promise.withResolvers<LoadCounters>();
    this.tid = ready.promise;
    this.done = done.promise;
    const worker = new Worker(workerUrl("src/load/load.worker.ts"));
    const fail = (error: Error) => {
      ready.reject(error);
      done.reject(error);
    };
    worker.onmessage = ({ data }: MessageEvent<LoadMessage>) => {
      if (data.kind === "ready") ready.resolve(data.tid);
      else if (data.kind === "done") done.resolve(data.counters);
      else fail(new KomonError(data.error));
    };
    worker.onerror = ({ message }) => fail(new Error(`the load thread broke: ${message}`));
    done.promise.catch(() => {}); // a failure before the start is told by `tid`
    const config: LoadConfig = {
      fds,
      pps: options.pps,
      payloadBytes,
      arrivals: options.arrivals,
      burst: options.burst,
      count: options.count ?? Number.MAX_SAFE_INTEGER,
      durationNs: options.durationNs ?? Number.MAX_SAFE_INTEGER,
      identical: options.identical,
      seed: options.seed,
      cpu: options.cpu,
      control: this.#control.shared,
    };
    worker.postMessage(config);
  }

  /** Begins to send. */
  go(): void {
    this.#control.go();
  }

  /** Ends early; {@link done} resolves with what was sent until then. */
  stop(): void {
    this.#control.stop();
  }
}

function flowSocket(target: SocketAddress, sourcePort: number | undefined): number {
  const fd = udpSocket(target.family);
  if (sourcePort !== undefined) {
    bindSocket(fd, socketAddress(target.family === AF_INET ? "0.0.0.0" : "::", sourcePort));
  }
  connectSocket(fd, target);
  return fd;
}
