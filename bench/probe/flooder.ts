/** A process at the far end: `flooder IFINDEX FRAMES` sends that many echo replies from the kernel and says how long it took. */

import { monotonicNs } from "../../src/kernel/libc.ts";
import { BpfObject } from "../../src/kernel/object.ts";
import { TestRun } from "../../src/kernel/testRun.ts";
import { echoReply } from "../../tests/support/echoFrames.ts";
import { compileBench } from "./compile.ts";
import { floodAnswer } from "./victimAnswer.ts";

const [ifindex, frames] = process.argv.slice(2).map(Number);
const opened = BpfObject.open(await compileBench("flood"));
new DataView(opened.initialValue(".rodata.flood")).setUint32(0, ifindex, true);
opened.load();
const run = new TestRun(opened.program("flood").fd);
const bytes = echoReply(run.frame, floodAnswer);
run.live(bytes, 1000);
const start = monotonicNs();
run.live(bytes, frames);
console.log(JSON.stringify({ pps: (frames / (monotonicNs() - start)) * 1e9 }));
process.exit(0);
