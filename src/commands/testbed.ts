/** `komon testbed up|down|status`. */
import { defineGroup } from "./group.ts";

export default defineGroup({
  path: "komon testbed",
  summary:
    "Builds and removes a place to test in: a load's namespace, the host, a sink's namespace.",
  commands: {
    up: { group: "Testbed", load: () => import("./testbed/up.ts") },
    down: { group: "Testbed", load: () => import("./testbed/down.ts") },
    status: { group: "Testbed", load: () => import("./testbed/status.ts") },
  },
});
