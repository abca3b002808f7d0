/** Connects to one address after the other, each at the same moment as another thread. */
import { libc } from "../../src/kernel/libc.ts";
import { acceptFrom, TcpSocket } from "./tcp.ts";

declare const self: Worker;

/** `arrived` counts threads that are ready for the next address; both begin when it is even. */
self.onmessage = ({
  data,
}: MessageEvent<{ port: number; fd: number; count: number; shared: SharedArrayBuffer }>) => {
  const arrived = new Int32Array(data.shared);
  for (let i = 0; i < data.count; i++) {
    Atomics.add(arrived, 0, 1);
    for (let spins = 0; Atomics.load(arrived, 0) < 2 * (i + 1); spins++) {
      if (spins > 10_000) libc.sched_yield(); // there may be one CPU alone
    }
    const { socket } = TcpSocket.connect(`127.1.${i >> 8}.${i & 255}`, data.port);
    using _server = acceptFrom(data.fd);
    socket.abort();
  }
  self.postMessage("done");
};
