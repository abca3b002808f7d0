/** Tells systemd about this process (sd_notify(3)): a datagram to the socket named in NOTIFY_SOCKET. */
import { libc } from "./bindings.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

/** `READY=1`, `RELOADING=1`, `STOPPING=1`, `STATUS=…`. Without systemd nothing happens. */
export function notifySystemd(state: string): void {
  const path = process.env.NOTIFY_SOCKET;
  if (!path || !/^[/@]/.test(path)) return;
  const name = Buffer.from(path);
  if (name.length > 107) return;
  const address = new Uint8Array(new ArrayBuffer(2 + name.length));
  address[0] = AF_UNIX;
  address.set(name, 2);
  if (path.startsWith("@")) address[2] = 0; // the abstract name space
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  const bytes = new Uint8Array(Buffer.from(state));
  libc.sendto(fd, bytes, bytes.length, 0, address, address.length);
  libc.close(fd);
}
