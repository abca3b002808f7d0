import { startTicks } from "./owner.ts";

interface Known {
  readonly pid: number;
  readonly startTicks: number;
}

const END_WITHIN_MS = 5000;

/**
 * Kills the processes (SIGKILL: their owner is dead, nobody waits for their results) and waits
 * until they are gone, so that what they held can be removed. A PID that now belongs to a later
 * process is left alone.
 */
export function endProcesses<P extends Known>(
  processes: readonly P[],
): { resource: P; kept?: string }[] {
  const started = performance.now();
  const lives = (p: Known): boolean => startTicks(p.pid) === p.startTicks;
  const refused = new Map<P, string>();
  for (const p of processes.filter(lives)) {
    try {
      process.kill(p.pid, "SIGKILL");
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (code !== "ESRCH") refused.set(p, code);
    }
  }
  const waiting = processes.filter((p) => !refused.has(p));
  while (waiting.some(lives) && performance.now() - started < END_WITHIN_MS) Bun.sleepSync(1);
  return processes.map((p) => {
    const kept = refused.get(p) ?? (lives(p) ? "it does not end after SIGKILL" : undefined);
    return { resource: p, ...(kept && { kept }) };
  });
}
