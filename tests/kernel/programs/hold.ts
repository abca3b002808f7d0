/**
 * hold.ts [abandon|exit]: opens a testbed and says which. Then ends the ordinary way when stdin
 * ends; `exit` leaves by process.exit() at once without closing; `abandon` also starts two
 * processes, one recorded and one not, and dies of SIGKILL.
 */
import { describeProcess, ownedEnvironment } from "../../../src/testbed/owner.ts";
import { Entry } from "../../../src/testbed/registry.ts";
import { openTestbed } from "../../../src/testbed/testbed.ts";

const [how] = process.argv.slice(2);
const bed = await openTestbed();
const { id, genNamespace, inDevice } = bed;
const children: number[] = [];
if (how === "abandon") {
  const entry = new Entry("test");
  for (const recorded of [true, false]) {
    const { pid } = Bun.spawn(["sleep", "600"], {
      env: ownedEnvironment(),
      stdio: ["ignore", "ignore", "ignore"],
      detached: true,
    });
    children.push(pid);
    const found = describeProcess(pid);
    if (recorded && found) entry.add({ kind: "process", ...found });
  }
  entry.add({ kind: "file", path: "/run/komon-test-file" });
  await Bun.write("/run/komon-test-file", "left behind");
}
console.log(JSON.stringify({ id, genNamespace, inDevice, pid: process.pid, children }));
if (how === "exit") process.exit(0);
if (how === "abandon") process.kill(process.pid, "SIGKILL");
await Bun.stdin.text();
bed.close();
