import { print } from "../../base/output.ts";
import { json } from "../../sinks/json.ts";
import { removeStale } from "../../testbed/stale.ts";
import { DEFAULT_MTU_BYTES, openTestbed, type TestbedFacts } from "../../testbed/testbed.ts";
import { defineCommand, Exit, flag } from "../define.ts";
import { factsObject } from "./facts.ts";

export default defineCommand({
  name: "testbed up",
  summary: "Builds a testbed and leaves it there until `komon testbed down`.",
  details: [
    "The load gets a network namespace, the sink another. The VNF runs here, on the host, between",
    "two veth pairs. Nothing that exists on the host is changed. Needs root.",
  ].join("\n"),
  example: "komon testbed up --mtu 9000",
  args: {
    mtu: flag.int({
      help: "of all devices; IPv6 needs 1280",
      default: DEFAULT_MTU_BYTES,
      min: 68,
      max: 65535,
    }),
    id: flag.text({ help: "four hexadecimal digits, 0000 to 3fff; default: a free one" }),
    range: flag.text({
      help: "IPv4 range to take eight addresses from; default 198.18.0.0/15",
      hint: "CIDR",
    }),
    format: flag.choice(["table", "json"], { help: "of the result", default: "table" }),
  },
  async run({ args, stop }) {
    await removeStale();
    using bed = await openTestbed({ mtuBytes: args.mtu, id: args.id, range: args.range });
    if (stop.aborted) return Exit.incomplete;
    bed.keep();
    print(args.format === "json" ? json(factsObject(bed)) : `${describe(bed).join("\n")}\n`);
    return Exit.done;
  },
});

function describe(bed: TestbedFacts): string[] {
  const row = (who: string, where: string, four: string, six = "") =>
    `  ${who.padEnd(5)} ${where.padEnd(28)} ${four.padEnd(15)} ${six}`.trimEnd();
  return [
    `testbed ${bed.id} is up, ${bed.target6 ? "IPv4 and IPv6" : "IPv4 only"}, MTU ${bed.mtuBytes}`,
    row("load", `namespace ${bed.genNamespace}`, bed.gen4, bed.gen6),
    row("VNF", `here, in at ${bed.inDevice.name}`, bed.hostIn4, bed.hostIn6),
    row("", `here, out at ${bed.outDevice.name}`, bed.hostOut4, bed.hostOut6),
    row("sink", `namespace ${bed.sinkNamespace}`, bed.target4, bed.target6),
    "try it, in two terminals:",
    `  komon vnf --port 9000 --target ${bed.target4}:9000`,
    `  komon load ${bed.hostIn4}:9000 --netns ${bed.genNamespace} --pps 1k --duration 10s`,
    "then:",
    "  komon testbed status",
    `  komon testbed down --id ${bed.id}`,
  ];
}
