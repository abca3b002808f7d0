/** Where all CPUs are, by perf's software clock: counting needs no hardware. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const hertz = 199;

export interface Stack {
  readonly pid: number;
  readonly comm: string;
  /** From the outermost function to the innermost. */
  readonly frames: readonly string[];
}

/** Stacks of everything that runs while `work` does, pid 0 being an idle CPU. */
export async function profile(work: () => Promise<void>): Promise<Stack[]> {
  const folder = mkdtempSync(join(tmpdir(), "komon-perf-"));
  using _removed = { [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
  const file = join(folder, "perf.data");
  const recorder = Bun.spawn(
    ["perf", "record", "-q", "-e", "cpu-clock", "-F", String(hertz), "-a", "-g", "-o", file],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  await work();
  recorder.kill("SIGINT");
  await recorder.exited;
  const script = Bun.spawn(["perf", "script", "-i", file, "-F", "pid,comm,ip,sym"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  return (await script.stdout.text()).split("\n\n").flatMap(stackOf);
}

function stackOf(text: string): Stack[] {
  const [head, ...lines] = text.trim().split("\n");
  const process = /^(.*?)\s+(\d+)\s*$/.exec(head);
  if (!process) return [];
  const frames = lines.map((line) => line.trim().replace(/^[0-9a-f]+\s*/, "") || "[unknown]");
  return [{ comm: process[1], pid: Number(process[2]), frames: frames.reverse() }];
}
