/** The file of alert rules. */
import { z } from "zod";
import { parseDurationNs } from "../base/units.ts";
import { readYaml } from "../export/yaml.ts";
import type { Rule } from "./alerts.ts";

const schema = z.strictObject({
  alerts: z.array(
    z
      .strictObject({
        name: z.string().min(1),
        series: z.string().min(1),
        above: z.number().optional(),
        below: z.number().optional(),
        for: z
          .string()
          .default("0")
          .transform((text, context) => {
            try {
              return parseDurationNs(text);
            } catch (error) {
              context.addIssue({ code: "custom", message: (error as Error).message });
              return z.NEVER;
            }
          }),
        webhook: z.url().optional(),
        command: z.string().optional(),
      })
      .refine(({ above, below }) => above !== undefined || below !== undefined, {
        message: "needs above or below",
      }),
  ),
});

export async function readRules(path: string): Promise<readonly Rule[]> {
  return readYaml(path, schema).alerts;
}
