import { libc, monotonicNs, stableMemory } from "../src/kernel/libc.ts";
import { localSocket, MSG_DONTWAIT } from "../src/kernel/socket.ts";
import { Control } from "./control.ts";
import type { Mirror, MirrorParts } from "./mirror.ts";

/** An autobound socket has the address family and a NUL and five hex digits as its name. */
const NAME_BYTES = 8;
/** A local socket queues `net.unix.max_dgram_qlen` = 10 datagrams; a batch sent twice is 8. */
const BATCH = 4;
const BATCHES = 3000;
const PAYLOAD_BYTES = 64;

/**
 * Lets the mirror's loop serve some thousand packets before the VNF says it is ready.
 *
 * Without it the first packets run in the interpreter, and a later one pays for the switch to compiled
 * code: some µs each, which would be measured as service time. The packets pass local (AF_UNIX)
 * sockets, so the loop makes the very calls it will make later while no UDP packet appears that a
 * probe or a counter could see. Everything else is as in earnest (mode, faults, kept rows), for code
 * that the warm-up does not reach is compiled as unreachable, and left expensively when it is reached.
 */
export function warmUp(parts: MirrorParts, mirrorOf: (parts: MirrorParts) => Mirror): void {
  const feeder = localSocket();
  const receiver = localSocket();
  const name = stableMemory(NAME_BYTES);
  const length = new Uint32Array([NAME_BYTES]);
  const payload = stableMemory(PAYLOAD_BYTES);
  const control = new Control();
  const connected = !parts.echo && parts.addressBytes === 0;
  libc.getsockname(feeder, name.address, length);
  if (connected) libc.connect(receiver, name.address, NAME_BYTES);
  const mirror = mirrorOf({
    ...parts,
    receiveFd: receiver,
    sendFd: receiver,
    target: parts.echo || connected ? parts.target : name.address,
    addressBytes: connected ? 0 : NAME_BYTES,
    control,
  });
  const receiverName = stableMemory(NAME_BYTES);
  libc.getsockname(receiver, receiverName.address, length);

  for (let batch = 1; batch <= BATCHES; batch++) {
    // Sampling comes and goes, as it may later.
    if (batch % 64 === 0) control.startInterval(BATCH * 8, monotonicNs());
    for (let n = 0; n < BATCH; n++) {
      libc.sendto(feeder, payload.address, PAYLOAD_BYTES, 0, receiverName.address, NAME_BYTES);
    }
    // A thread that waits in the receive call would wait here for ever: it stops at the batch's end, the others at
    // the empty socket. Not integers: the limits in earnest are none either.
    mirror.run(parts.wait === "receive" ? batch * BATCH - 0.5 : Number.MAX_SAFE_INTEGER, 1.5);
    while (libc.recvfrom(feeder, payload.address, PAYLOAD_BYTES, MSG_DONTWAIT, null, null) > 0);
  }
  mirror.free();
  libc.close(feeder);
  libc.close(receiver);
}
