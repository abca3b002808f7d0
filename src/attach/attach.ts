/** Measuring that goes on with no process: KOMon's insmod, as pins in a BPF file system. */
import { chmodSync, mkdirSync } from "node:fs";
import { Exit, KomonError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { hasBpffs, mountBpffs } from "../kernel/pins.ts";
import { PinnableProbe, PinnedProbe, type PinOptions, textPin } from "../probes/vnf/pinned.ts";
import { Entry } from "../testbed/registry.ts";
import type { Resource } from "../testbed/resource.ts";
import { type MadeBy, madeBy, madeByUs, mismatch } from "./madeBy.ts";
import { folderOf, leavePlace, names, PINS, pinnedPorts, removeFolder, textPath } from "./place.ts";

/** The registry's name for pins. */
export const KIND = "attach";

export interface AttachedNow {
  readonly folder: string;
  /** komon mounted the BPF file system, because none was there. */
  readonly mounted: boolean;
  readonly hooks: Readonly<Record<string, string>>;
}

/** Attaches to a port and leaves. Fails, having left nothing, when the port has pins already. */
export function attach(options: PinOptions): AttachedNow {
  const { port } = options;
  const folder = folderOf(port);
  const mounted = mountBpffs();
  refuseSecond(port);
  const folders: Resource[] = [folder, PINS].map((path) => ({ kind: "folder", path }));
  using entry = new Entry(KIND, folders);
  entry.describe({ port });
  makeFolder(port);
  try {
    using probe = PinnableProbe.open(options);
    entry.add(...probe.pins.map((name): Resource => ({ kind: "pin", path: `${folder}/${name}` })));
    const hooks = Object.fromEntries([...probe.hooks].map(([point, { name }]) => [point, name]));
    probe.pin(folder, madeByUs(hooks));
    chmodSync(textPath(port), 0o444); // as /proc/vnfinfo_udp was: for all to read
    entry.keep();
    return { folder, mounted, hooks };
  } catch (error) {
    for (const failure of removeFolder(folder)) log.warn(`could not remove ${failure}`);
    leavePlace();
    throw error;
  }
}

/** A port's pins, if they are whole and of this build. Fails with what is so and what to do. */
export function openAttached(port: number): { probe: PinnedProbe; made: MadeBy } {
  const folder = folderOf(port);
  if (!names(PINS).includes(String(port))) throw notAttached(port);
  const made = names(folder).includes(textPin) ? madeBy(folder) : undefined;
  if (!made) {
    throw new KomonError({
      what: `the pins for port ${port} are not whole`,
      why: `${folder} lacks ${textPin} or the pin that says who made it; its attach was ended half way`,
      mend: `komon detach --port ${port}, then attach again`,
    });
  }
  const why = mismatch(made);
  if (why) {
    throw new KomonError({
      what: `cannot use the pins for port ${port}`,
      why,
      mend: "komon detach --all, then attach again; or use the komon that made them",
    });
  }
  return { probe: new PinnedProbe(folder), made };
}

export function notAttached(port: number): KomonError {
  const ports = pinnedPorts();
  return new KomonError({
    what: `nothing is attached to port ${port}`,
    why: hasBpffs()
      ? ports.length > 0
        ? `attached are: ${ports.join(", ")}`
        : "nothing is attached to any port"
      : "no BPF file system is mounted at /sys/fs/bpf, so nothing is pinned; unmounting it detaches",
    mend: `komon attach --port ${port}`,
    exit: Exit.usage,
  });
}

function refuseSecond(port: number): void {
  if (!names(PINS).includes(String(port))) return;
  const { probe, made } = openAttached(port);
  using attached = probe;
  const { state, counter, sampleSize } = attached.state;
  throw new KomonError({
    what: `port ${port} is attached already`,
    why: `since ${made.at}; ${state}, ${counter} of ${sampleSize} packets`,
    mend: `komon ctl --port ${port} status; or komon detach --port ${port} first`,
    exit: Exit.usage,
  });
}

/** Whoever makes it has it: of two that attach at the same time one fails here. */
function makeFolder(port: number): void {
  mkdirSync(PINS, { recursive: true, mode: 0o755 });
  try {
    mkdirSync(folderOf(port), { mode: 0o755 });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new KomonError({
      what: `cannot attach to port ${port}`,
      why: code === "EEXIST" ? "another komon is attaching to it at this moment" : code,
    });
  }
}
