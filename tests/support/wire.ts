/**
 * A cable and a VNF in a host of their own, both in the hands of the test: it puts frames on the cable, byte by byte,
 * and is the VNF itself, so that it knows of every packet when it was read and sent. Sockets are opened in the
 * world's network namespace and used from here.
 */
import { statSync } from "node:fs";
import { socketAddress } from "../../src/kernel/address.ts";
import { interfaceIndex } from "../../src/kernel/interface.ts";
import { libc, memoryAt, monotonicNs, type Pointer, stableMemory } from "../../src/kernel/libc.ts";
import {
  bindSocket,
  closeSocket,
  MSG_DONTWAIT,
  setBuffer,
  setOption,
  udpSocket,
} from "../../src/kernel/socket.ts";
import { noSeq, SpanRecords, sequenceOf } from "../../src/model/records.ts";
import type { CoverageDetail } from "../../src/probes/vnf/coverage.ts";
import { VnfProbe, type VnfProbeOptions } from "../../src/probes/vnf/probe.ts";
import { inNamespace, interfaceIndexIn } from "../../src/testbed/inside.ts";
import { Batch, PacketSocket } from "./packetSocket.ts";
import { macs } from "./udpFrames.ts";
import { World } from "./world.ts";

export const port = 4747;
export const addresses = {
  vnf4: "10.77.0.1",
  peer4: "10.77.0.2",
  vnf6: "fd77::1",
  peer6: "fd77::2",
};
export const ends4 = { from: addresses.peer4, to: addresses.vnf4, fromPort: 9999, toPort: port };
export const ends6 = { from: addresses.peer6, to: addresses.vnf6, fromPort: 9999, toPort: port };

/** For a probe that takes packets wherever they come in. */
export const anyDevice = 0;

/** The rung; that of the kernel's choice unless this variable names another. */
const hooks = (process.env.KOMON_TEST_HOOKS ?? "auto") as NonNullable<VnfProbeOptions["hooks"]>;

const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const one = new Int32Array([1]);
const mostBytes = 65_536;

/** `ip` in the world: the two ends of the cable, the VNF's by that name. */
const cable = (vnf: string) => `
link add name ${vnf} address ${macs.vnf} type veth peer name wire0 address ${macs.wire}
link set dev wire0 arp off addrgenmode none
link set dev ${vnf} addrgenmode none
address add ${addresses.vnf4}/24 dev ${vnf}
address add ${addresses.vnf6}/64 nodad dev ${vnf}
link set dev ${vnf} up
link set dev wire0 up
neighbour add ${addresses.peer4} lladdr ${macs.wire} dev ${vnf} nud permanent
neighbour add ${addresses.peer6} lladdr ${macs.wire} dev ${vnf} nud permanent
`;

export class Wire implements AsyncDisposable {
  readonly netns: string;
  ifindex = 0;
  #far: PacketSocket | undefined;

  private constructor(readonly world: World) {
    this.netns = `/proc/${world.pid}/ns/net`;
  }

  static async open(): Promise<Wire> {
    const wire = new Wire(await World.open());
    await wire.plug();
    return wire;
  }

  /** Makes the cable; again when it has been taken away. */
  async plug(): Promise<void> {
    for (const line of cable("vnf0").trim().split("\n")) await this.world.ip(...line.split(" "));
    this.ifindex = interfaceIndexIn(this.netns, "vnf0");
    this.#far?.[Symbol.dispose]();
    this.#far = this.packetSocket("wire0");
  }

  /** Gives a device back what it loses when it goes down. */
  async repair(device: string): Promise<void> {
    for (const line of cable(device).trim().split("\n")) {
      if (line.startsWith("neighbour")) await this.world.ip(...line.split(" "));
    }
  }

  /** A probe for the VNF on this wire, and the VNF's number. */
  probe(options: VnfProbeOptions = {}, device = this.ifindex): Watched {
    return new Watched(VnfProbe.open({ hooks, ...options }), statSync(this.netns).ino, device);
  }

  vnf(how: VnfOptions = {}): Vnf {
    return inNamespace(this.netns, () => new Vnf(how));
  }

  /** Any other socket of this host. */
  socket(family: number, type: number, protocol: number): number {
    return inNamespace(this.netns, () => libc.socket(family, type | SOCK_CLOEXEC, protocol));
  }

  packetSocket(device: string): PacketSocket {
    return inNamespace(this.netns, () => new PacketSocket(interfaceIndex(device)));
  }

  /** Puts frames on the cable. */
  send(...frames: readonly Uint8Array[]): void {
    this.#far?.send(...frames);
  }

