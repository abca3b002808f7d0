import { readU64 } from "../../kernel/counter.ts";
import { komonTcpEvent, komonTcpEventKind } from "../../kernel/generated/tcp.ts";
import { errnoName } from "../../kernel/libc.ts";
import { connectionAt, type TcpConnection } from "./connection.ts";
import { withinBucket } from "./quantile.ts";

export type TcpEventKind = "connected" | "failed" | "accepted" | "closed";

/** How a connection, or the attempt at one, came to its end. */
export type CloseReason =
  /** This side sent the first FIN. */
  | "local"
  /** The other side did. */
  | "remote"
  /** The other side sent a reset. */
  | "reset"
  /** This side sent one: closed with data unread, lingering switched off, or the process was killed so. */
  | "abort"
  /** Nothing was acknowledged for too long. */
  | "timeout"
  /** A reset in answer to the first packet. */
  | "refused"
  /** The program gave up before the handshake was done. */
  | "cancelled"
  /** Another error, such as `EHOSTUNREACH`. */
  | `E${string}`;

export interface TcpEvent {
  readonly kind: TcpEventKind;
  readonly timeNs: number;
  readonly connection: TcpConnection;
  /** Payload, each byte counted once. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly retransmits: number;
  /** Of the connection's round-trip times; undefined without any. */
  readonly rttP50Ns: number | undefined;
  readonly rttP95Ns: number | undefined;
  /** For `failed` and `closed`. */
  readonly reason: CloseReason | undefined;
}

const kinds: Readonly<Record<number, TcpEventKind>> = {
  [komonTcpEventKind.KOMON_TCP_CONNECTED]: "connected",
  [komonTcpEventKind.KOMON_TCP_FAILED]: "failed",
  [komonTcpEventKind.KOMON_TCP_ACCEPTED]: "accepted",
  [komonTcpEventKind.KOMON_TCP_CLOSED]: "closed",
};

const { fields } = komonTcpEvent;

export function eventAt(view: DataView, at: number): TcpEvent {
  const u32 = (field: { offset: number }) => view.getUint32(at + field.offset, true);
  const u64 = (field: { offset: number }) => readU64(view, at + field.offset);
  const kind = kinds[u32(fields.kind)] as TcpEventKind;
  const connection = connectionAt(view, at + fields.conn.offset);
  const { rtt } = connection;
  const ended = kind === "failed" || kind === "closed";
  return {
    kind,
    timeNs: u64(fields.timeNs),
    connection,
    sentBytes: u64(fields.sentBytes),
    receivedBytes: u64(fields.receivedBytes),
    retransmits: u32(fields.retransmits),
    rttP50Ns: rtt && withinBucket(u32(fields.rttP50Bucket), rtt),
    rttP95Ns: rtt && withinBucket(u32(fields.rttP95Bucket), rtt),
    reason: ended ? reasonOf(kind, u32(fields.error), connection) : undefined,
  };
}

/** From the error that the socket was left with, else from who closed it. */
export function reasonOf(
  kind: "failed" | "closed",
  errno: number,
  { closedBy }: Pick<TcpConnection, "closedBy">,
): CloseReason {
  const name = errno === 0 ? undefined : errnoName(errno);
  if (kind === "failed") {
    if (name === undefined) return "cancelled";
    if (name === "ECONNREFUSED") return "refused";
    if (name === "ECONNRESET") return "reset";
  }
  if (name === "ETIMEDOUT") return "timeout";
  // A reset in CLOSE_WAIT leaves EPIPE behind (net/ipv4/tcp_input.c, tcp_reset).
  if (name === "ECONNRESET" || name === "EPIPE") return "reset";
  if (name !== undefined) return name as `E${string}`;
  return closedBy === "here" ? "local" : closedBy === "there" ? "remote" : "abort";
}
