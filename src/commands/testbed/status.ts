import { log } from "../../base/log.ts";
import { print } from "../../base/output.ts";
import { type Column, formats, type Row } from "../../model/table.ts";
import { formatTable } from "../../sinks/format.ts";
import { countersOf, type KnownTestbed, listTestbeds } from "../../testbed/list.ts";
import { requireTestbedRights } from "../../testbed/permit.ts";
import { defineCommand, flag } from "../define.ts";

const columns: readonly Column[] = [
  { key: "id", unit: "text" },
  { key: "state", unit: "text" },
  { key: "owner_pid", title: "pid", unit: "number" },
  { key: "gen_tx", title: "gen tx", unit: "count" },
  { key: "in_rx", title: "in rx", unit: "count" },
  { key: "out_tx", title: "out tx", unit: "count" },
  { key: "sink_rx", title: "sink rx", unit: "count" },
  { key: "target4", title: "target", unit: "text" },
  { key: "whole", unit: "text" },
];

/** Not in the table for humans, which would be too wide. */
const more: readonly Column[] = [
  { key: "in_tx", unit: "count" },
  { key: "gen_rx", unit: "count" },
  { key: "sink_tx", unit: "count" },
  { key: "out_rx", unit: "count" },
  { key: "mtu_bytes", unit: "bytes" },
  { key: "gen_namespace", unit: "text" },
  { key: "sink_namespace", unit: "text" },
  { key: "in_device", unit: "text" },
  { key: "out_device", unit: "text" },
  { key: "gen4", unit: "text" },
  { key: "host_in4", unit: "text" },
  { key: "host_out4", unit: "text" },
  { key: "gen6", unit: "text" },
  { key: "host_in6", unit: "text" },
  { key: "host_out6", unit: "text" },
  { key: "target6", unit: "text" },
  { key: "owner_command", unit: "text" },
];

export default defineCommand({
  name: "testbed status",
  summary: "Lists the testbeds of this host, whether they are whole, and the packets they saw.",
  example: "komon testbed status --format json",
  args: {
    id: flag.text({ help: "only this one" }),
    format: flag.choice(formats, { help: "of the result", default: "table" }),
  },
  run({ args }) {
    requireTestbedRights();
    const beds = listTestbeds().filter(({ id }) => args.id === undefined || id === args.id);
    if (args.format === "table" && beds.length === 0) {
      log.info("there is no testbed; komon testbed up makes one");
      return;
    }
    const shown = args.format === "table" ? columns : [...columns, ...more];
    const rows = beds.map(toRow);
    print(formatTable(args.format, { schema: "komon.testbeds/1", columns: shown, rows }));
  },
});

function toRow({ id, state, owner, facts, whole }: KnownTestbed): Row {
  const counters = facts && countersOf(facts);
  return {
    id,
    state,
    owner_pid: owner.pid,
    owner_command: owner.command,
    gen_tx: counters?.genTx,
    in_rx: counters?.inRx,
    out_tx: counters?.outTx,
    sink_rx: counters?.sinkRx,
    in_tx: counters?.inTx,
    gen_rx: counters?.genRx,
    sink_tx: counters?.sinkTx,
    out_rx: counters?.outRx,
    whole,
    mtu_bytes: facts?.mtuBytes,
    gen_namespace: facts?.genNamespace,
    sink_namespace: facts?.sinkNamespace,
    in_device: facts?.inDevice.name,
    out_device: facts?.outDevice.name,
    gen4: facts?.gen4,
    host_in4: facts?.hostIn4,
    host_out4: facts?.hostOut4,
    target4: facts?.target4,
    gen6: facts?.gen6,
    host_in6: facts?.hostIn6,
    host_out6: facts?.hostOut6,
    target6: facts?.target6,
  };
}
