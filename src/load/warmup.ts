import { libc, stableMemory } from "../kernel/libc.ts";
import { localPair, MSG_DONTWAIT } from "../kernel/socket.ts";
import { Arrivals } from "./arrivals.ts";
import { Control } from "./control.ts";
import { Generator } from "./generator.ts";
import type { LoadConfig } from "./messages.ts";
import { Payload } from "./payload.ts";

/** A local socket queues `net.unix.max_dgram_qlen` = 10 datagrams. */
const BATCH = 8;
const BATCHES = 1000;
const WARM_PPS = 300e3;
const PAYLOAD_BYTES = 128;

/**
 * Lets the loop send some thousand packets over a pair of local sockets before the generator is ready:
 * otherwise the first packets run in the interpreter, and the schedule begins late. No UDP packet
 * appears. Some of the packets wait long enough to reach the sleep.
 */
export function warmUp({ arrivals, burst, identical }: LoadConfig): void {
  const [sender, receiver] = localPair();
  const drain = stableMemory(PAYLOAD_BYTES);
  for (let batch = 0; batch < BATCHES; batch++) {
    const pps = batch % 100 === 0 ? 5e3 : WARM_PPS;
    new Generator({
      fds: Int32Array.of(sender),
      arrivals: new Arrivals(arrivals, pps, burst, batch),
      payload: new Payload(PAYLOAD_BYTES, identical),
      payloadBytes: PAYLOAD_BYTES,
      count: BATCH,
      durationNs: 1e9,
      control: new Control(),
    }).run();
    while (libc.recvfrom(receiver, drain.address, PAYLOAD_BYTES, MSG_DONTWAIT, null, null) > 0);
  }
  libc.close(sender);
  libc.close(receiver);
}
