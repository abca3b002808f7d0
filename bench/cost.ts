/** What watching costs a packet: time in komon's programs at rx and send, at a rate that keeps caches warm. */
import { runIn, World } from "./komon.ts";
import { ns, printRows } from "./table.ts";

const rounds = 7;

export async function cost(): Promise<void> {
  await using world = await World.open();
  const best = new Map<string, number>();
  let total = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const { cost: measured } = await runIn(world, [1, 2000, 0, "40k", 128, 0, 0]);
    for (const { program, ns_per_run } of measured.programs) {
      best.set(program, Math.min(best.get(program) ?? Number.POSITIVE_INFINITY, ns_per_run));
    }
    total = Math.min(total, measured.ns_per_packet);
  }
  const of = (...programs: string[]) => programs.reduce((sum, p) => sum + (best.get(p) ?? 0), 0);
  const rxSend = of(
    "rx_cgroup",
    "rx_fentry",
    "rx_kprobe",
    "send_sys_enter",
    "send_fentry",
    "send_kprobe",
  );
  printRows(`cost, minimum of ${rounds} (the kernel's count; it includes its own clock reads)`, [
    ...[...best].map(([program, value]) => ({
      ...{
        what: program,
        measured: `${ns(value)} a run`,
        must: "",
        aim: "",
        peer: "",
        met: undefined,
      },
    })),
    {
      what: "rx + send",
      measured: ns(rxSend),
      must: "≤ 200 ns",
      aim: "100 ns",
      peer: "netstacklat 225 ns a probe",
      met: rxSend <= 200,
    },
    {
      what: "all programs, per packet",
      measured: ns(total),
      must: "",
      aim: "",
      peer: "",
      met: undefined,
    },
  ]);
}
