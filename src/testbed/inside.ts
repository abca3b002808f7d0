import { closeSync, openSync } from "node:fs";
import { interfaceIndex } from "../kernel/interface.ts";
import { setNetns } from "../kernel/netns.ts";

/**
 * Runs `work` on this thread inside a named network namespace and comes back, whatever happens.
 * `work` must be synchronous: nothing else of this process may run in between.
 */
export function inNamespace<T>(name: string, work: () => T): T {
  const home = openSync("/proc/thread-self/ns/net", "r");
  try {
    setNetns(name);
    try {
      return work();
    } finally {
      setNetns(`/proc/self/fd/${home}`);
    }
  } finally {
    closeSync(home);
  }
}

/** The index of a network device in a namespace, or in this one. */
export function interfaceIndexIn(netns: string | undefined, device: string): number {
  return netns === undefined
    ? interfaceIndex(device)
    : inNamespace(netns, () => interfaceIndex(device));
}
