/** Opens the probes for a selection. */
import { pageBytes } from "../kernel/libc.ts";
import { ForwardProbe } from "../probes/forward/probe.ts";
import type { Rung } from "../probes/vnf/hooks.ts";
import { VnfProbe } from "../probes/vnf/probe.ts";
import type { Selection } from "./select.ts";
import { forwardSource, type Source, vnfSource } from "./source.ts";
import type { DeadlineAsked } from "./summary.ts";

export interface Opened extends Disposable {
  readonly name: string;
  /** The kernel's names of the places that are watched. */
  readonly hooks: string;
  readonly sources: readonly Source[];
  /** Ends the watching; the sources keep what they have. */
  detach(): void;
}

export function openSources(
  selection: Selection,
  hooks: Rung | "auto",
  deadline: DeadlineAsked | undefined,
): Opened {
  if (selection.kind === "forward") {
    const { name } = selection;
    const probe = ForwardProbe.open({ ...selection, ...(deadline && { deadlineNs: deadline.ns }) });
    return {
      name,
      hooks: listed(Object.entries(ForwardProbe.hooks)),
      sources: [forwardSource(probe, name, deadline !== undefined)],
      detach: () => probe.detach(),
      [Symbol.dispose]: () => probe[Symbol.dispose](),
    };
  }
  const { ports, filter } = selection;
  const probe = VnfProbe.open({
    hooks,
    vnfs: ports.length,
    ringBytes: pageBytes(), // no packet has a record of its own
    cgroups: filter.cgroup !== undefined,
    ...(deadline && {
      deadline: { span: deadline.span === "service" ? "service" : "sojourn", ns: deadline.ns },
    }),
  });
  return {
    name: ports.length > 1 ? `ports ${ports.join(", ")}` : `port ${ports[0]}`,
    hooks: listed([...probe.hooks].map(([point, hook]) => [point, hook.name])),
    sources: ports.map((port) =>
      vnfSource(probe, probe.watch(port, filter), port, deadline !== undefined),
    ),
    detach: () => probe.detach(),
    [Symbol.dispose]: () => probe[Symbol.dispose](),
  };
}

function listed(hooks: readonly (readonly [point: string, hook: string])[]): string {
  return hooks.map(([point, hook]) => `${point} ${hook}`).join(", ");
}
