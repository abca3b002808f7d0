/**
 * Active probing: sends probes by one schedule, takes the kernel's stamps of their answers, keeps the books.
 * Knows src/base, src/model, src/kernel, src/stats and the active probe.
 */
import { randomBytes } from "node:crypto";
import { AF_INET, AF_INET6, type SocketAddress } from "../kernel/address.ts";
import type { Device } from "../kernel/device.ts";
import { monotonicNs } from "../kernel/libc.ts";
import { setTimerSlack } from "../kernel/process.ts";
import { ActiveProbe } from "../probes/active/probe.ts";
import { Batch } from "./batch.ts";
import { Books } from "./books.ts";
import { Departures } from "./departures.ts";
import { ErrorQueue } from "./errorQueue.ts";
import { Failures } from "./failures.ts";
import { Flight } from "./flight.ts";
import type { Listener } from "./listener.ts";
import { Naps } from "./naps.ts";
import { BackOff, type Pace, paceOf } from "./pace.ts";
import { type Plan, type PlannedHost, plan, type SessionOptions } from "./plan.ts";
import { Schedule } from "./schedule.ts";
import { Sockets } from "./sockets.ts";
import { Tally } from "./tally.ts";
import { UserSide } from "./userSide.ts";
import { DeviceWatch } from "./watch.ts";
import { headOffset, packetBytes, type WireOptions } from "./wire.ts";

type Family = SocketAddress["family"];

/** With nothing on its way and nothing due it looks up this often, for what comes late. */
const idleNs = 100e6;
const leastSlots = 1 << 12;
const mostSlots = 1 << 20;

export class Session implements Disposable {
  readonly plan: Plan;
  readonly options: SessionOptions;
  readonly pace: Pace;
  readonly tally: Tally;
  /** What its probes look like. */
  readonly wire: WireOptions;
  readonly backOff = new BackOff();
  readonly probe: ActiveProbe;
  readonly watch: DeviceWatch;
  startNs = 0;
  endNs = 0;
  readonly #flight: Flight;
  readonly #batches = new Map<Family, Batch>();
  readonly #errorQueues: ErrorQueue[] = [];
  readonly #user: UserSide | undefined;
  readonly #maxInFlight: number;
  readonly #cleanup: DisposableStack;
  #departures: Departures | undefined;
  #tickNs = 0;

  constructor(options: SessionOptions) {
    this.options = options;
    this.plan = plan(options);
    const { hosts } = this.plan;
    this.pace = paceOf({ ...options, hosts: Math.max(1, hosts.length) });
    const random = randomBytes(16);
    const families = new Set(hosts.map(({ address }) => address.family));
    using cleanup = new DisposableStack();
    const sockets = cleanup.use(new Sockets(options, families, random.readUInt16LE(12) || 1));
    this.wire = {
      ...{ kind: options.kind, payloadBytes: options.payloadBytes, reflected: options.reflected },
      cookie: random.readBigUInt64LE(0),
      identifier: sockets.identifier,
      remotePort: options.port,
      isnBase: random.readUInt32LE(8),
    };
    const slots = slotsFor(this.pace.gapNs, options);
    this.#maxInFlight = Math.min(options.maxInFlight ?? slots / 2, slots / 2);
    this.probe = cleanup.use(openProbe(options, this.wire, slots));
    for (const out of this.plan.devices) this.probe.attach(out);
    for (const [family, fd] of sockets.sending) {
      this.#batches.set(family, cleanup.use(new Batch(fd, family, this.wire, hosts)));
      this.#errorQueues.push(cleanup.use(new ErrorQueue(fd, family)));
    }
    if (sockets.receiving.size > 0) {
      this.#user = cleanup.use(new UserSide(sockets.receiving, this.wire));
    }
    this.#flight = new Flight(this.probe.slots, options.firstSequence);
    this.probe.announce(options.firstSequence, 0);
    if (options.reflected) this.probe.setClock();
    const kept = options.keepRtts ? (options.count ?? 0) * options.burst : 0;
    this.tally = new Tally(hosts.length, kept);
    this.watch = new DeviceWatch(this.plan.devices);
    this.#cleanup = cleanup.move();
  }

  get hosts(): readonly PlannedHost[] {
    return this.plan.hosts;
  }

  /** Probes by host that are lost, while an older one still waits: the tally does not have them yet. */
  unretiredLosses(): Float64Array {
    return this.#flight.unretiredLosses(this.hosts.length);
  }

  get inFlight(): number {
    return this.#flight.outstanding;
  }

  /** Probes that left later than the schedule wanted, because too many were in flight. */
  get heldBack(): number {
    return this.#departures?.heldBack ?? 0;
  }

