/** `server PORT`: answers 1,000 bytes to each byte, in two packets. `client HOST PORT ROUNDS`: asks one by one, then waits for stdin. */
import { TcpListener, TcpSocket } from "./tcp.ts";

const TCP_NODELAY = 1;
const [role, ...words] = process.argv.slice(2);
if (role === "server") {
  using listener = new TcpListener("0.0.0.0", Number(words[0]));
  console.log("ready");
  using socket = listener.accept();
  socket.tcpOption(TCP_NODELAY, 1);
  while (socket.receive(1) === 1) {
    socket.send(999);
    socket.send(1);
  }
} else {
  const { socket } = TcpSocket.connect(words[0], Number(words[1]));
  for (let i = 0; i < Number(words[2]); i++) {
    socket.send(1);
    socket.receive(1000);
  }
  console.log("ready");
  for await (const _line of console) break;
  socket[Symbol.dispose]();
}
