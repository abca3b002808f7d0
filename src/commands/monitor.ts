import { usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { mayColour, print } from "../base/output.ts";
import { formatNs } from "../base/units.ts";
import { dropCapabilities } from "../kernel/privileges.ts";
import { LineWriter } from "../monitor/lines.ts";
import { LiveView } from "../monitor/live.ts";
import { type Ended, type LoopOptions, watch } from "../monitor/loop.ts";
import { type Opened, openSources } from "../monitor/open.ts";
import { columns, rowsOf, schema, type Told } from "../monitor/rows.ts";
import { Screen } from "../monitor/screen.ts";
import { select } from "../monitor/select.ts";
import { parseObjective, requireWatched } from "../monitor/slo.ts";
import { type DeadlineAsked, objectivesText, summaryText } from "../monitor/summary.ts";
import { rungs } from "../probes/vnf/hooks.ts";
import { csvHead, csvLine } from "../sinks/csv.ts";
import { jsonLine } from "../sinks/jsonl.ts";
import { removeStale } from "../testbed/stale.ts";
import { btf, defineCommand, Exit, flag } from "./define.ts";
import { isReceiving } from "./external.ts";

const formats = ["live", "table", "jsonl", "csv"] as const;
type Format = (typeof formats)[number];

export default defineCommand({
  name: "monitor",
  summary: "Watches every packet of a VNF for as long as you like, at little cost.",
  details: `The kernel keeps histograms; komon looks at them every --interval and prints what lay between, a line a span.
Without --port the ports of the process, cgroup or container are found. With devices alone it watches what the kernel
itself forwards from one to the other. On a terminal the view is redrawn: q ends, tab shows the next histogram.`,
  example: `komon monitor --port 1234
komon monitor --port 53 --format jsonl --interval 10s --slo 'service.p99<200us'
komon monitor --netns router --in-interface eth0 --out-interface eth1`,
  args: {
    port: flag.ports({ help: "where the VNF receives" }),
    pid: flag.int({ help: "only packets that this process reads", min: 1 }),
    cgroup: flag.text({ help: "only packets read in this cgroup", hint: "PATH" }),
    container: flag.text({ help: "only packets read in it (docker, podman, lxc…)", hint: "NAME" }),
    netns: flag.text({ help: "network namespace; else this one", hint: "NAME" }),
    inInterface: flag.text({ help: "only packets that come in here", hint: "DEV" }),
    outInterface: flag.text({ help: "only packets that go out here", hint: "DEV" }),
    interface: flag.text({ help: "the same as --in-interface", alias: "i", hint: "DEV" }),
    interval: flag.duration({ help: "between looks", default: 1e9, min: 1e7 }),
    duration: flag.duration({ help: "ends after this time", min: 1e6 }),
    count: flag.int({ help: "ends after this many intervals", min: 1 }),
    slo: flag.text({
      help: "an objective, as 'service.p99<200us'; violated: exit 1",
      repeat: true,
      hint: "'…'",
    }),
    deadline: flag.duration({ help: "count packets that take longer, in the kernel", min: 1 }),
    deadlineOf: flag.choice(["sojourn", "service"], {
      help: "the span that --deadline is for (default sojourn); when forwarded: total",
    }),
    hooks: flag.choice(["auto", ...rungs], { help: "the rung to use", default: "auto" }),
    btf,
    format: flag.choice(formats, { help: "else live on a terminal and table in a pipe" }),
  },
  async run({ args, stop }) {
    const objectives = args.slo.map(parseObjective);
    if (args.interface !== undefined && args.inInterface !== undefined) {
      throw usageError("--interface is the same as --in-interface: give one of them");
    }
    if (args.deadlineOf !== undefined && args.deadline === undefined) {
      throw usageError("--deadline-of says nothing without --deadline", "add --deadline 500us");
    }
    await removeStale();
    const selection = select({
      ...args,
      ports: args.port,
      inInterface: args.inInterface ?? args.interface,
    });
    const deadline: DeadlineAsked | undefined =
      args.deadline === undefined
        ? undefined
        : {
            span: selection.kind === "vnf" ? (args.deadlineOf ?? "sojourn") : "total",
            ns: args.deadline,
          };
    if (args.port !== undefined && here(args)) tellSilent(args.port);
    using opened = openSources(selection, args.hooks, deadline);
    for (const { spans } of opened.sources) requireWatched(objectives, spans);
    dropCapabilities(["bpf"]); // all is attached; reading it is all that is left
    const format = args.format ?? (isTerminal() ? "live" : "table");
    const loop = {
      intervalNs: args.interval,
      durationNs: args.duration,
      count: args.count,
      objectives,
      detach: () => opened.detach(),
    };
    const ended = await run(format, opened, { ...loop, stop }, deadline);
    if (format === "live" || format === "table") {
      for (const whole of ended.whole) print(`\n${summaryText(whole, deadline)}`);
      print(objectivesText(ended.verdicts));
    }
    const violated = [...ended.verdicts.values()].some((verdict) => verdict.violated > 0);
    return violated ? Exit.incomplete : Exit.done;
  },
});

/** Whether the ports are those of this network namespace. */
function here({ netns, pid, cgroup, container }: Readonly<Record<string, unknown>>): boolean {
  return [netns, pid, cgroup, container].every((one) => one === undefined);
}

/** A port mistyped, or of another namespace, would give nothing but zeros; a VNF may yet come. */
function tellSilent(ports: readonly number[]): void {
  for (const port of ports.filter((port) => !isReceiving(port))) {
    log.info(`nobody receives on UDP port ${port} in this network namespace yet`);
  }
}

type Given = Omit<LoopOptions, "tell">;

function isTerminal(): boolean {
  return process.stdout.isTTY === true && process.env.TERM !== "dumb";
}

async function run(
  format: Format,
  opened: Opened,
  given: Given,
  deadline: DeadlineAsked | undefined,
): Promise<Ended> {
  if (format === "live") return live(opened, given, deadline);
  log.info(`watching ${opened.name}: ${opened.hooks}`);
  const several = opened.sources.length > 1;
  const lines = new LineWriter(several);
  if (format === "csv") print(csvHead(columns));
  const write: Readonly<Record<Exclude<Format, "live">, (told: Told) => string>> = {
    table: (told) => lines.write(told),
    jsonl: (told) =>
      rowsOf(told)
        .map((row) => jsonLine({ schema, columns }, row))
        .join(""),
    csv: (told) =>
      rowsOf(told)
        .map((row) => csvLine(columns, row))
        .join(""),
  };
  return watch(opened.sources, {
    ...given,
    tell: (told) => print(told.map(write[format]).join("")),
  });
}

async function live(
  opened: Opened,
  given: Given,
  deadline: DeadlineAsked | undefined,
): Promise<Ended> {
  const view = new LiveView({
    title: `${opened.name}, every ${formatNs(given.intervalNs)}`,
    hooks: opened.hooks,
    objectives: given.objectives,
    deadline,
    colour: mayColour("stdout"),
  });
  const quit = new AbortController();
  const draw = () => screen.draw(view.lines(screen.columns, screen.rows));
  using screen: Screen = new Screen(
    (key) => {
      if (key === "q") quit.abort();
      if (key === "\t") view.next();
      draw();
    },
    () => draw(),
  );
  draw();
  return await watch(opened.sources, {
    ...given,
    stop: AbortSignal.any([given.stop, quit.signal]),
    tell: (told) => {
      view.add(told);
      draw();
    },
  });
}
