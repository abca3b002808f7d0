/** A process at the far end: `flooder IFINDEX FRAMES ours|foreign MAC` sends so many echo replies and says how fast. */
import { monotonicNs } from "../../src/kernel/libc.ts";
import { BpfObject } from "../../src/kernel/object.ts";
import { TestRun } from "../../src/kernel/testRun.ts";
import { sumOf } from "../../src/probing/wire.ts";
import { echoReply } from "../../tests/support/echoFrames.ts";
import { compileBench } from "./compile.ts";
import { floodAnswer } from "./victimAnswer.ts";

const [ifindex, frames] = process.argv.slice(2, 4).map(Number);
const isOurs = process.argv[4] === "ours";
const opened = BpfObject.open(await compileBench("flood"));
new DataView(opened.initialValue(".rodata.flood")).setUint32(0, ifindex, true);
opened.load();
const run = new TestRun(opened.program("flood").fd);
const bytes = echoReply(run.frame, isOurs ? floodAnswer : { ...floodAnswer, cookie: 1n });
// To this very host and with a sum that is right: else IP drops them before nftables sees them
run.frame.set(process.argv[5].split(":").map((part) => Number.parseInt(part, 16)));
const ip = run.frame.subarray(14, 34);
new DataView(ip.buffer, ip.byteOffset).setUint16(10, ~sumOf(ip) & 0xffff, true);
run.live(bytes, 1000);
const start = monotonicNs();
run.live(bytes, frames);
console.log(JSON.stringify({ pps: (frames / (monotonicNs() - start)) * 1e9 }));
process.exit(0);
