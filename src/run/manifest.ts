/** The conditions of a measurement: everything needed to judge it, and to repeat it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { arch, cpus, hostname, loadavg, release, version } from "node:os";
import { komonVersion } from "../base/version.ts";
import { libbpfVersion } from "../kernel/libbpf.ts";
import type { Manifest } from "../model/result.ts";

export function manifest(details: Readonly<Record<string, unknown>>): Manifest {
  return {
    komon: komonVersion,
    bun: Bun.version,
    libbpf: libbpfVersion(),
    kernel: release(),
    kernel_build: version(),
    arch: arch(),
    host: hostname(),
    cpu: cpus()[0]?.model ?? "unknown",
    cpus: cpus().length,
    governor: text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    clocksource: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
    mitigations: mitigations(),
    boot_options: bootOptions(),
    load_average: loadavg(),
    ended_at: new Date().toISOString(),
    ...details,
  };
}

/** What decides whether a calibration still holds: another komon, kernel, processor or clock, and it does not. */
export function conditions(): Record<string, string> {
  return {
    komon: komonVersion,
    kernel: release(),
    arch: arch(),
    cpu: cpus()[0]?.model ?? "unknown",
    clocksource:
      text("/sys/devices/system/clocksource/clocksource0/current_clocksource") ?? "unknown",
    mitigations: JSON.stringify(mitigations()),
  };
}

/** Options of the kernel's command line that move times; the rest of it is nobody's business. */
function bootOptions(): string[] {
  const telling =
    /^(isolcpus|nohz|nohz_full|rcu_nocbs|irqaffinity|mitigations|idle|nosmt|maxcpus|preempt|processor\.|intel_idle\.|intel_pstate|amd_pstate|cpuidle|tsc|clocksource|threadirqs|skew_tick)/;
  return (text("/proc/cmdline") ?? "").split(/\s+/).filter((option) => telling.test(option));
}

function mitigations(): Record<string, string> {
  const folder = "/sys/devices/system/cpu/vulnerabilities";
  const found: Record<string, string> = {};
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder).sort()) {
    const state = text(`${folder}/${name}`);
    if (state !== undefined && state !== "Not affected") found[name] = state;
  }
  return found;
}

function text(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
