/**
 * Where a VNF waits for its packets: `ready` in poll(2), then takes what is there (an event loop, as most servers
 * have), `receive` in the receive call itself, `never`: it asks again and again (as on DPDK).
 */
export const waits = ["ready", "receive", "never"] as const;

export type Wait = (typeof waits)[number];

export const defaultWait: Wait = "ready";
