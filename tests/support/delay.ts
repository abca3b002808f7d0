/**
 * A link with a delay between two network namespaces, for kernels without netem: a TUN device in each, and this
 * process, which carries packets from one to the other a given time later. `bun delay.ts A B MILLISECONDS`.
 */
import { openSync } from "node:fs";
import { cstring, libc, monotonicNs, setNetns, stableMemory } from "../../src/kernel/libc.ts";

const TUNSETIFF = 0x400454ca;
const IFF_TUN = 1;
const IFF_NO_PI = 0x1000;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;

interface Waiting {
  readonly dueNs: number;
  readonly bytes: Uint8Array;
  readonly to: number;
}

const [a, b, milliseconds] = process.argv.slice(2);
const delayNs = Number(milliseconds) * 1e6;
const home = openSync("/proc/self/ns/net", "r");
const ends = [a, b].map((namespace) => openTun(namespace));
console.log("ready");

const { address, buffer } = stableMemory(65_536);
const waiting: Waiting[] = [];
for (;;) {
  let busy = false;
  for (const [at, fd] of ends.entries()) {
    for (;;) {
      const length = libc.read(fd, address, 65_536);
      if (length <= 0) break;
      busy = true;
      const bytes = new Uint8Array(buffer).slice(0, length);
      waiting.push({ dueNs: monotonicNs() + delayNs, bytes, to: ends[1 - at] });
    }
  }
  while (waiting.length > 0 && waiting[0].dueNs <= monotonicNs()) {
    const { bytes, to } = waiting.shift() as Waiting;
    libc.write(to, bytes, bytes.length);
  }
  if (!busy) Bun.sleepSync(0.1);
}

function openTun(namespace: string): number {
  setNetns(namespace);
  const fd = libc.open(cstring("/dev/net/tun"), O_RDWR | O_NONBLOCK, 0);
  const request = new Uint8Array(new ArrayBuffer(40));
  request.set(new TextEncoder().encode("delay"));
  new DataView(request.buffer).setUint16(16, IFF_TUN | IFF_NO_PI, true);
  if (fd < 0 || libc.ioctl(fd, TUNSETIFF, request) < 0) throw new Error("no TUN device");
  setNetns(`/proc/self/fd/${home}`);
  return fd;
}
