import { openAttached } from "../attach/attach.ts";
import type { MadeBy } from "../attach/madeBy.ts";
import { textPath } from "../attach/place.ts";
import { kernelInteger, sampleSizeOf } from "../attach/sampleSize.ts";
import { type ExitCode, usageError } from "../base/errors.ts";
import { log } from "../base/log.ts";
import { nearest } from "../base/nearest.ts";
import { print } from "../base/output.ts";
import { formatCount } from "../base/units.ts";
import type { PinnedProbe } from "../probes/vnf/pinned.ts";
import type { Vnfinfo } from "../probes/vnf/vnfinfo.ts";
import { json } from "../sinks/json.ts";
import { defineCommand, Exit, flag, positional } from "./define.ts";

const words = ["start", "stop", "reset_packets", "reset_proc", "status"] as const;
type Word = (typeof words)[number];

export default defineCommand({
  name: "ctl",
  summary: "Changes the state of an attached probe: what was written to /proc/vnfinfo_udp.",
  details: `  start          forgets packets and results, measures the next N: ACTIVE
  stop           forgets packets and results: WAITING
  reset_packets  forgets the packets in flight; state and results stay
  reset_proc     forgets the results; an interval that runs begins anew
  N              packets in an interval, while WAITING; outside 1…cbsize: cbsize
  status         prints the state, and where every packet went`,
  example: "komon ctl --port 1234 start",
  args: {
    word: positional.text({ help: `${words.join(", ")} or a number`, required: true }),
    port: flag.port({ help: "of the attached probe", default: 1234 }),
    format: flag.choice(["table", "json"], { help: "of the status", default: "table" }),
  },
  run({ args: { word, port, format } }) {
    const number = kernelInteger(word);
    if (number === undefined && !isWord(word)) throw unknown(word);
    const { probe, made } = openAttached(port);
    using attached = probe;
    const { state } = attached;
    if (number !== undefined) return state.alone(() => resize(state, number, word));
    if (word === "status")
      print(format === "json" ? statusJson(port, attached, made) : status(port, attached, made));
    else state.alone(() => change(state, word as Exclude<Word, "status">, port));
    return Exit.done;
  },
});

function isWord(word: string): word is Word {
  return (words as readonly string[]).includes(word);
}

function unknown(word: string): Error {
  const meant = nearest(word, words);
  return usageError(
    `${JSON.stringify(word)} is nothing that ctl knows`,
    meant ? `did you mean ${meant}?` : `${words.join(", ")}, or a number of packets`,
  );
}

function change(state: Vnfinfo, word: Exclude<Word, "status">, port: number): void {
  const { counter, sampleSize } = state;
  const was = `${formatCount(counter)} of ${formatCount(sampleSize)} packets`;
  const wasActive = state.state === "ACTIVE";
  switch (word) {
    case "start":
      state.start();
      if (wasActive)
        log.info(`was ACTIVE with ${was}: they are forgotten, the interval begins anew`);
      else log.info(`ACTIVE: the next ${formatCount(sampleSize)} packets; cat ${textPath(port)}`);
      return;
    case "stop":
      state.stop();
      log.info(
        wasActive || counter > 0
          ? `WAITING: stopped after ${was}, they are forgotten`
          : "WAITING: nothing ran",
      );
      return;
    case "reset_packets":
      state.forgetPackets();
      log.info("the packets in flight will not be measured");
      return;
    case "reset_proc":
      state.forgetResults();
      log.info(
        wasActive ? `ACTIVE: begins anew after ${was}` : "WAITING: the results are forgotten",
      );
  }
}

function resize(state: Vnfinfo, wanted: number, typed: string): ExitCode {
  if (state.state === "ACTIVE") {
    log.warn(
      `${typed} is ignored: ACTIVE with ${state.counter} of ${state.sampleSize} packets; komon ctl stop first`,
    );
    return Exit.incomplete;
  }
  const size = sampleSizeOf(wanted, state.cbsize);
  state.setSampleSize(size);
  const why =
    size !== wanted
      ? `, as for every number outside 1 to ${state.cbsize} (cbsize)`
      : String(size) !== typed
        ? ` (${typed}, read as the kernel reads numbers)`
        : "";
  log.info(`an interval is ${formatCount(size)} packets${why}`);
  return Exit.done;
}

function statusJson(port: number, probe: PinnedProbe, made: MadeBy): string {
  const { state, counter, sampleSize, cbsize, missed } = probe.state;
  return json({
    schema: "komon.ctl/1",
    port,
    state,
    counter,
    sample_size: sampleSize,
    cbsize,
    missed,
    text: textPath(port),
    attached_at: made.at,
    made_by: made.komon,
    hooks: made.hooks,
    coverage: probe.coverage(),
  } as { schema: string });
}

function status(port: number, probe: PinnedProbe, made: MadeBy): string {
  const { state, counter, sampleSize, cbsize } = probe.state;
  const c = probe.coverage();
  const n = formatCount;
  const hooks = Object.entries(made.hooks).map(([point, hook]) => `${point} ${hook}`);
  return `port ${port}: ${state}, ${n(counter)} of ${n(sampleSize)} packets (cbsize ${n(cbsize)})
text:     ${textPath(port)}
attached: ${made.at} by komon ${made.komon}
hooks:    ${hooks.join(", ")}
coverage: seen ${n(c.seen)} = matched ${n(c.matched)} + expired ${n(c.expired)} + collided ${n(c.collided)} + filtered ${n(c.filtered)} + in flight ${n(c.in_flight)}
`;
}
