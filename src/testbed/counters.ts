/** Packet counts of a testbed's four device ends, exact as the veth driver keeps them. */
import { closeSync, openSync, readSync } from "node:fs";
import { inNamespace } from "./inside.ts";

/** Packets since the testbed came up, in the order of a packet's way; then the way back. */
export interface Counters {
  readonly genTx: number;
  readonly inRx: number;
  readonly outTx: number;
  readonly sinkRx: number;
  readonly inTx: number;
  readonly genRx: number;
  readonly sinkTx: number;
  readonly outRx: number;
}

/** Where the four ends are. */
export interface Ends {
  readonly genNamespace: string;
  readonly sinkNamespace: string;
  readonly inDevice: string;
  readonly outDevice: string;
}

interface Packets {
  readonly rx: number;
  readonly tx: number;
}

/**
 * Holds /proc/net/dev of the three namespaces open: such a file keeps showing the namespace it was
 * opened in, so that reading costs three system calls and no change of namespace.
 */
export class CounterReader implements Disposable {
  readonly #ends: Ends;
  readonly #files: { host: number; gen: number; sink: number };
  #open = true;

  constructor(ends: Ends) {
    this.#ends = ends;
    const openHere = (): number => openSync("/proc/thread-self/net/dev", "r");
    const host = openHere();
    const gen = inNamespace(ends.genNamespace, openHere);
    const sink = inNamespace(ends.sinkNamespace, openHere);
    this.#files = { host, gen, sink };
  }

  read(): Counters {
    const { host, gen, sink } = this.#files;
    const hostText = readWhole(host);
    const genEnd = packetsOf(readWhole(gen), "gen");
    const inEnd = packetsOf(hostText, this.#ends.inDevice);
    const outEnd = packetsOf(hostText, this.#ends.outDevice);
    const sinkEnd = packetsOf(readWhole(sink), "sink");
    return {
      genTx: genEnd.tx,
      inRx: inEnd.rx,
      outTx: outEnd.tx,
      sinkRx: sinkEnd.rx,
      inTx: inEnd.tx,
      genRx: genEnd.rx,
      sinkTx: sinkEnd.tx,
      outRx: outEnd.rx,
    };
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    for (const fd of Object.values(this.#files)) closeSync(fd);
  }
}

/** A line of /proc/net/dev: `name: rx_bytes rx_packets … (8 fields) tx_bytes tx_packets …`. */
export function packetsOf(text: string, device: string): Packets {
  const line = text.split("\n").find((each) => each.trimStart().startsWith(`${device}:`));
  if (line === undefined) throw new Error(`no device ${device} in /proc/net/dev`);
  const fields = line
    .slice(line.indexOf(":") + 1)
    .trim()
    .split(/\s+/)
    .map(Number);
  return { rx: fields[1]!, tx: fields[9]! };
}

function readWhole(fd: number): string {
  const chunk = Buffer.alloc(16384);
  let text = "";
  let position = 0;
  for (;;) {
    const count = readSync(fd, chunk, 0, chunk.length, position);
    if (count === 0) return text;
    text += chunk.toString("latin1", 0, count);
    position += count;
  }
}
