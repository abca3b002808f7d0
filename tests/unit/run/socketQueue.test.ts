import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { socketAddress } from "../../../src/kernel/address.ts";
import { bindSocket, closeSocket, localPort, udpSocket } from "../../../src/kernel/socket.ts";
import { boundTo, queueIn, socketQueue } from "../../../src/run/socketQueue.ts";

const head = "  sl  local_address rem_address   st tx_queue rx_queue …\n";
const line = (local: string, waiting: string, drops: number) =>
  ` 7: ${local} 00000000:0000 07 00000000:${waiting} 00:00000000 00000000 0 0 17 2 0 ${drops}\n`;

test("sockets of the port on the given addresses count, and those on any", () => {
  const text = [
    head,
    line("050012C6:04D2", "00000100", 1), // 198.18.0.5
    line("00000000:04D2", "00000200", 2),
    line("0100007F:04D2", "00000400", 4), // somebody else's, on 127.0.0.1
    line("050012C6:04D3", "00000800", 8), // another port
    line("00000000000000000000000000000000:04D2", "00001000", 16),
    line("6F6D6BFD000000000000000001000000:04D2", "00002000", 32), // fd6b:6d6f::1
  ].join("");
  const bound = boundTo(["198.18.0.5", "fd6b:6d6f::1", undefined]);
  expect(queueIn(text, 1234, bound)).toEqual({ bytes: 0x3300, drops: 51 });
  expect(queueIn(text, 1234, boundTo([]))).toEqual({ bytes: 0x1200, drops: 18 });
});

test.each([
  ["udp4", "127.0.0.1"],
  ["udp6", "::1"],
] as const)("%s: what waits on %s is seen under that address alone", async (type, host) => {
  const address = socketAddress(host, 0);
  const receiver = udpSocket(address.family);
  const sender = createSocket(type);
  try {
    bindSocket(receiver, address);
    const port = localPort(receiver);
    await new Promise((sent) => sender.send("waits", port, host, sent));
    expect(socketQueue(port, boundTo([host])).bytes).toBeGreaterThan(0);
    expect(socketQueue(port, boundTo([])).bytes).toBe(0);
  } finally {
    sender.close();
    closeSocket(receiver);
  }
});
