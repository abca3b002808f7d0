/** The testbeds of this host, by their entries. */
import { CounterReader, type Counters } from "./counters.ts";
import type { TestbedFacts } from "./facts.ts";
import { lifeOf, type Owner } from "./owner.ts";
import { type Found, listEntries } from "./registry.ts";
import { presentResources } from "./resource.ts";

export interface KnownTestbed {
  readonly id: string;
  /**
   * "kept": made to stay. "in use": a komon that runs has it. "left behind": its komon was killed.
   * "unknown": a process of another PID namespace made it.
   */
  readonly state: "kept" | "in use" | "left behind" | "unknown";
  readonly owner: Owner;
  /** Undefined when it was never finished. */
  readonly facts: TestbedFacts | undefined;
  /** False when a part of it was never made, or was removed by somebody. */
  readonly whole: boolean;
  readonly entry: Found;
}

export function listTestbeds(): KnownTestbed[] {
  return listEntries()
    .filter(({ stored }) => stored.kind === "testbed")
    .map((entry) => {
      const { owner, resources, details } = entry.stored;
      const facts = details as TestbedFacts | undefined;
      return {
        id: facts?.id ?? idOf(entry),
        state: stateOf(entry),
        owner,
        facts,
        whole: facts !== undefined && presentResources(resources).length === resources.length,
        entry,
      };
    });
}

/** Packets since it came up; undefined when something of it is gone. */
export function countersOf(facts: TestbedFacts): Counters | undefined {
  const { genNamespace, sinkNamespace, inDevice, outDevice } = facts;
  const devices = { inDevice: inDevice.name, outDevice: outDevice.name };
  try {
    using reader = new CounterReader({ genNamespace, sinkNamespace, ...devices });
    return reader.read();
  } catch {
    return undefined;
  }
}

function stateOf({ stored }: Found): KnownTestbed["state"] {
  if (stored.persistent) return "kept";
  const life = lifeOf(stored.owner);
  return life === "alive" ? "in use" : life === "dead" ? "left behind" : "unknown";
}

function idOf({ stored }: Found): string {
  const namespace = stored.resources.find(({ kind }) => kind === "namespace");
  return namespace && "name" in namespace ? namespace.name.replace(/^.*-/, "") : "?";
}
