/** The monitor on VNFs that nobody here wrote, from Debian's packages. */
import { describe, expect, setDefaultTimeout } from "bun:test";
import {
  lackingPackage,
  received,
  sinkIn,
  startMonitor,
  startProgram,
} from "../support/monitor.ts";
import { testUnless } from "../support/needs.ts";
import { World } from "../support/world.ts";

setDefaultTimeout(120_000);

const port = 7000;
const packets = 2000;

/** Sends through whatever listens on `port`, and expects every packet at sink and monitor. */
async function throughput(world: World, to: number, ...load: string[]): Promise<void> {
  const said = await world.komon(
    ...["load", `127.0.0.1:${to}`, "--count", `${packets}`, "--pps", "4k", ...load],
  );
  expect(said).toMatchObject({ code: 0 });
}

describe("komon monitor on", () => {
  testUnless(
    lackingPackage("nginx", "nginx-light", "libnginx-mod-stream"),
    "nginx's UDP stream proxy: two workers, a connected socket a packet",
    async () => {
      await using world = await World.open();
      using sink = sinkIn(world);
      world.write(
        "/tmp/nginx.conf",
        `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root; worker_processes 2; daemon off; pid /tmp/nginx.pid; error_log stderr;
events { worker_connections 4096; multi_accept on; }
stream { server {
  listen 127.0.0.1:${port} udp reuseport rcvbuf=8m;
  proxy_pass 127.0.0.1:${sink.port}; proxy_responses 0; proxy_timeout 1s;
} }
`,
      );
      await using _nginx = await startProgram(world, ["nginx", "-c", "/tmp/nginx.conf"], port);
      await using monitor = await startMonitor(world, "--port", `${port}`);
      await throughput(world, port, "--flows", "16");
      await received(sink, packets);
      const seen = await monitor.stop();
      expect(seen.code).toBe(0);
      expectAll(seen, packets);
    },
  );

  testUnless(
    lackingPackage("socat", "socat"),
    "socat: one that only receives, and one whose socket is connected",
    async () => {
      await using world = await World.open();
      for (const listen of ["UDP4-RECV", "UDP4-LISTEN"]) {
        using sink = sinkIn(world);
        const words = [
          "-u",
          `${listen}:${port},rcvbuf=8388608`,
          `UDP4-SENDTO:127.0.0.1:${sink.port}`,
        ];
        await using _socat = await startProgram(world, ["socat", "-b", "65507", ...words], port);
        await using monitor = await startMonitor(world, "--port", `${port}`);
        await throughput(world, port);
        await received(sink, packets);
        expectAll(await monitor.stop(), packets);
      }
    },
  );

  testUnless(
    lackingPackage("socat", "socat"),
    "socat with a process for each packet: more threads than there are places for",
    async () => {
      await using world = await World.open();
      using sink = sinkIn(world);
      const words = [`UDP4-RECVFROM:${port},fork`, `UDP4-SENDTO:127.0.0.1:${sink.port}`];
      await using _socat = await startProgram(world, ["socat", ...words], port);
      await using monitor = await startMonitor(world, "--port", `${port}`);
      const count = 600;
      for (let n = 1; n <= count; n++) {
        const payload = new TextEncoder().encode(
          `packet ${n} of a test that sends as many as ${count}`,
        );
        sink.send(payload, "127.0.0.1", port);
        await received(sink, 1);
      }
      expectAll(await monitor.stop(), count);
    },
  );

  testUnless(
    lackingPackage("dnsmasq", "dnsmasq-base"),
    "dnsmasq: another id in the payload, another socket out, answers on the way back",
    async () => {
      await using world = await World.open();
      const common = ["dnsmasq", "-k", "--conf-file=/dev/null", "--listen-address=127.0.0.1"];
      const more = ["--bind-interfaces", "--no-resolv", "--no-hosts", "--user=root", "--pid-file="];
      const upstream = ["--port=7001", "--address=/#/192.0.2.1"];
      const forward = [`--port=${port}`, "--server=127.0.0.1#7001", "--cache-size=0"];
      await using _upstream = await startProgram(world, [...common, ...more, ...upstream], 7001);
      await using _dnsmasq = await startProgram(world, [...common, ...more, ...forward], port);
      await using monitor = await startMonitor(world, "--port", `${port}`);
      using client = sinkIn(world);
      const queries = 500;
      for (let id = 1; id <= queries; id++) {
        const answer = client.exchange(query(id), "127.0.0.1", port);
        expect(answer[0] * 256 + answer[1]).toBe(id);
        expect([...answer.slice(-4)]).toEqual([192, 0, 2, 1]);
      }
      expectAll(await monitor.stop(), queries);
    },
  );

  testUnless(
    lackingPackage("haproxy", "haproxy"),
    "HAProxy forwarding syslog, the UDP that its free version forwards",
    async () => {
      await using world = await World.open();
      using sink = sinkIn(world);
      world.write(
        "/tmp/haproxy.cfg",
        `global
  nbthread 1
log-forward syslog
  dgram-bind 127.0.0.1:${port}
  log 127.0.0.1:${sink.port} local0
`,
      );
      await using _haproxy = await startProgram(
        world,
        ["haproxy", "-db", "-f", "/tmp/haproxy.cfg"],
        port,
      );
      await using monitor = await startMonitor(world, "--port", `${port}`);
      using client = sinkIn(world);
      for (let n = 1; n <= 200; n++) {
        client.send(
          new TextEncoder().encode(`<134>Nov 20 12:00:00 host app: message ${n}`),
          "127.0.0.1",
          port,
        );
        await received(sink, 1);
      }
      expectAll(await monitor.stop(), 200);
    },
  );
});

type Seen = Awaited<ReturnType<Awaited<ReturnType<typeof startMonitor>>["stop"]>>;

/** Every packet is in every histogram, and nothing was lost, collided or given up. */
function expectAll(seen: Seen, count: number): void {
  expect({
    seen: seen.sum("service", "seen"),
    matched: seen.sum("service", "matched"),
    service: seen.sum("service"),
    queue: seen.sum("queue"),
    sojourn: seen.sum("sojourn"),
    expired: seen.sum("service", "expired"),
    collided: seen.sum("service", "collided"),
  }).toEqual({
    seen: count,
    matched: count,
    service: count,
    queue: count,
    sojourn: count,
    expired: 0,
    collided: 0,
  });
}

/** A DNS query for an A record of `x.test`. */
function query(id: number): Uint8Array {
  const head = [id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  const name = [1, 0x78, 4, ...new TextEncoder().encode("test"), 0];
  return new Uint8Array([...head, ...name, 0, 1, 0, 1]);
}
