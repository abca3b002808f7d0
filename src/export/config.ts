/** What may stand in the exporter's configuration file. Loaded only where there is one: see settings.ts. */
import { z } from "zod";
import { parseDurationNs } from "../base/units.ts";
import { groupings } from "../probes/tcp/options.ts";
import { defaults, labelOf, maxVnfs } from "./settings.ts";

/** Probing shares a thread with the scrapes. */
const mostProbes = 25;

const port = z.int().min(1).max(65_535);
const duration = z.string().transform((text, context) => {
  try {
    return parseDurationNs(text, { min: 1e9 });
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as Error).message });
    return z.NEVER;
  }
});

export const configSchema = z
  .strictObject({
    max_series: z.int().min(1).max(100_000).default(defaults.max_series),
    expire: duration.default(defaults.expire),
    tcp: z
      .strictObject({
        enabled: z.boolean().default(true),
        by: z.enum(groupings).default(defaults.tcp.by),
        prefix4: z.int().min(0).max(32).default(defaults.tcp.prefix4),
        prefix6: z.int().min(0).max(128).default(defaults.tcp.prefix6),
        connections: z.int().min(64).max(4_194_304).default(defaults.tcp.connections),
        local_ports: z.array(port).optional(),
        remote_ports: z.array(port).optional(),
      })
      .prefault({}),
    vnfs: z
      .array(z.strictObject({ name: z.string().min(1).optional(), port }))
      .max(maxVnfs)
      .default([]),
    probes: z
      .array(
        z
          .strictObject({
            targets: z.array(z.string().min(1)).min(1),
            kind: z.enum(["icmp", "udp", "tcp"]).default("icmp"),
            port: z.int().min(0).max(65_535).default(0),
            interval: duration.default(1e9),
            timeout: duration.default(1e9),
          })
          .refine(({ kind, port: number }) => kind === "icmp" || number > 0, {
            path: ["port"],
            message: "is needed for udp and tcp",
          })
          .refine(({ targets, interval }) => targets.length / (interval / 1e9) <= mostProbes, {
            path: ["interval"],
            message: `is too short: ${mostProbes} probes a second are the most; \`komon probe\` sends more`,
          }),
      )
      .max(8)
      .default([]),
    probe: z
      .strictObject({
        allow: z.array(z.string()).optional(),
        timeout: duration.default(defaults.probe.timeout),
      })
      .prefault({}),
  })
  .superRefine(({ vnfs, probes }, context) => {
    const names = vnfs.map(({ name, port: number }) => name ?? String(number));
    const ports = vnfs.map((vnf) => vnf.port);
    for (const [i, vnf] of vnfs.entries()) {
      if (ports.indexOf(vnf.port) < i) twice(context, ["vnfs", i, "port"], `port ${vnf.port}`);
      if (names.indexOf(names[i]) < i) twice(context, ["vnfs", i, "name"], `"${names[i]}"`);
    }
    const seen = new Set<string>();
    for (const [i, job] of probes.entries()) {
      for (const [k, target] of job.targets.entries()) {
        const name = `${job.kind} to ${labelOf(job, target)}`;
        if (seen.has(name)) twice(context, ["probes", i, "targets", k], name);
        seen.add(name);
      }
    }
  });

function twice(context: z.RefinementCtx, path: (string | number)[], what: string): void {
  context.addIssue({ code: "custom", path, message: `${what} is there twice` });
}
