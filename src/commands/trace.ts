/** `komon trace tcprtt|tcpconnlat|tcplife`. */
import { defineGroup } from "./group.ts";

export default defineGroup({
  path: "komon trace",
  summary:
    "Watches the TCP connections of this host; letters and columns are those of bcc's tools.",
  commands: {
    tcprtt: { group: "Traces", load: () => import("./trace/tcprtt.ts") },
    tcpconnlat: { group: "Traces", load: () => import("./trace/tcpconnlat.ts") },
    tcplife: { group: "Traces", load: () => import("./trace/tcplife.ts") },
  },
});
