/**
 * Active probing: sends probes by one schedule, takes the kernel's stamps of their answers, keeps the books.
 * Knows src/base, src/model, src/kernel, src/stats and the active probe.
 */
import { randomBytes } from "node:crypto";
import { AF_INET, AF_INET6, type SocketAddress } from "../kernel/address.ts";
import type { Device } from "../kernel/device.ts";
import { errnoName, monotonicNs, sleepUntilNs } from "../kernel/libc.ts";
import { setTimerSlack } from "../kernel/process.ts";
import { ActiveProbe } from "../probes/active/probe.ts";
import { Batch } from "./batch.ts";
import { Books, type Listener } from "./books.ts";
import { ErrorQueue } from "./errorQueue.ts";
import { Flight } from "./flight.ts";
import { BackOff, type Pace, paceOf } from "./pace.ts";
import { type Plan, type PlannedHost, plan, type SessionOptions } from "./plan.ts";
import { Sockets } from "./sockets.ts";
import { Tally } from "./tally.ts";
import { UserSide } from "./userSide.ts";
import { DeviceWatch } from "./watch.ts";
import { headOffset, packetBytes, type WireOptions } from "./wire.ts";

type Family = SocketAddress["family"];

/** Wakes up no more often than this when probes are close together. */
const wakeNs = 1e6;
/** Probes to different hosts that are due within this leave together: a wake-up costs more than a probe. */
const gatherNs = 32e6;
const gatherHosts = 32;
/** The loop lets signals and timers in this often. */
const breathNs = 50e6;
/** Longer waits are left to the event loop. */
const longNapNs = 20e6;
/** A schedule that fell behind by more than this goes on from here, instead of in a burst. */
const catchUpNs = 100e6;
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
  /** Probes that left later than the schedule wanted, because too many were in flight. */
  heldBack = 0;
  startNs = 0;
  endNs = 0;
  readonly watch: DeviceWatch;
  readonly #books: Books;
  readonly #sockets: Sockets;
  readonly #batches = new Map<Family, Batch>();
  readonly #batchOf: Batch[];
  readonly #flight: Flight;
  readonly #user: UserSide | undefined;
  readonly #maxInFlight: number;
  readonly #gone: Uint8Array;
  #active: number;
  #turn = 0;
  #nowNs = 0;
  #retried = -1;
  #tickNs = 0;

  constructor(options: SessionOptions) {
    this.options = options;
    this.plan = plan(options);
    const { hosts } = this.plan;
    const count = Math.max(1, hosts.length);
    this.pace = paceOf({ ...options, hosts: count });
    const random = randomBytes(16);
    const families = new Set(hosts.map(({ address }) => address.family));
    using cleanup = new DisposableStack();
    this.#sockets = cleanup.use(new Sockets(options, families, random.readUInt16LE(12) || 1));
    this.wire = {
      ...{ kind: options.kind, payloadBytes: options.payloadBytes, reflected: options.reflected },
      cookie: random.readBigUInt64LE(0),
      identifier: this.#sockets.identifier,
      remotePort: options.port,
      isnBase: random.readUInt32LE(8),
    };
    const slots = slotsFor(this.pace.gapNs, options);
    this.#maxInFlight = Math.min(options.maxInFlight ?? slots / 2, slots / 2);
    this.probe = cleanup.use(
      ActiveProbe.open({
        ...{ kind: options.kind, cookie: this.wire.cookie, drop: options.drop },
        ...{ hooks: options.hooks, reflected: options.reflected, slots },
        headOffset: headOffset(this.wire),
        bytes4: packetBytes(this.wire, AF_INET),
        bytes6: packetBytes(this.wire, AF_INET6),
        isnBase: this.wire.isnBase,
        localPort: this.wire.identifier,
        remotePort: options.port,
      }),
    );
    for (const out of this.plan.devices) this.probe.attach(out);
    const errorQueues: ErrorQueue[] = [];
    for (const [family, fd] of this.#sockets.sending) {
      this.#batches.set(family, cleanup.use(new Batch(fd, family, this.wire, hosts)));
      errorQueues.push(cleanup.use(new ErrorQueue(fd, family)));
    }
    this.#batchOf = hosts.map(({ address }) => this.#batches.get(address.family) as Batch);
    if (this.#sockets.receiving.size > 0) {
      this.#user = cleanup.use(new UserSide(this.#sockets.receiving, this.wire));
    }
    this.#flight = new Flight(this.probe.slots, options.firstSequence);
    this.probe.announce(options.firstSequence, 0);
    if (options.reflected) this.probe.setClock();
    this.tally = new Tally(
      hosts.length,
      options.keepRtts ? (options.count ?? 0) * options.burst : 0,
    );
    this.watch = new DeviceWatch(this.plan.devices);
    this.#books = new Books({
      ...{ hosts, errorQueues, timeoutNs: options.timeoutNs, wire: this.wire, probe: this.probe },
      ...{ flight: this.#flight, tally: this.tally, backOff: this.backOff, user: this.#user },
    });
    this.#gone = new Uint8Array(hosts.length);
    const { gapNs } = this.pace;
    const gather = hosts.length > 1 ? Math.min(gatherNs, Math.min(count, gatherHosts) * gapNs) : 0;
    this.#gatherNs = Math.max(gather > gapNs ? gather : 0, gapNs < wakeNs ? wakeNs : 0);
    this.#active = hosts.length;
    this.#cleanup = cleanup.move();
  }

  readonly #cleanup: DisposableStack;
  readonly #gatherNs: number;

  get hosts(): readonly PlannedHost[] {
    return this.plan.hosts;
  }

  /** Probes by host that are lost, while an older one still waits: the tally does not have them yet. */
  unretiredLosses(): Float64Array {
    return this.#flight.unretiredLosses(this.hosts.length);
  }

  get sentTotal(): number {
    return this.#flight.next - this.options.firstSequence;
  }

  get inFlight(): number {
    return this.#flight.outstanding;
  }

  /** Probes until the count, the duration or the signal ends it. */
  async run(stop: AbortSignal, listener: Listener = {}): Promise<void> {
    if (this.hosts.length === 0) return;
    this.#books.listener = listener;
    setTimerSlack(1000);
    const { count, durationNs = Number.POSITIVE_INFINITY, timeoutNs, backOff } = this.options;
    const turns = count === undefined ? Number.POSITIVE_INFINITY : count * this.hosts.length;
    const { gapNs } = this.pace;
    this.startNs = monotonicNs();
    let dueNs = this.startNs;
    let breathedNs = this.startNs;
    const lastNs = this.startNs + durationNs;
    while (!stop.aborted) {
      this.#nowNs = monotonicNs();
      const step = gapNs * (backOff ? this.backOff.factor : 1);
      if (this.#nowNs - dueNs > catchUpNs) dueNs = this.#nowNs;
      while (this.#turn < turns && dueNs <= this.#nowNs && dueNs < lastNs) {
        if (this.#flight.isFull || this.#flight.outstanding >= this.#maxInFlight) {
          this.heldBack++;
          break;
        }
        this.#departTurn(this.#turn++ % this.hosts.length);
        dueNs += step;
      }
      for (const batch of this.#batches.values()) this.#flush(batch);
      this.#books.collect();
      const isSent = this.#turn >= turns || dueNs >= lastNs || this.#active === 0;
      if (isSent && this.#flight.outstanding === 0) break;
      this.#look();
      const wakeAtNs = this.#wakeNs(isSent ? Number.POSITIVE_INFINITY : dueNs, timeoutNs);
      const now = monotonicNs();
      if (wakeAtNs - now > longNapNs || now - breathedNs > breathNs) {
        const sleepMs = Math.floor(Math.min(wakeAtNs - now - 1e6, 50e6) / 1e6);
        await (sleepMs > 0 && !this.#user ? Bun.sleep(sleepMs) : nextTurn());
        breathedNs = monotonicNs();
      }
      if (this.#user) this.#user.wait(Math.min(10e6, Math.max(0, wakeAtNs - monotonicNs())));
      else if (wakeAtNs > monotonicNs())
        sleepUntilNs(Math.min(wakeAtNs, monotonicNs() + longNapNs));
    }
    this.#books.collect();
    this.endNs = monotonicNs();
    this.tally.finish();
  }

  /** Soon after a send, when its answer is likely; then when the next probe is due. */
  #wakeNs(dueNs: number, timeoutNs: number): number {
    const now = this.#nowNs;
    const soonest = now + this.#gatherNs;
    if (this.#flight.outstanding === 0) return Math.max(soonest, Math.min(dueNs, now + 50e6));
    const age = now - this.#flight.sentNs(this.#flight.oldest >>> 0);
    const look = Math.min(10e6, Math.max(wakeNs, age / 4), timeoutNs);
    return Math.max(Math.min(dueNs, now + look), soonest);
  }

  /** One probe, or a train that one system call sends. */
  #departTurn(host: number): void {
    const { burst } = this.options;
    if (burst > 1) this.#flush(this.#batchOf[host]);
    for (let n = 0; n < burst; n++) this.#depart(host);
  }

  #depart(host: number): void {
    if (this.#gone[host]) return;
    const number = ++this.tally.sent[host];
    const sequence = this.#flight.depart(host, number, this.#nowNs);
    const batch = this.#batchOf[host];
    batch.add(host, sequence, number);
    if (batch.isFull || (this.#user && this.options.burst === 1)) this.#flush(batch);
  }

  #flush(batch: Batch): void {
    if (batch.count === 0) return;
    this.probe.announce(this.#flight.next, this.sentTotal);
    const now = monotonicNs();
    for (let at = 0; at < batch.count; at++) this.#flight.stamp(batch.sequences[at], now);
    this.#retried = -1;
    this.#flushing = batch;
    batch.flush(this.#refused);
  }

  #flushing: Batch | undefined;

  /** An earlier probe's ICMP error comes back from a later send: it is taken, and the send tried again. */
  readonly #refused = (at: number, errno: number): boolean => {
    const batch = this.#flushing as Batch;
    if (this.#retried !== at) {
      this.#retried = at;
      this.#books.drainErrors();
      return true;
    }
    this.#books.refused(batch.sequences[at], errno);
    if (/ENODEV|ENXIO|ENETUNREACH|ENETDOWN/.test(errnoName(errno))) this.watch.hurry();
    return false;
  };

  /** Now and then: the listener's turn, the clock, the devices. */
  #look(): void {
    if (this.#nowNs - this.#tickNs > 50e6) {
      this.#tickNs = this.#nowNs;
      this.#books.listener.tick?.(this.#nowNs);
    }
    if (this.watch.look(this.#nowNs, this.#removed) && this.options.reflected) {
      this.probe.setClock();
    }
  }

  readonly #removed = ({ name, ifindex }: Device): void => {
    for (const [host, { device }] of this.hosts.entries()) {
      if (device.ifindex !== ifindex) continue;
      this.#gone[host] = 1;
      this.#active--;
      this.tally.error(host, `the interface ${name} was removed`);
    }
  };

  [Symbol.dispose](): void {
    this.#cleanup[Symbol.dispose]();
  }
}

/** Room for what is sent within the timeout, and as long again for late answers. */
function slotsFor(gapNs: number, { timeoutNs, maxInFlight, burst }: SessionOptions): number {
  const inTime = (2 * timeoutNs * burst) / Math.max(gapNs, 1e9 / 500_000);
  const wanted = Math.max(inTime, 2 * (maxInFlight ?? 0), leastSlots);
  return 2 ** Math.ceil(Math.log2(Math.min(wanted, mostSlots)));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
