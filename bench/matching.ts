/** Matching under faults: 5 % dropped, 5 % reordered, 2 % duplicated, four workers; payloads numbered and identical. */
import { runIn, World } from "./komon.ts";
import { percent, printRows } from "./table.ts";

export async function matching(): Promise<void> {
  const rows = [];
  for (const identical of [false, true]) {
    await using world = await World.open();
    const faults = "--drop 0.05 --reorder 0.05 --duplicate 0.02 --workers 4 --cpu 0,1,0,1";
    const result = await runIn(
      world,
      [10, 2000, 0, "10k", 128, 5, 0],
      ...["--no-cost", "--vnf-args", faults],
      ...["--load-args", `--flows 16${identical ? " --identical" : ""}`],
    );
    const { coverage, vnf, manifest } = result;
    const sent = vnf?.sent ?? 0;
    const wrong = Number(manifest.wrong_pairs);
    rows.push({
      what: `matched, ${identical ? "identical" : "numbered"} payloads`,
      measured: `${percent(coverage.matched / sent)} of ${sent} sent, ${wrong} wrong pairs`,
      must: "100 %, none wrong",
      aim: "",
      peer: "KOMon stalls",
      met: coverage.matched === sent && wrong === 0,
    });
  }
  printRows("matching with faults", rows);
}
