/** Gives back what it reads from the UDP socket that it inherited as descriptor 3, until its stdin ends. */
import { socketAddress } from "../../../src/kernel/address.ts";
import { libc, stableMemory } from "../../../src/kernel/libc.ts";

const [host, port] = process.argv.slice(2);
const { bytes: to } = socketAddress(host, Number(port));
const memory = stableMemory(65_536);
let echoed = 0;
process.stdin.on("end", () => {
  process.stdout.write(`${echoed}\n`);
  process.exit(0);
});
process.stdin.resume();
process.stdout.write("ready\n");
for (;;) {
  const bytes = libc.recvfrom(3, memory.address, 65_536, 0x40, null, null);
  if (bytes >= 0) {
    libc.sendto(3, memory.address, bytes, 0, to, to.length);
    echoed++;
  } else await new Promise(setImmediate);
}
