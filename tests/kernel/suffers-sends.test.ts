/**
 * VNFs that send by other system calls than most: where sends are watched at UDP they are measured, where at system
 * calls it is said that nothing was sent.
 */
import { afterAll, expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { socketAddress } from "../../src/kernel/address.ts";
import { monotonicNs, type Pointer, stableMemory } from "../../src/kernel/libc.ts";
import { bindSocket, closeSocket, connectSocket } from "../../src/kernel/socket.ts";
import { expectExact, expectIdentity } from "../support/exact.ts";
import { testUnless } from "../support/needs.ts";
import { lacksPrograms32, writeProgram32 } from "../support/program32.ts";
import { frame4, numbered } from "../support/udpFrames.ts";
import { lacksUring, Uring } from "../support/uring.ts";
import { addresses, ends4, port, type Vnf, type Watched, Wire } from "../support/wire.ts";

const packets = 23;
const AF_INET = 2;
const SOCK_DGRAM = 2;

const folder = mkdtempSync(join(tmpdir(), "komon-sends-"));
afterAll(() => rmSync(folder, { recursive: true }));
const program32 = join(folder, "vnf32");
writeProgram32(program32);

/** Whether sends are watched where they reach UDP, whatever call made them. */
const atUdp = ({ probe }: Watched) => probe.hooks.get("send")?.rung !== "tracepoint";

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
  if (atUdp(watched)) {
    expectExact({ vnf: vnf.seen, putNs, records, coverage }, packets);
    return;
  }
  expectIdentity(coverage);
  expect(coverage).toMatchObject({ seen: packets, matched: 0, lost: 0 });
  expect(coverage.expired_by).toMatchObject({ unsent: packets });
  expect(records.length).toBe(0);
});

testUnless(lacksPrograms32(program32), "packets of a 32-bit program", async () => {
  await using wire = await Wire.open();
  using watched = wire.probe();
  watched.sampleAll();
  const socket = wire.socket(AF_INET, SOCK_DGRAM, 0);
  bindSocket(socket, socketAddress(addresses.vnf4, port));
  connectSocket(socket, socketAddress(ends4.from, ends4.fromPort));
  const vnf = Bun.spawn([program32], { stdio: ["ignore", "inherit", "inherit", socket] });
  try {
    for (let seq = 1; seq <= packets; seq++) wire.send(frame4(ends4, numbered(seq)));
    const done = () => {
      const { matched, expired_by } = watched.coverage;
      return atUdp(watched) ? matched : expired_by.unsent;
    };
    while (done() < packets) await Bun.sleep(5);
  } finally {
    vnf.kill("SIGKILL");
    await vnf.exited;
    closeSocket(socket);
  }
  const { coverage, records } = watched;
  expectIdentity(coverage);
  expect(coverage).toMatchObject({ seen: packets, collided: 0, lost: 0, unmatched_sends: 0 });
  expect(records.length).toBe(atUdp(watched) ? packets : 0);
});
