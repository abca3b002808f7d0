import type { TestbedFacts } from "../../testbed/testbed.ts";

/** A testbed's names and addresses as JSON output shows them. */
export function factsObject(bed: TestbedFacts) {
  return {
    schema: "komon.testbed/1",
    id: bed.id,
    mtu_bytes: bed.mtuBytes,
    gen_namespace: bed.genNamespace,
    sink_namespace: bed.sinkNamespace,
    in_device: { name: bed.inDevice.name, ifindex: bed.inDevice.ifindex },
    out_device: { name: bed.outDevice.name, ifindex: bed.outDevice.ifindex },
    ipv4: { gen: bed.gen4, host_in: bed.hostIn4, host_out: bed.hostOut4, target: bed.target4 },
    ipv6: bed.target6
      ? { gen: bed.gen6, host_in: bed.hostIn6, host_out: bed.hostOut6, target: bed.target6 }
      : null,
  };
}
