/** tcpconnlat against the client's own clock. */
import { formatNs } from "../../src/base/units.ts";
import { TcpProbe } from "../../src/probes/tcp/probe.ts";
import { TcpListener } from "../../tests/support/tcp.ts";

export function connects(): void {
  using probe = TcpProbe.open({ events: ["connected"] });
  using listener = new TcpListener();
  const off: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const { client, server, tookNs } = listener.pair();
    probe.read(({ timeNs, connection }) => {
      off.push(tookNs - (timeNs - (connection.startNs ?? 0)));
    });
    client[Symbol.dispose]();
    server[Symbol.dispose]();
  }
  off.sort((a, b) => a - b);
  const at = (q: number) => formatNs(off[Math.floor(q * (off.length - 1))]);
  console.log(
    `connect: the client's clock minus komon's, ${off.length} connects: p1 ${at(0.01)}, median ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}`,
  );
}
