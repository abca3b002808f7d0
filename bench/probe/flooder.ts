/** A process at the far end: `flooder IFINDEX FRAMES ours|first|foreign MAC` sends so many echo replies and says how fast. */
import { monotonicNs } from "../../src/kernel/libc.ts";
import { BpfObject } from "../../src/kernel/object.ts";
import { TestRun } from "../../src/kernel/testRun.ts";
import { sumOf } from "../../src/probing/wire.ts";
import { echoReply } from "../../tests/support/echoFrames.ts";
import { compileBench } from "./compile.ts";
import { type Flood, floodAnswer, floodSlots } from "./victimAnswer.ts";

const [ifindex, frames] = process.argv.slice(2, 4).map(Number);
const whose = process.argv[4] as Flood;
const opened = BpfObject.open(await compileBench("flood"));
new Uint32Array(opened.initialValue(".rodata.flood")).set([ifindex, floodSlots(whose) - 1]);
opened.load();
const run = new TestRun(opened.program("flood").fd);
const bytes = echoReply(
  run.frame,
  whose === "foreign" ? { ...floodAnswer, cookie: 1n } : floodAnswer,
);
// To this very host and with a sum that is right: else IP drops them before nftables sees them
run.frame.set(process.argv[5].split(":").map((part) => Number.parseInt(part, 16)));
const ip = run.frame.subarray(14, 34);
new DataView(ip.buffer, ip.byteOffset).setUint16(10, ~sumOf(ip) & 0xffff, true);
run.live(bytes, 1000);
const start = monotonicNs();
run.live(bytes, frames);
console.log(JSON.stringify({ pps: (frames / (monotonicNs() - start)) * 1e9 }));
process.exit(0);
