/** The modules that tests use and the cloud kernels do not have built in. */
export const guestModules: readonly string[] = [
  "veth",
  "dummy",
  "8021q",
  "sch_ingress",
  "cls_bpf",
  "act_bpf",
  "sch_fq",
  "sch_netem",
  "udp_diag",
  "tcp_diag",
];

/**
 * Orders modules so that each comes after those it needs; names that `read` does not know are
 * left out (built in, or not of this kernel). `read` gives a module's uncompressed bytes.
 */
export async function loadOrder(
  wanted: readonly string[],
  read: (name: string) => Promise<Uint8Array | undefined>,
): Promise<Map<string, Uint8Array>> {
  const order = new Map<string, Uint8Array>();
  const visit = async (name: string): Promise<void> => {
    if (order.has(name)) return;
    const bytes = await read(name);
    if (!bytes) return;
    for (const needed of dependencies(bytes)) await visit(needed);
    order.set(name, bytes);
  };
  for (const name of wanted) await visit(name);
  return order;
}

/** What a module says it needs: `depends=a,b` among the NUL-ended strings of .modinfo. */
export function dependencies(module: Uint8Array): string[] {
  const bytes = Buffer.from(module.buffer, module.byteOffset, module.byteLength);
  const start = bytes.indexOf("\0depends=");
  if (start < 0) return [];
  const from = start + "\0depends=".length;
  const list = bytes.toString("latin1", from, bytes.indexOf(0, from));
  return list.split(",").filter(Boolean);
}
