/** Chooses one hook per point by trying: the best rung first, down the ladder when the kernel refuses. */
import { KomonError } from "../../base/errors.ts";
import { btfFile, noBtf } from "../../kernel/btf.ts";
import { openCgroupRoot } from "../../kernel/cgroup.ts";
import { fentry, kernelBtf, kprobes } from "../../kernel/features.ts";
import { libc } from "../../kernel/libc.ts";
import type { BpfLink } from "../../kernel/link.ts";
import { BpfObject, LoadError } from "../../kernel/object.ts";
import { type Point, pointNames } from "../../model/points.ts";
import { type Hook, hooks, type Rung } from "./hooks.ts";
import { vnfObject } from "./object.ts";
import { type Proof, selfTest } from "./selftest.ts";

/** A hook that was tried and refused. */
export interface Refusal {
  readonly hook: Hook;
  readonly why: string;
}

/** Closed, it is detached. */
export interface Attached extends Disposable {
  readonly object: BpfObject;
  /** One for each program, in the order of the hooks. */
  readonly links: readonly BpfLink[];
  readonly chosen: ReadonlyMap<Point, Hook>;
  readonly refused: readonly Refusal[];
  /** Whether these hooks have counted packets that komon sent to itself. */
  readonly proof: Proof;
}

type Chosen = ReadonlyMap<Point, Hook>;

/** A rung that the kernel refuses for a reason that lies in the rung and not in the function. */
const rungWide = /EPERM|EOPNOTSUPP|ENOTSUPP|not supported|kprobe PMU/i;

/** nic and tx may go unwatched. */
const required: readonly Point[] = ["rx", "read", "send"];

/**
 * Opens the object, loads and attaches one hook for every point, and sends packets past them: a hook that does not
 * count them is refused like one that does not load.
 * `prepare` gets the object between open and load, to set constants and sizes; it may be called several times.
 * `points` leaves the others unwatched; rx, read and send must be among them.
 * Fails when a point that measuring needs (rx, read, send) has no hook left.
 */
export function climb(
  wanted: Rung | "auto",
  prepare: (object: BpfObject, chosen: Chosen) => void,
  points: readonly Point[] = pointNames,
): Attached {
  const hasBtf = kernelBtf.ask().is !== "no";
  if (!hasBtf && btfFile() === undefined) throw noBtf();
  const bytes = vnfObject();
  const refused = knownBefore(wanted);
  for (;;) {
    const object = BpfObject.open(bytes);
    refuseAbsent(refused, object, hasBtf);
    const chosen = choose(points, wanted, refused);
    const lacking = required.filter((point) => !chosen.has(point));
    using opened = new DisposableStack();
    opened.use(object);
    const links: BpfLink[] = [];
    opened.defer(() => {
      for (const link of links) link[Symbol.dispose]();
    });
    let at: Hook | undefined;
    try {
      if (lacking.length === required.length) throw new NoHook(lacking, wanted, refused);
      object.choose([...chosen.values()].flatMap((hook) => hook.programs));
      prepare(object, chosen);
      object.load();
      // The other points were loaded to tell all that is missing, not one thing at a time.
      if (lacking.length > 0) throw new NoHook(lacking, wanted, refused);
      for (at of chosen.values()) attach(object, at, links);
      const proof = selfTest(object, new Set(chosen.keys()));
      if (proof.is !== "no") {
        const whole = opened.move();
        return {
          ...{ object, links, chosen, refused: better(refused, chosen), proof },
          [Symbol.dispose]: () => whole[Symbol.dispose](),
        };
      }
      at = chosen.get(proof.point);
      throw new KomonError({ what: "the self-test failed", why: proof.why });
    } catch (error) {
      const hook = error instanceof LoadError ? hookOf(chosen, error.program) : at;
      if (!hook || !(error instanceof KomonError)) throw error;
      refuse(refused, hook, error.why ?? error.what);
    }
  }
}

