/** A process that accepts from the listening socket on descriptor 3: not the one that listens. */
import { acceptFrom } from "./tcp.ts";

const connections = Number(process.argv[2]);
console.log("ready");
for (let i = 0; i < connections; i++) {
  using socket = acceptFrom(3);
  socket.receive(1);
  socket.send(1);
  socket.receive(1);
}
