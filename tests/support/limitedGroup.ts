import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { mountPoint, mounts } from "../../src/kernel/mounts.ts";

export type Controller = "memory" | "cpuset";

/** A cgroup (v1 or v2) with a limit: MiB of memory, or the one CPU. Afterwards the hierarchy is as it was. */
export class LimitedGroup implements AsyncDisposable {
  readonly path: string;
  readonly #controller: Controller;
  /** Where cgroup v2 was told to have the controller; undefined when it had it. */
  readonly #switch: string | undefined;

  constructor(controller: Controller, value: number) {
    const { top, isV1 } = hierarchyOf(controller);
    this.#controller = controller;
    this.path = join(top, `komon-test-${process.pid}-${controller}`);
    const control = join(top, "cgroup.subtree_control");
    if (!isV1 && !readFileSync(control, "utf8").split(/\s+/).includes(controller)) {
      writeFileSync(control, `+${controller}`);
      this.#switch = control;
    }
    try {
      mkdirSync(this.path);
      if (controller === "memory") {
        const limit = isV1 ? "memory.limit_in_bytes" : "memory.max";
        writeFileSync(join(this.path, limit), `${value * 2 ** 20}`);
      } else {
        writeFileSync(join(this.path, "cpuset.mems"), "0");
        writeFileSync(join(this.path, "cpuset.cpus"), `${value}`);
      }
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Once nobody is in it. */
  remove(): void {
    if (existsSync(this.path)) rmdirSync(this.path);
    if (this.#switch !== undefined) writeFileSync(this.#switch, `-${this.#controller}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (readFileSync(join(this.path, "cgroup.procs"), "utf8") !== "") await Bun.sleep(5);
    for (const inner of readdirSync(this.path, { withFileTypes: true })) {
      if (inner.isDirectory()) rmdirSync(join(this.path, inner.name));
    }
    this.remove();
  }
}

/** Why there can be none here; undefined where there can. */
export function lacksGroups(controller: Controller): string | undefined {
  try {
    new LimitedGroup(controller, controller === "memory" ? 64 : 0).remove();
    return undefined;
  } catch {
    return `no cgroup with a ${controller} limit can be made here`;
  }
}

function hierarchyOf(controller: Controller): { top: string; isV1: boolean } {
  const v1 = mounts().find(
    ({ type, options }) => type === "cgroup" && options.includes(controller),
  );
  if (v1) return { top: v1.path, isV1: true };
  return { top: mountPoint("cgroup2") ?? "/none", isV1: false };
}