  batch(most: number): Batch {
    if (!this.#far) throw new Error("the wire is not plugged");
    return new Batch(this.#far.fd, most);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#far?.[Symbol.dispose]();
    await this.world[Symbol.asyncDispose]();
  }
}

/** One packet as the VNF itself saw it. */
export interface Seen {
  readonly seq: number;
  readonly bytes: number;
  /** Its receive call lies between these two. */
  readonly askedNs: number;
  readonly gotNs: number;
  /** Its send call lies between these two. */
  readonly beginNs: number;
  readonly sentNs: number;
}

export interface VnfOptions {
  readonly address?: "0.0.0.0" | "::";
  /** Others may have the port, too: each gets some of the packets, or each a copy of what goes to many. */
  readonly shared?: "port" | "address";
  readonly bufferBytes?: number;
}

/** A mirror that moves when the test says so. */
export class Vnf implements Disposable {
  readonly fd: number;
  readonly seen: Seen[] = [];
  readonly #memory = stableMemory(mostBytes);
  readonly #bytes = new DataView(this.#memory.buffer);
  /** Where packets go back to, as C wants it. */
  readonly back: { readonly address: Pointer; readonly length: number };

  constructor({ address = "::", shared, bufferBytes = 64 << 20 }: VnfOptions) {
    const own = socketAddress(address, port);
    this.fd = udpSocket(own.family);
    setBuffer(this.fd, "receive", bufferBytes);
    if (shared === "port") setOption(this.fd, "reusePort", 1);
    if (shared === "address") libc.setsockopt(this.fd, SOL_SOCKET, SO_REUSEADDR, one, 4);
    bindSocket(this.fd, own);
    const peer = address === "::" ? `::ffff:${addresses.peer4}` : addresses.peer4;
    const { bytes } = socketAddress(peer, 9998);
    const to = stableMemory(bytes.length);
    new Uint8Array(to.buffer).set(bytes);
    this.back = { ...to, length: bytes.length };
  }

  /** Where it reads to, and sends from. */
  get memory(): Pointer {
    return this.#memory.address;
  }

  /** Reads one packet, when there is one; the bytes stay in the VNF's memory. */
  read(): number {
    return libc.recvfrom(this.fd, this.#memory.address, mostBytes, MSG_DONTWAIT, null, null);
  }

  /** Reads so many packets, one behind the other into its memory, and gives them back in one call. */
  gather(packets: number): number {
    let bytes = 0;
    for (let at = 0; at < packets; at++) {
      const to = (this.#memory.address + bytes) as Pointer;
      bytes += libc.recvfrom(this.fd, to, mostBytes - bytes, 0, null, null);
    }
    return this.send(bytes);
  }

  send(bytes: number): number {
    return libc.sendto(this.fd, this.memory, bytes, 0, this.back.address, this.back.length);
  }

  payload(bytes: number): Uint8Array {
    return new Uint8Array(memoryAt(this.#memory.address, bytes)).slice();
  }

  /** Gives back every packet that waits, at once; returns how many there were. */
  mirror(send: (bytes: number) => unknown = (bytes) => this.send(bytes)): number {
    for (let count = 0; ; count++) {
      const askedNs = monotonicNs();
      const bytes = this.read();
      if (bytes < 0) return count;
      const gotNs = monotonicNs();
      const beginNs = monotonicNs();
      send(bytes);
      const sentNs = monotonicNs();
      const word = (at: number) => this.#bytes.getUint32(at, true);
      const seq = bytes < 8 ? noSeq : sequenceOf(word(0), word(4));
      this.seen.push({ seq, bytes, askedNs, gotNs, beginNs, sentNs });
    }
  }

  [Symbol.dispose](): void {
    closeSocket(this.fd);
  }
}

/** A probe that watches the VNF on the wire. */
export class Watched implements Disposable {
  readonly number: number;
  readonly records = new SpanRecords();

  constructor(
    readonly probe: VnfProbe,
    netns: number,
    inIfindex: number,
  ) {
    this.number = probe.watch(port, { netns, inIfindex });
  }

  /** Records of all packets from now on. */
  sampleAll(interval = 1): void {
    this.probe.sample(this.number, interval, 1e9);
  }

  /** Reads what waits, and what will not come to a device any more: when the VNF has done its work. */
  read(): SpanRecords {
    this.probe.read(this.records);
    this.probe.readUntransmitted(this.number, this.records);
    return this.records;
  }

  get coverage(): CoverageDetail {
    this.read();
    return this.probe.coverage(this.number);
  }

  /** Waits until so many packets have been seen: the kernel may deliver a moment after the send. */
  async seen(packets: number): Promise<void> {
    while (this.probe.coverage(this.number).seen < packets) await Bun.sleep(1);
  }

  [Symbol.dispose](): void {
    this.probe[Symbol.dispose]();
  }
}
