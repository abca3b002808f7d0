/** ask.ts ADDRESS PORT COUNT: sends COUNT datagrams and ends when as many have come back. */
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

const [address, port, count] = process.argv.slice(2);
const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
let answers = 0;
socket.on("message", () => {
  answers += 1;
  if (answers === Number(count)) socket.close();
});
for (let i = 0; i < Number(count); i++) socket.send(`packet ${i}`, Number(port), address);
