/** A VNF that sends through io_uring: where sends are watched at UDP it is measured, where at system calls it is said. */
import { expect } from "bun:test";
import { monotonicNs, type Pointer, stableMemory } from "../../src/kernel/libc.ts";
import { expectExact, expectIdentity } from "../support/exact.ts";
import { testUnless } from "../support/needs.ts";
import { frame4, numbered } from "../support/udpFrames.ts";
import { lacksUring, Uring } from "../support/uring.ts";
import { ends4, type Vnf, Wire } from "../support/wire.ts";

const packets = 23;

/** `struct msghdr` that gives back the VNF's packet. */
class Message {
  readonly #memory = stableMemory(56 + 16);
  readonly #view = new DataView(this.#memory.buffer);

  constructor(vnf: Vnf) {
    const { address, length } = vnf.back;
    const iovec = Number(this.#memory.address) + 56;
    this.#view.setBigUint64(0, BigInt(address), true);
    this.#view.setUint32(8, length, true);
    this.#view.setBigUint64(16, BigInt(iovec), true);
    this.#view.setBigUint64(24, 1n, true);
    this.#view.setBigUint64(56, BigInt(vnf.memory), true);
  }

  of(bytes: number): Pointer {
    this.#view.setBigUint64(64, BigInt(bytes), true);
    return this.#memory.address;
  }
}

testUnless(lacksUring(), "packets sent through io_uring", async () => {
  await using wire = await Wire.open();
  using vnf = wire.vnf();
  using watched = wire.probe({ expiryNs: 1e6 });
  using uring = new Uring();
  watched.sampleAll();
  const message = new Message(vnf);
  const putNs: number[] = [];
  for (let seq = 1; seq <= packets; seq++) {
    putNs.push(monotonicNs());
    wire.send(frame4(ends4, numbered(seq)));
    await watched.seen(seq);
    const send = (bytes: number) => uring.sendmsg(vnf.fd, message.of(bytes));
    expect(vnf.mirror((bytes) => expect(send(bytes)).toBe(bytes))).toBe(1);
  }
  await Bun.sleep(2);
  const { coverage, records } = watched;
  if (watched.probe.hooks.get("send")?.rung === "tracepoint") {
    expectIdentity(coverage);
    expect(coverage).toMatchObject({ seen: packets, matched: 0, lost: 0 });
    expect(coverage.expired_by).toMatchObject({ unsent: packets });
    expect(records.length).toBe(0);
  } else {
    expectExact({ vnf: vnf.seen, putNs, records, coverage }, packets);
  }
});
