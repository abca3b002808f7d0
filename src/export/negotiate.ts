/** Which format a scraper wants most, of those there are. */
import type { TextFormat } from "./writer.ts";

export type Wanted = TextFormat | "protobuf";

export function wantedFormat(accept: string | null): Wanted {
  let best: Wanted = "text";
  let bestQ = 0;
  for (const part of (accept ?? "").slice(0, 4096).split(",")) {
    const [type, ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const q = Number(parameters.find((one) => one.startsWith("q="))?.slice(2) ?? 1);
    const format = formatOf(type, parameters);
    if (format && q > bestQ) [best, bestQ] = [format, q];
  }
  return best;
}

function formatOf(type: string, parameters: readonly string[]): Wanted | undefined {
  switch (type) {
    case "application/openmetrics-text":
      return parameters.some((p) => p.startsWith("version=") && !p.startsWith("version=1."))
        ? undefined
        : "openmetrics";
    case "application/vnd.google.protobuf":
      return parameters.includes("encoding=delimited") ? "protobuf" : undefined;
    case "text/plain":
    case "text/*":
    case "*/*":
      return "text";
    default:
      return undefined;
  }
}
