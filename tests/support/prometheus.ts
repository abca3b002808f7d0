/** Debian's own Prometheus, and what it says about pages of metrics. */
import { fromPackage } from "./packages.ts";

/** The path of `promtool`, `prometheus` or `prometheus-node-exporter`; undefined where there is none to be had. */
export async function prometheusTool(name: string): Promise<string | undefined> {
  const packageName = name === "promtool" ? "prometheus" : name;
  return Bun.which(name) ?? (await fromPackage(packageName, `usr/bin/${name}`));
}

/** What promtool has to say about a page of metrics; empty when all is well. */
export async function promtoolSays(promtool: string, page: string): Promise<string> {
  const child = Bun.spawn([promtool, "check", "metrics"], {
    stdio: [Buffer.from(page), "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return stdout + stderr;
}

/** Samples of a page: value by name with labels. */
export function samplesOf(page: string): Map<string, number> {
  const lines = page.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1).replace("+Inf", "Infinity"))];
    }),
  );
}
