/**
 * What watching costs a packet: time in komon's programs at a rate that keeps caches warm. The kernel's count of a run
 * includes its own two clock reads; a program that does nothing, attached beside, tells how much that is.
 */
import { BpfObject } from "../src/kernel/object.ts";
import { runIn, World } from "./komon.ts";
import { compileBench } from "./probe/compile.ts";
import { ns, printRows, type Row } from "./table.ts";

const rounds = 7;
const packets = 2000;
const rxPrograms = new Set(["rx_cgroup", "rx_fentry", "rx_kprobe"]);
const sendPrograms = new Set(["send_sys_enter", "send_fentry", "send_kprobe"]);

/** Of one program, over one packet's way; all runs of it for that packet. */
interface Cost {
  readonly runs: number;
  readonly ns: number;
}

export async function cost(): Promise<void> {
  await using world = await World.open();
  using empty = BpfObject.open(await compileBench("floor", "bench"));
  empty.choose(["tx"]);
  empty.load();
  using _attached = empty.program("tx").attach();
  const best = new Map<string, Cost>();
  let emptyNs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const before = empty.program("tx").info();
    const result = await runIn(world, [1, packets, 0, "40k", 128, 0, 0]);
    const after = empty.program("tx").info();
    emptyNs = Math.min(emptyNs, (after.runTimeNs - before.runTimeNs) / (after.runs - before.runs));
    const { programs, ns_per_packet } = result.cost;
    const total = programs.reduce((sum, { runs, ns_per_run }) => sum + runs * ns_per_run, 0);
    const seen = total / ns_per_packet; // packets while the cost was counted
    for (const { program, runs, ns_per_run } of programs) {
      const one = { runs: runs / seen, ns: (ns_per_run * runs) / seen };
      if (one.ns < (best.get(program)?.ns ?? Number.POSITIVE_INFINITY)) best.set(program, one);
    }
  }
  const own = ({ runs, ns }: Cost) => ns - runs * emptyNs;
  const sum = (names: (name: string) => boolean, of: (cost: Cost) => number) =>
    [...best].reduce((total, [name, one]) => total + (names(name) ? of(one) : 0), 0);
  const isRxOrSend = (name: string) => rxPrograms.has(name) || sendPrograms.has(name);
  const rxSend = sum(isRxOrSend, own);
  const shown = (what: string, measured: string): Row => ({
    ...{ what, measured, must: "", aim: "", peer: "", met: undefined },
  });
  printRows(
    `cost of one packet, minimum of ${rounds}, without the kernel's own ${ns(emptyNs)} a run`,
    [
      ...[...best].map(([name, one]) =>
        shown(name, `${ns(own(one))} in ${one.runs.toFixed(2)} runs (with it ${ns(one.ns)})`),
      ),
      {
        what: "rx + send",
        measured: `${ns(rxSend)} (with it ${ns(sum(isRxOrSend, ({ ns }) => ns))})`,
        must: "≤ 200 ns",
        aim: "100 ns",
        peer: "netstacklat 225 ns a probe",
        met: rxSend <= 200,
      },
      shown(
        "all programs",
        `${ns(sum(() => true, own))} (with it ${ns(
          sum(
            () => true,
            ({ ns }) => ns,
          ),
        )})`,
      ),
    ],
  );
}
