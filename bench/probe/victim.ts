/** A process at the near end that holds a drop at the device until its stdin ends: `victim bare|clock|least|RUNG ours|first`. */
import { device } from "../../src/kernel/device.ts";
import { attachXdp } from "../../src/kernel/hook.ts";
import { BpfObject } from "../../src/kernel/object.ts";
import { ActiveProbe } from "../../src/probes/active/probe.ts";
import { rxRungs } from "../../src/probes/active/rungs.ts";
import { compileBench } from "./compile.ts";
import { type Flood, floodAnswer, floodSlots } from "./victimAnswer.ts";

const near = device("near");
if (!near) throw new Error("there is no device near");
let ended = false;
void Bun.stdin.text().then(() => {
  ended = true;
});
const rung = rxRungs.find((name) => name === process.argv[2]);
if (rung === undefined) {
  const opened = BpfObject.open(await compileBench("flood"));
  const name = process.argv[2];
  opened.choose([name]);
  const cookieAt = 8; // behind the device and the mask of numbers
  new DataView(opened.initialValue(".rodata.flood")).setBigUint64(
    cookieAt,
    floodAnswer.cookie,
    true,
  );
  opened.load();
  attachXdp(opened.program(name).fd, near, "native");
  console.log("ready");
  while (!ended) await Bun.sleep(5);
  console.log("{}");
} else {
  const slots = floodSlots(process.argv[3] as Flood);
  const probe = ActiveProbe.open({
    ...{ kind: "icmp", cookie: floodAnswer.cookie, slots, drop: true },
    ...{ hooks: rung, bytes4: 84, bytes6: 104 },
  });
  for (let n = 0; n < slots; n++) probe.slots.arm(n, floodAnswer.target);
  probe.announce(slots, slots);
  probe.attach(near);
  console.log("ready");
  while (!ended) {
    probe.read(() => {});
    await Bun.sleep(2);
  }
  console.log(JSON.stringify(probe.counters()));
}
process.exit(0);
