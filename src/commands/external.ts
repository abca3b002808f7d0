/** A VNF that somebody else runs: is anybody there? */
import { usageError } from "../base/errors.ts";
import { portsOfNamespace } from "../monitor/ports.ts";

/** Whether a UDP socket that is not connected is bound to the port, in this network namespace. */
export function isReceiving(port: number): boolean {
  return portsOfNamespace("thread-self").includes(port);
}

/** *Fails when* nobody receives on the port: every interval would end by its time-out. */
export function requireReceiver(port: number): void {
  if (isReceiving(port)) return;
  throw usageError(
    `nobody receives on UDP port ${port}`,
    "start the VNF first, on all addresses; `ss -lun` shows who receives where",
    "--vnf external measures a VNF that already runs, in this network namespace",
  );
}
