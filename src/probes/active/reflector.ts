/**
 * The far end of active probing: answers probes in the driver, with its own times of receiving and sending.
 * Needs root or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN. Ends with the process.
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import object from "../../../dist/bpf/x86/reflect.bpf.o" with { type: "file" };
import { KomonError } from "../../base/errors.ts";
import { AF_INET, socketAddress } from "../../kernel/address.ts";
import { realtimeOffsetNs } from "../../kernel/clockOffset.ts";
import { readU64 } from "../../kernel/counter.ts";
import { type Device, LinkType } from "../../kernel/device.ts";
import {
  komonReflectAddress,
  komonReflectControl,
  komonReflectCounters,
  komonReflectOptions,
} from "../../kernel/generated/reflect.ts";
import { attachXdp, type DeviceLink, type XdpMode } from "../../kernel/hook.ts";
import { type BpfMap, type MappedMemory, possibleCpus, unmap } from "../../kernel/map.ts";
import { BpfObject } from "../../kernel/object.ts";

/** STAMP's port (RFC 8762). */
export const stampPort = 862;

export type ReflectCounters = Readonly<Record<keyof typeof komonReflectCounters.fields, number>>;

export class Reflector implements Disposable {
  readonly mode: XdpMode;
  readonly #opened: DisposableStack;
  readonly #counters: MappedMemory;
  readonly #control: MappedMemory;
  readonly #addresses: OwnAddresses;
  readonly #cpus = possibleCpus();

  /** Fails when the device's XDP hook is taken: there is no second rung for an answer in the driver. */
  constructor(device: Device, port: number) {
    if (device.linkType !== LinkType.ethernet && device.linkType !== LinkType.loopback) {
      throw new KomonError({
        what: `cannot reflect at ${device.name}`,
        why: "its packets have no Ethernet header",
      });
    }
    using parts = new DisposableStack();
    const opened = parts.use(BpfObject.open(readFileSync(object)));
    const options = new DataView(opened.initialValue(".rodata.options"));
    options.setUint16(komonReflectOptions.fields.port.offset, port, true);
    opened.map("counters").setEntries(this.#cpus);
    opened.load();
    this.#addresses = new OwnAddresses(opened.map("addresses"));
    this.#addresses.refresh();
    this.#counters = parts.adopt(
      opened.map("counters").expectValues(komonReflectCounters.size).map(),
      unmap,
    );
    this.#control = parts.adopt(opened.control(komonReflectControl.size).map(), unmap);
    this.#setClock();
    const [link, mode] = attach(opened.program("reflector").fd, device);
    parts.use(link);
    this.mode = mode;
    this.#opened = parts.move();
  }

  /** The wall clock moves against the kernel's own (NTP steers it), addresses come and go: call this once a second. */
  refresh(): void {
    this.#setClock();
    this.#addresses.refresh();
  }

  #setClock(): void {
    const { clockOffsetNs } = komonReflectControl.fields;
    new DataView(this.#control.buffer).setBigInt64(clockOffsetNs.offset, realtimeOffsetNs(), true);
  }

  counters(): ReflectCounters {
    const view = new DataView(this.#counters.buffer);
    const sums = Object.entries(komonReflectCounters.fields).map(([name, { offset }]) => {
      let sum = 0;
      for (let cpu = 0; cpu < this.#cpus; cpu++) {
        sum += readU64(view, cpu * komonReflectCounters.size + offset);
      }
      return [name, sum];
    });
    return Object.fromEntries(sums) as ReflectCounters;
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }
}

/** What this host, in the caller's network namespace, may answer for. */
class OwnAddresses {
  readonly #map: BpfMap;
  #known: ReadonlySet<string> = new Set();

  constructor(map: BpfMap) {
    this.#map = map;
  }

  refresh(): void {
    const now = new Set(
      Object.values(networkInterfaces()).flatMap((device = []) => device.map((one) => one.address)),
    );
    for (const gone of this.#known) if (!now.has(gone)) this.#map.remove(addressKey(gone));
    for (const one of now) if (!this.#known.has(one)) this.#map.update(addressKey(one), here);
    this.#known = now;
  }
}

const here = Uint8Array.of(1);

/** struct komon_reflect_address */
export function addressKey(address: string): Uint8Array {
  const { family, bytes } = socketAddress(address, 0);
  const key = new Uint8Array(komonReflectAddress.size);
  key.set(family === AF_INET ? bytes.subarray(4, 8) : bytes.subarray(8, 24));
  return key;
}

/**
 * A veth's driver hands on a reflected packet only when its peer runs XDP or GRO, too; so software devices answer
 * in the stack's XDP hook.
 */
function attach(programFd: number, device: Device): [DeviceLink, XdpMode] {
  const isHardware = device.kind === "" && device.linkType === LinkType.ethernet;
  const modes: readonly XdpMode[] = isHardware ? ["native", "generic"] : ["generic"];
  let refusal: KomonError | undefined;
  for (const mode of modes) {
    try {
      return [attachXdp(programFd, device, mode), mode];
    } catch (error) {
      if (!(error instanceof KomonError)) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}
