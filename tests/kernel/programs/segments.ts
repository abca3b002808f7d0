/** For each line on stdin: COUNT numbered datagrams of SIZE bytes in one send call, from the socket inherited as 3. */
import { socketAddress } from "../../../src/kernel/address.ts";
import { libc } from "../../../src/kernel/libc.ts";
import { numbered } from "../../support/udpFrames.ts";

const [host, port, count, size] = process.argv.slice(2);
const { bytes: to } = socketAddress(host, Number(port));
let sequence = 0;
for await (const _line of console) {
  const datagrams = Array.from({ length: Number(count) }, () => numbered(++sequence, Number(size)));
  const whole = new Uint8Array(datagrams.flatMap((datagram) => [...datagram]));
  if (libc.sendto(3, whole, whole.length, 0, to, to.length) !== whole.length) process.exit(1);
}
