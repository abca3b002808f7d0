/**
 * forward.ts ADDRESS PORT COUNT TARGET: hands COUNT datagrams on to TARGET (`echo`: back to their
 * sender), then ends. Says "ready" when it listens.
 */
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

const [address, port, count, target] = process.argv.slice(2);
const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
let sent = 0;
socket.on("message", (payload, from) => {
  const [toPort, to] = target === "echo" ? [from.port, from.address] : [Number(port), target];
  socket.send(payload, toPort, to, (error) => {
    if (error) throw error;
    sent += 1;
    if (sent === Number(count)) socket.close();
  });
});
socket.bind(Number(port), address, () => console.log("ready"));
