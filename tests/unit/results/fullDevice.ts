import { KomonError } from "../../../src/base/errors.ts";
import { noSeq, SpanRecords } from "../../../src/model/records.ts";
import { ResultFiles } from "../../../src/results/writer.ts";

/** Writes intervals of 100 packets until the file cannot grow any more. */
const records = new SpanRecords();
for (let index = 1; index <= 100; index++) {
  records.append(0, 1000, 2000, 6000, 0, 1, 0, 1, index, noSeq, 0, 0);
}
const rows = records.index.subarray(0, 100).map((index) => index - 1);
const params = { intervals: 2, packets: 3, sleepNs: 1e8, pps: 1000, sizeBytes: 128, delayNs: 2500 };
using files = new ResultFiles(process.argv[2], { ...params, law: 1, rep: 1 });
try {
  for (let interval = 0; interval < 1000; interval++) files.kernel(records, rows);
} catch (error) {
  if (!(error instanceof KomonError)) throw error;
  console.error(error.message);
  process.exitCode = error.exit;
}
