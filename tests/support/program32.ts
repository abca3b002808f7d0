/** A VNF of 32 bits, whose system calls have other numbers: what it reads from descriptor 3 it sends there. */
import { chmodSync, writeFileSync } from "node:fs";

const base = 0x0804_8000;
const headBytes = 52 + 32; // of the file, of its one segment
const bufferBytes = 4096;

/** Ends when a receive call fails. */
function code(buffer: number): number[] {
  const imm = (value: number) => [...new Uint8Array(new Uint32Array([value]).buffer)];
  const ready = [
    ...[0xbb, ...imm(3)], // mov ebx, 3: the socket
    ...[0xb9, ...imm(buffer)], // mov ecx, buffer
    ...[0x31, 0xf6, 0x31, 0xff, 0x31, 0xed], // esi, edi, ebp = 0: no flags, no address
  ];
  const loop = [
    ...[0xb8, ...imm(371)], // mov eax, recvfrom
    ...[0xba, ...imm(bufferBytes)], // mov edx, its room
    ...[0xcd, 0x80], // int 0x80
    ...[0x85, 0xc0, 0x78, 11], // to the end when it is negative
    ...[0x89, 0xc2], // mov edx, what it has read
    ...[0xb8, ...imm(369)], // mov eax, sendto
    ...[0xcd, 0x80],
  ];
  const back = [0xeb, 0x100 - (loop.length + 2)]; // jmp loop
  const end = [0xb8, ...imm(1), 0x31, 0xdb, 0xcd, 0x80]; // exit(0)
  return [...ready, ...loop, ...back, ...end];
}

export function writeProgram32(path: string): void {
  const length = headBytes + code(0).length;
  const text = code(base + length);
  const file = Buffer.alloc(length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]); // ELF, 32 bits, little endian
  file.writeUInt16LE(2, 16); // an executable
  file.writeUInt16LE(3, 18); // for the i386
  file.writeUInt32LE(1, 20);
  file.writeUInt32LE(base + headBytes, 24); // its entry
  file.writeUInt32LE(52, 28); // where the segment is told
  file.writeUInt16LE(52, 40);
  file.writeUInt16LE(32, 42);
  file.writeUInt16LE(1, 44);
  const segment = [1, 0, base, base, length, length + bufferBytes, 7, 4096];
  for (const [at, value] of segment.entries()) file.writeUInt32LE(value, 52 + 4 * at);
  file.set(text, headBytes);
  writeFileSync(path, file);
  chmodSync(path, 0o755);
}

/** Why this kernel runs none; undefined where it does. */
export function lacksPrograms32(path: string): string | undefined {
  try {
    const { exitCode } = Bun.spawnSync([path], { stdio: ["ignore", "ignore", "ignore"] });
    return exitCode === 0 ? undefined : "this kernel runs no 32-bit programs";
  } catch {
    return "this kernel runs no 32-bit programs";
  }
}