/** What costs next to nothing to ask, and saves loading in vain. */
function knownBefore(wanted: Rung | "auto"): Refusal[] {
  const refused: Refusal[] = [];
  for (const [rung, feature] of [["fentry", fentry] as const, ["kprobe", kprobes] as const]) {
    if (wanted !== "auto" && wanted !== rung) continue;
    const { is, why = "" } = feature.ask();
    if (is === "no") refuseRung(refused, rung, why);
  }
  return refused;
}

function choose(
  points: readonly Point[],
  wanted: Rung | "auto",
  refused: readonly Refusal[],
): Map<Point, Hook> {
  const chosen = new Map<Point, Hook>();
  for (const point of points) {
    const hook = fitting(point, wanted).find((each) => !refused.some((r) => r.hook === each));
    if (hook) chosen.set(point, hook);
  }
  return chosen;
}

/** The hooks of a point that may be used; those points that have only tracepoints are free of the wish. */
function fitting(point: Point, wanted: Rung | "auto"): readonly Hook[] {
  return hooks.filter(
    (hook) =>
      hook.point === point &&
      (wanted === "auto" || hook.rung === wanted || !required.includes(point)),
  );
}

class NoHook extends KomonError {
  constructor(points: readonly Point[], wanted: Rung | "auto", refused: readonly Refusal[]) {
    const meant = points.flatMap((point) => fitting(point, wanted));
    const byReason = Map.groupBy(
      refused.filter(({ hook }) => meant.includes(hook)),
      ({ why }) => why,
    );
    const reasons = [...byReason].map(
      ([why, refusals]) => `${refusals.map(({ hook }) => hook.name).join(", ")}: ${why}`,
    );
    const names = points.map((point) => `"${point}"`).join(", ");
    super({
      what: `no hook for the point${points.length > 1 ? "s" : ""} ${names} works on this kernel`,
      why: reasons.join("\n        "),
      mend:
        wanted === "auto" ? "`komon doctor` says what this machine lacks" : "leave --hooks at auto",
    });
  }
}

function refuse(refused: Refusal[], hook: Hook, why: string): void {
  const needs = hook.needs && `it needs ${hook.needs}`;
  refused.push({ hook, why: [why, needs].filter(Boolean).join("; ") });
  if (rungWide.test(why) && hook.rung !== "tracepoint") refuseRung(refused, hook.rung, why);
}

function refuseRung(refused: Refusal[], rung: Rung, why: string): void {
  for (const hook of hooks) {
    if (hook.rung === rung && !refused.some((r) => r.hook === hook)) refused.push({ hook, why });
  }
}

/** A variant of the object leaves out what its kernels cannot have; and some programs need the kernel's own BTF. */
function refuseAbsent(refused: Refusal[], object: BpfObject, hasBtf: boolean): void {
  const needsBtf = (name: string) => /^(fentry|tp_btf)/.test(object.program(name).section);
  for (const hook of hooks) {
    if (refused.some((r) => r.hook === hook)) continue;
    if (!hook.programs.every((name) => object.programs.has(name))) refuse(refused, hook, "");
    else if (!hasBtf && hook.programs.some(needsBtf)) {
      refuse(refused, hook, "it needs the kernel's own BTF; --btf does not stand for it");
    }
  }
}

/** Those that would have been taken first. */
function better(refused: readonly Refusal[], chosen: Chosen): Refusal[] {
  return refused.filter(({ hook }) => {
    const taken = chosen.get(hook.point);
    return !taken || hooks.indexOf(hook) < hooks.indexOf(taken);
  });
}

function hookOf(chosen: Chosen, program: string | undefined): Hook | undefined {
  for (const hook of chosen.values()) {
    if (program !== undefined && hook.programs.includes(program)) return hook;
  }
  return undefined;
}

function attach(object: BpfObject, hook: Hook, links: BpfLink[]): void {
  for (const name of hook.programs) {
    const program = object.program(name);
    if (!program.section.startsWith("cgroup")) {
      links.push(program.attach());
      continue;
    }
    const cgroup = openCgroupRoot();
    try {
      links.push(program.attachCgroup(cgroup));
    } finally {
      libc.close(cgroup);
    }
  }
}
