/** Says of each echo request that comes to a device what its IP header has: `headers.ts DEVICE`. */
import { interfaceIndex } from "../../../src/kernel/interface.ts";
import { libc } from "../../../src/kernel/libc.ts";
import { addressText } from "../../../src/probing/errorQueue.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const everything = 0x0300; // htons(ETH_P_ALL)
const MSG_DONTWAIT = 0x40;

const fd = libc.socket(AF_PACKET, SOCK_RAW, everything);
const place = new DataView(new ArrayBuffer(20)); // struct sockaddr_ll
place.setUint16(0, AF_PACKET, true);
place.setUint16(2, everything, true);
place.setInt32(4, interfaceIndex(process.argv[2]), true);
if (libc.bind(fd, new Uint8Array(place.buffer), 20) !== 0) throw new Error("no packet socket");
const frame = new Uint8Array(new ArrayBuffer(4096));
const view = new DataView(frame.buffer);
console.log("ready");

for (;;) {
  const bytes = libc.recvfrom(fd, frame, frame.length, MSG_DONTWAIT, null, null);
  if (bytes < 0) {
    await Bun.sleep(1);
    continue;
  }
  const type = view.getUint16(12);
  if (type === 0x0800 && frame[23] === 1 && frame[34] === 8) {
    const isWhole = (view.getUint16(20) & 0x4000) !== 0;
    say(frame[15], frame[22], isWhole, frame.subarray(26, 30));
  } else if (type === 0x86dd && frame[20] === 58 && frame[54] === 128) {
    say((view.getUint16(14) >> 4) & 0xff, frame[21], false, frame.subarray(22, 38));
  }
}

function say(tos: number, ttl: number, df: boolean, source: Uint8Array): void {
  console.log(`tos=${tos} ttl=${ttl} df=${df} from=${addressText(source)}`);
}
