/**
 * The moments of a packet's way through a host at which komon takes a stamp.
 * The names are the same in code, output, metrics and documentation.
 */
export const points = {
  nic: "the host's stack gets the packet from the device",
  rx: "UDP receives it, before the socket queue",
  read: "the VNF has it: its receive call is about to return",
  send: "the VNF gives it back: its send call begins",
  tx: "the packet is handed to the device queue",
} as const;

export type Point = keyof typeof points;

/** All points in the order in which a packet passes them. */
export const pointNames = Object.keys(points) as readonly Point[];
