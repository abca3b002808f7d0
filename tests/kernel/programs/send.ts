/** send.ts ADDRESS PORT COUNT: sends COUNT datagrams. */
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

const [address, port, count] = process.argv.slice(2);
const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
for (let i = 0; i < Number(count); i++) {
  await new Promise<void>((done, fail) =>
    socket.send(`packet ${i}`, Number(port), address, (error) => (error ? fail(error) : done())),
  );
}
socket.close();
