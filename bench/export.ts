/** The exporter beside node_exporter, and what the TCP traces cost a packet. */
import { connects } from "./export/connects.ts";
import { packets } from "./export/packets.ts";
import { scrape } from "./export/scrape.ts";

export async function exporting(): Promise<void> {
  console.log("\n# export: scrapes in turn, 80 each\n");
  for (const series of [1000, 10_000]) await scrape(series);
  console.log("# export: added to a TCP packet over loopback, in pairs\n");
  packets();
  connects();
}
