/**
 * A host that answers ICMP echo requests the way it is told, in place of its kernel:
 * `delay MS`, `duplicate`, `swap` (each second answer before the one before it), `lose N` (each Nth), `ttl` (64 and 63 in turn).
 */
import { AF_INET, socketAddress } from "../../../src/kernel/address.ts";
import { libc } from "../../../src/kernel/libc.ts";
import { filterIcmp, Protocol, rawSocket, setIpOption } from "../../../src/kernel/raw.ts";

const [fault, amount = "0"] = process.argv.slice(2);
const fd = rawSocket(AF_INET, Protocol.icmp);
filterIcmp(fd, AF_INET, 8);
const packet = new Uint8Array(new ArrayBuffer(2048));
let count = 0;
let held: (() => void) | undefined;
console.log("ready");

for (;;) {
  const bytes = libc.recvfrom(fd, packet, packet.length, 0x40, null, null);
  if (bytes < 0) {
    await Bun.sleep(1);
    continue;
  }
  const header = (packet[0] & 15) * 4;
  const reply = packet.slice(header, bytes);
  const view = new DataView(reply.buffer, 0, reply.length);
  reply[0] = 0;
  const sum = view.getUint16(2) + 0x0800; // RFC 1624: the type was 8
  view.setUint16(2, (sum & 0xffff) + (sum >> 16));
  const to = socketAddress([...packet.subarray(12, 16)].join("."), 0);
  const send = () => libc.sendto(fd, reply, reply.length, 0, to.bytes, to.bytes.length);
  count++;
  if (fault === "delay") setTimeout(send, Number(amount));
  else if (fault === "duplicate") {
    send();
    send();
  } else if (fault === "lose") {
    if (count % Number(amount) !== 0) send();
  } else if (fault === "ttl") {
    setIpOption(fd, AF_INET, "ttl", count % 2 === 0 ? 63 : 64);
    send();
  } else if (held) {
    send();
    held();
    held = undefined;
  } else held = send;
}
