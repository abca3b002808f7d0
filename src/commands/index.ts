/**
 * The one table of komon's commands. Each is loaded only when it is called (or for the list in
 * help), so a command costs nothing to the others. Adding one is a line here and its file.
 */
import type { CommandTable } from "./group.ts";

export const commands: CommandTable = {
  // Measuring
  run: { group: "Measure", load: () => import("./run.ts") },
  sweep: { group: "Measure", load: () => import("./sweep.ts") },
  monitor: { group: "Measure", load: () => import("./monitor.ts") },
  report: { group: "Measure", load: () => import("./report.ts") },
  demo: { group: "Measure", load: () => import("./demo.ts") },
  probe: { group: "Measure", load: () => import("./probe.ts") },
  trace: { group: "Measure", load: () => import("./trace.ts") },
  export: { group: "Measure", load: () => import("./export.ts") },
  dashboard: { group: "Measure", load: () => import("./dashboard.ts") },
  // With no process
  attach: { group: "Without a process", load: () => import("./attach.ts") },
  detach: { group: "Without a process", load: () => import("./detach.ts") },
  ctl: { group: "Without a process", load: () => import("./ctl.ts") },
  // Testing and looking around
  vnf: { group: "Testbed", load: () => import("./vnf.ts") },
  load: { group: "Testbed", load: () => import("./load.ts") },
  testbed: { group: "Testbed", load: () => import("./testbed.ts") },
  cleanup: { group: "This machine", load: () => import("./cleanup.ts") },
  doctor: { group: "This machine", load: () => import("./doctor.ts") },
  complete: { group: "This machine", load: () => import("./complete.ts") },
};