  /** Probes until the count, the duration or the signal ends it. */
  async run(stop: AbortSignal, listener: Listener = {}): Promise<void> {
    if (this.hosts.length === 0) return;
    const flight = this.#flight;
    const naps = new Naps(this.options.isAlone ?? false, this.#user);
    const [departures, books] = this.#open(listener);
    this.#departures = departures;
    setTimerSlack(1000);
    this.startNs = monotonicNs();
    const schedule = this.#schedule();
    while (!stop.aborted) {
      const nowNs = monotonicNs();
      const isHeld = !departures.allDue(schedule, nowNs);
      books.collect();
      const isSent = schedule.isOver || departures.active === 0;
      if (isSent && flight.outstanding === 0) break;
      this.#lookAround(nowNs, listener);
      const dueNs = isSent || isHeld ? Number.POSITIVE_INFINITY : schedule.dueNs;
      const wakeAtNs = schedule.wakeAtNs(Math.min(dueNs, this.#answerNs(nowNs)), nowNs);
      if (naps.isTurn) await naps.turn(wakeAtNs);
      naps.sleep(wakeAtNs);
    }
    books.collect();
    this.endNs = monotonicNs();
    this.tally.finish();
  }

  #open(listener: Listener): [Departures, Books] {
    const { hosts, options, wire, probe, tally, backOff, watch } = this;
    const shared = { hosts, wire, probe, tally, flight: this.#flight, listener };
    const failures = new Failures({ ...shared, errorQueues: this.#errorQueues });
    const departures = new Departures({
      ...{ ...shared, failures, watch, batches: this.#batches, maxInFlight: this.#maxInFlight },
      ...{ firstSequence: options.firstSequence, burst: options.burst },
      isUserTimed: this.#user !== undefined,
    });
    const { timeoutNs } = options;
    return [departures, new Books({ ...shared, failures, backOff, timeoutNs, user: this.#user })];
  }

  #schedule(): Schedule {
    const { count, durationNs, backOff } = this.options;
    const slowdown = backOff ? this.backOff : { factor: 1 };
    const { gapNs } = this.pace;
    return new Schedule(
      { hosts: this.hosts.length, gapNs, count, durationNs, slowdown },
      this.startNs,
    );
  }

  /** When to look for answers: soon after a send, then less and less often, and when the oldest probe is overdue. */
  #answerNs(nowNs: number): number {
    const { timeoutNs } = this.options;
    if (this.#flight.outstanding === 0) return nowNs + idleNs;
    const age = nowNs - this.#flight.sentNs(this.#flight.oldest >>> 0);
    const wanted = Math.max(1e6, Math.min(age / 4, timeoutNs - age));
    return nowNs + Math.min(10e6, wanted, timeoutNs);
  }

  /** Now and then: the listener's turn, the clock, the devices. */
  #lookAround(nowNs: number, listener: Listener): void {
    if (nowNs - this.#tickNs > 50e6) {
      this.#tickNs = nowNs;
      listener.tick?.(nowNs);
    }
    if (this.watch.look(nowNs, this.#removed) && this.options.reflected) this.probe.setClock();
  }

  readonly #removed = ({ name, ifindex }: Device): void => {
    for (const [host, { device }] of this.hosts.entries()) {
      if (device.ifindex !== ifindex) continue;
      this.#departures?.giveUp(host);
      this.tally.error(host, `the interface ${name} was removed`);
    }
  };

  [Symbol.dispose](): void {
    this.#cleanup[Symbol.dispose]();
  }
}

function openProbe(options: SessionOptions, wire: WireOptions, slots: number): ActiveProbe {
  return ActiveProbe.open({
    ...{ kind: options.kind, cookie: wire.cookie, drop: options.drop, hooks: options.hooks },
    ...{ reflected: options.reflected, slots, isnBase: wire.isnBase },
    ...{ localPort: wire.identifier, remotePort: options.port, headOffset: headOffset(wire) },
    bytes4: packetBytes(wire, AF_INET),
    bytes6: packetBytes(wire, AF_INET6),
  });
}

/** Room for what is sent within the timeout, and as long again for late answers. */
function slotsFor(gapNs: number, { timeoutNs, maxInFlight, burst }: SessionOptions): number {
  const inTime = (2 * timeoutNs * burst) / Math.max(gapNs, 1e9 / 500_000);
  const wanted = Math.max(inTime, 2 * (maxInFlight ?? 0), leastSlots);
  return 2 ** Math.ceil(Math.log2(Math.min(wanted, mostSlots)));
}
