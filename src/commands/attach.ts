import { attach } from "../attach/attach.ts";
import { PINS, textPath } from "../attach/place.ts";
import { log } from "../base/log.ts";
import { netnsInode } from "../kernel/netns.ts";
import { rungs } from "../probes/vnf/hooks.ts";
import { interfaceIndexIn } from "../testbed/inside.ts";
import { removeStale } from "../testbed/stale.ts";
import { btf, defineCommand, Exit, flag } from "./define.ts";

export default defineCommand({
  name: "attach",
  summary: "Measures the VNF on a port from now on, with no process: KOMon's insmod.",
  details: `Pins programs, maps and links under ${PINS}/PORT/ and ends. \`komon ctl\` starts an interval, \`cat
${PINS}/PORT/vnfinfo_udp\` shows it as /proc/vnfinfo_udp did (values in ns), \`komon detach\` removes it. Where no BPF
file system is mounted, komon mounts one, and says so.`,
  example: "komon attach --port 1234 --cbsize 1000",
  args: {
    port: flag.port({ help: "where the VNF receives", default: 1234 }),
    cbsize: flag.int({ help: "most packets in an interval", default: 100, min: 1, max: 1e7 }),
    debug: flag.int({
      help: "1: print each result to the kernel's trace pipe, too",
      default: 0,
      min: 0,
      max: 9,
    }),
    interface: flag.text({ help: "only packets that come in here", alias: "i", hint: "DEV" }),
    netns: flag.text({ help: "the VNF's network namespace; else this one", hint: "NAME" }),
    pid: flag.int({ help: "only packets that this process reads", min: 1 }),
    hooks: flag.choice(["auto", ...rungs], { help: "the rung to use", default: "auto" }),
    btf,
  },
  async run({ args }) {
    await removeStale();
    const { port, cbsize, debug, hooks, pid } = args;
    const { interface: device, netns } = args;
    const filter = {
      netns: netnsInode(netns),
      ...(device !== undefined && { inIfindex: interfaceIndexIn(netns, device) }),
      ...(pid !== undefined && { pid }),
    };
    const now = attach({ port, cbsize, debug, hooks, filter });
    if (now.mounted) log.info("mounted the BPF file system at /sys/fs/bpf: none was there");
    log.info(`attached to port ${port}: ${Object.values(now.hooks).join(", ")}`);
    log.info(`komon ctl --port ${port} start, then cat ${textPath(port)}`);
    return Exit.done;
  },
});
