/** `bun run bench [NAME…]`: all benchmarks, or those named. Needs root and a quiet machine. */
import { existsSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";

const benches: Readonly<Record<string, () => Promise<void>>> = {
  accuracy: async () => (await import("./accuracy.ts")).accuracy(),
  load: async () => (await import("./accuracy.ts")).load(),
  sweep: async () => (await import("./sweep.ts")).sweep(),
  monitor: async () => (await import("./monitor.ts")).monitor(),
  counting: async () => (await import("./monitor.ts")).counting(),
  soak: async () => (await import("./soak.ts")).soak(),
  report: async () => (await import("./report.ts")).report(),
  start: async () => (await import("./start.ts")).start(),
  matching: async () => (await import("./matching.ts")).matching(),
  cost: async () => (await import("./cost.ts")).cost(),
  throughput: async () => (await import("./throughput.ts")).throughput(),
  records: async () => (await import("./records.ts")).records(),
  export: async () => (await import("./export.ts")).exporting(),
  probe: async () => (await import("./probe.ts")).probe(),
  pacing: async () => (await import("./pacing.ts")).pacing(),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(
    `no benchmark ${unknown.join(", ")}; there are: ${Object.keys(benches).join(", ")}`,
  );
  process.exit(2);
}
process.chdir(`${import.meta.dir}/..`);
if (!existsSync("dist/komon")) {
  console.error("there is no dist/komon; `bun run build` makes it");
  process.exit(3);
}
console.log(
  `komon benchmarks: ${release()}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()
    .map((l) => l.toFixed(2))
    .join(" ")}`,
);
for (const [name, run] of Object.entries(benches)) {
  if (wanted.length === 0 || wanted.includes(name)) await run();
}
