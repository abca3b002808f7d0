/** The exporter beside node_exporter, what the TCP traces cost a packet, and the dashboard in a browser. */
import { connects } from "./export/connects.ts";
import { packets } from "./export/packets.ts";
import { page } from "./export/page.ts";
import { scrape } from "./export/scrape.ts";
import { share } from "./export/share.ts";

export async function exporting(): Promise<void> {
  console.log("\n# export: scrapes in turn, 80 each\n");
  for (const series of [1000, 10_000]) await scrape(series);
  console.log("# export: added to a TCP packet over loopback, in pairs\n");
  packets();
  connects();
  await share();
  await page();
}
