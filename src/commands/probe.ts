import { usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { print } from "../base/output.ts";
import { printable } from "../base/printable.ts";
import { formatRate } from "../base/units.ts";
import { socketAddress } from "../kernel/address.ts";
import { setNetns } from "../kernel/libc.ts";
import { rungWishes } from "../probes/active/rungs.ts";
import { type Resolved, resolveHosts } from "../probing/hosts.ts";
import type { SessionOptions } from "../probing/plan.ts";
import { keptOf } from "../probing/samples.ts";
import { Session } from "../probing/session.ts";
import { Trains } from "../probing/train.ts";
import { type Kind, leastPayloadBytes, packetBytes } from "../probing/wire.ts";
import { csv } from "../sinks/csv.ts";
import { json } from "../sinks/json.ts";
import { defineCommand, Exit, flag, positional } from "./define.ts";
import { requireCapabilities } from "./probe/capabilities.ts";
import { everyTime, heading, hostSummary, liveLines, manySummary, totals } from "./probe/lines.ts";
import { reflect } from "./probe/reflect.ts";
import { type ProbeReport, probeReport, reportOfNobody } from "./probe/report.ts";
import { flatTable } from "./probe/tables.ts";
import { fpingTime, targetsOf } from "./probe/targets.ts";

const args = {
  hosts: positional.list({ help: "names or addresses; - reads them from stdin" }),
  icmp: flag.boolean({ help: "ICMP echo; so it is without --tcp and --udp" }),
  tcp: flag.port({ help: "SYN to this port; the handshake is never completed" }),
  udp: flag.port({ help: "datagrams to this port" }),
  reflected: flag.boolean({ help: "ask for the stamps of a komon probe --reflect at the far end" }),
  reflect: flag.boolean({ help: "be that far end, at --interface, until stopped" }),
  train: flag.int({ help: "trains of N probes: estimates bandwidth", min: 3, max: 64 }),
  file: flag.text({ help: "more hosts, one a line; - is stdin", alias: "f", hint: "FILE" }),
  count: flag.int({ help: "probes to each host; else until stopped", alias: "c", min: 1 }),
  times: flag.int({ help: "as --count, and every time is printed", alias: "C", min: 1, max: 1e6 }),
  loop: flag.boolean({ help: "until stopped", alias: "l" }),
  duration: flag.duration({ help: "how long to probe", min: 1 }),
  interval: flag.text({ help: "between probes to one host; default 1s", alias: "p", hint: "TIME" }),
  gap: flag.text({ help: "between any two probes, at least", alias: "i", hint: "TIME" }),
  timeout: flag.text({ help: "when a probe is lost", alias: "t", default: "1s", hint: "TIME" }),
  rate: flag.rate({ help: "probes per second in all, at most" }),
  hostRate: flag.rate({ help: "probes per second to one host, at most" }),
  maxInFlight: flag.int({ help: "unanswered probes at most", min: 1, max: 524_288 }),
  flood: flag.boolean({ help: "lift the ceilings: 1k/s to a host, 100k/s in all" }),
  backOff: flag.boolean({ help: "do not slow down when loss rises", default: true }),
  size: flag.bytes({ help: "payload, 16 at least; default 56", alias: "b", max: 65_000 }),
  ttl: flag.int({ help: "TTL or hop limit", alias: "H", min: 1, max: 255 }),
  tos: flag.int({ help: "TOS or traffic class", alias: "O", min: 0, max: 255 }),
  df: flag.boolean({ help: "never fragment", alias: "M" }),
  interface: flag.text({ help: "leave by this device only", alias: "I", hint: "NAME" }),
  source: flag.text({ help: "local address of the probes", alias: "S", hint: "ADDRESS" }),
  netns: flag.text({ help: "probe from this network namespace", hint: "NAME" }),
  ipv4: flag.boolean({ help: "IPv4 only" }),
  ipv6: flag.boolean({ help: "IPv6 only" }),
  drop: flag.boolean({
    help: "let answers pass, and show beside each RTT what a process sees",
    default: true,
  }),
  hooks: flag.choice(rungWishes, { help: "where answers are taken", default: "auto" }),
  quiet: flag.boolean({ help: "the summary only", alias: "q" }),
  verbose: flag.boolean({
    help: "a line per answer for many hosts, too, and what the hook in use is",
    alias: "v",
  }),
  every: flag.text({ help: "a summary every so many seconds", alias: "Q", hint: "SECONDS" }),
  stats: flag.boolean({ help: "totals at the end", alias: "s" }),
  timestamps: flag.boolean({ help: "the time of day before each line", alias: "D" }),
  alive: flag.boolean({ help: "print the hosts that answer, nothing else", alias: "a" }),
  unreachable: flag.boolean({ help: "print the hosts that do not answer", alias: "u" }),
  format: flag.choice(["table", "json", "jsonl", "csv"], {
    help: "of the result",
    default: "table",
  }),
  firstSequence: flag.int({ help: "number of the first probe", hidden: true, min: 0 }),
} as const;

export default defineCommand({
  name: "probe",
  summary: "Probes hosts actively, timed in the kernel, and takes its own answers off the network.",
  details: `Times are read where packets pass the device, not where a process wakes up. Answers with this run's
cookie are dropped there; nothing else is touched, so another ping goes on undisturbed.

Letters are fping's where they fit; a bare number for -i, -p and -t is in milliseconds. Ends with 0 when every
host has answered, 1 when one has not, 2 for a name that is not found, 3 when this machine cannot probe.`,
  example: "komon probe --icmp 10.0.0.2 --count 5\nkomon probe -C 3 -q 10.0.0.1 10.0.0.2",
  args,
  async run({ args: given, stop }) {
    if (given.reflect) return reflect(given, stop);
    const options = optionsOf(given);
    const targets = targetsOf(given.hosts, given.file);
    const family = given.ipv4 ? 4 : given.ipv6 ? 6 : undefined;
    const resolved = await resolveHosts(targets, family, options.port);
    for (const { target, why } of resolved.unknown) log.warn(`${target}: ${why}`);
    if (resolved.hosts.length === 0) {
      showNobody(given, reportOfNobody(options, resolved.unknown));
      return Exit.usage;
    }
    if (given.netns !== undefined) setNetns(given.netns);
    return probe(given, { ...options, hosts: resolved.hosts }, resolved, stop);
  },
});

type Given = Parameters<Parameters<typeof defineCommand<typeof args>>[0]["run"]>[0]["args"];

async function probe(
  given: Given,
  options: SessionOptions,
  resolved: Resolved,
  stop: AbortSignal,
): Promise<0 | 1 | 2> {
  requireCapabilities();
  using session = new Session(options);
  for (const { target, why } of session.plan.unreachable) log.warn(`${target}: ${why}`);
  sayPace(session);
  const listsOnly = given.alive || given.unreachable;
  const isTable = given.format === "table" && !listsOnly;
  const trains = session.hosts.map(({ address }) => trainsTo(session, address.family));
  const wantsLines = session.hosts.length === 1 && given.train === undefined;
  const live = isTable && !given.quiet && (wantsLines || given.verbose);
  if (isTable && !given.quiet && session.hosts.length > 0) {
    print(heading(session, !live && given.every === undefined, given.verbose));
  }
  const lines = live ? liveLines(session, given.timestamps) : {};
  const everyNs = given.every === undefined ? 0 : everySeconds(given.every);
  let nextNs = Number.POSITIVE_INFINITY;
  await session.run(stop, {
    ...lines,
    ...(given.train !== undefined && {
      reply(host, number, rttNs, userRttNs, answer) {
        trains[host].add(number, answer.txNs, answer.rxNs);
        lines.reply?.(host, number, rttNs, userRttNs, answer);
      },
    }),
    tick(nowNs) {
      if (everyNs === 0) return;
      if (nextNs === Number.POSITIVE_INFINITY) nextNs = session.startNs + everyNs;
      if (nowNs < nextNs) return;
      nextNs += everyNs;
      show(given, session, probeReport(session, resolved.unknown));
    },
  });
  const report = probeReport(session, resolved.unknown, trains);
  if (listsOnly) print(lists(given, report));
  else show(given, session, report, live);
  if (given.stats && isTable) print(totals(report));
  for (const name of session.watch.removed)
    log.warn(`the interface ${name} was removed while probing`);
  sayLosses(session);
  if (resolved.unknown.length > 0) return Exit.usage;
  return report.hosts.some(({ received }) => received === 0) || session.watch.removed.size > 0
    ? Exit.incomplete
    : Exit.done;
}

function trainsTo({ options, wire, hosts }: Session, family: 2 | 10): Trains {
  return new Trains(options.burst, packetBytes(wire, family), keptOf(hosts.length));
}

function show(given: Given, session: Session, report: ProbeReport, after = false): void {
  if (given.format !== "table") print(machineText(given.format, report));
  else if (given.times !== undefined) {
    print((after ? "\n" : "") + everyTime(session));
  } else if (report.hosts.length === 1) {
    print((after ? "\n" : "") + hostSummary(report.hosts[0], "probe"));
  } else print((after ? "\n" : "") + manySummary(report));
}

/** None of the names was found: on a terminal that has been said. */
function showNobody(given: Given, report: ProbeReport): void {
  if (given.alive || given.unreachable) print(lists(given, report));
  else if (given.format !== "table") print(machineText(given.format, report));
}

function machineText(format: "json" | "jsonl" | "csv", report: ProbeReport): string {
  if (format === "json") return json(report);
  if (format === "csv") return csv(flatTable(report));
  const { schema } = report;
  return report.hosts.map((host) => `${JSON.stringify({ schema, ...host })}\n`).join("");
}

function lists({ alive, unreachable }: Given, { hosts }: ProbeReport): string {
  return hosts
    .filter(({ received }) => (received > 0 ? alive : unreachable))
    .map(({ target }) => `${printable(target)}\n`)
    .join("");
}

function optionsOf(given: Given): Omit<SessionOptions, "hosts"> {
  const chosen = [given.icmp, given.tcp !== undefined, given.udp !== undefined].filter(Boolean);
  if (chosen.length > 1) throw usageError("--icmp, --tcp and --udp exclude each other");
  if (given.ipv4 && given.ipv6) throw usageError("--ipv4 and --ipv6 exclude each other");
  if (given.count !== undefined && given.times !== undefined) {
    throw usageError("--count and --times exclude each other", "-C counts, too");
  }
  const kind: Kind = given.tcp !== undefined ? "tcp" : given.udp !== undefined ? "udp" : "icmp";
  for (const name of ["rate", "hostRate"] as const) {
    const value = given[name];
    if (value !== undefined && !(value > 0 && value <= 1e7)) {
      const flagged = name === "rate" ? "--rate" : "--host-rate";
      throw usageError(`${flagged} ${value} is no rate to probe at`, "above 0, 10M at most");
    }
  }
  if (kind === "tcp" && given.reflected) {
    throw usageError("--reflected says nothing with --tcp", "use it with --icmp or --udp");
  }
  const least = leastPayloadBytes({ kind, reflected: given.reflected });
  if (kind === "tcp" && given.train !== undefined) {
    throw usageError("--train says nothing with --tcp", "use it with --icmp or --udp");
  }
  const size = given.size ?? Math.max(given.train === undefined ? 56 : 1400, least);
  if (kind !== "tcp" && size < least) {
    throw usageError(
      `--size ${given.size} is too small`,
      `${least} bytes carry the run's cookie and the probe's number${given.reflected ? " and the stamps" : ""}`,
    );
  }
  const leastNs = given.flood ? 0 : 1;
  const listsOnly = given.alive || given.unreachable;
  const usualCount = listsOnly ? 3 : given.train !== undefined ? 20 : undefined;
  const interval =
    given.interval ??
    (given.train === undefined ? undefined : "100ms") ??
    (given.rate === undefined ? "1s" : "1us");
  return {
    kind,
    port: given.tcp ?? given.udp ?? 0,
    count: given.loop ? undefined : (given.count ?? given.times ?? usualCount),
    durationNs: given.duration,
    intervalNs: fpingTime(interval, "--interval", leastNs),
    gapNs: given.gap === undefined ? 0 : fpingTime(given.gap, "--gap", 0),
    ...{ rate: given.rate, hostRate: given.hostRate, flood: given.flood },
    backOff: given.backOff && !given.flood,
    maxInFlight: given.maxInFlight,
    timeoutNs: fpingTime(given.timeout, "--timeout", 1000),
    payloadBytes: size,
    ...{ ttl: given.ttl, tos: given.tos, df: given.df, interface: given.interface },
    source: given.source === undefined ? undefined : socketAddress(given.source, 0),
    ...{ drop: given.drop, hooks: given.hooks, reflected: given.reflected },
    burst: given.train ?? 1,
    firstSequence: given.firstSequence ?? 0,
    isAlone: true,
    keepRtts: given.times !== undefined,
  };
}

function everySeconds(text: string): number {
  const ns = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1e9 : fpingTime(text, "--every", 1);
  if (ns >= 1e6) return ns;
  throw usageError(`--every ${text} is too often`);
}

/** A slower pace than was asked for is said, with what made it so. */
function sayPace({ pace, hosts, options }: Session): void {
  if (pace.limitedBy === undefined || hosts.length === 0) return;
  const asked = (hosts.length / options.intervalNs) * 1e9;
  if (pace.limitedBy.startsWith("--")) return;
  log.warn(
    `${formatRate(asked).replace("pps", "probes/s")} would be above ${pace.limitedBy}; ` +
      "--flood lifts it",
  );
}

function sayLosses(session: Session): void {
  const { backOff, heldBack, options } = session;
  if (options.backOff && backOff.times > 0)
    log.warn(`slowed down ${backOff.times} times because loss rose`);
  if (heldBack > 0) log.warn(`${heldBack} probes left late: too many were unanswered`);
}
