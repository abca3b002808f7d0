/** A flame graph as SVG: width is time, what is below called what is above. After Brendan Gregg's. */
const width = 1200;
const rowHeight = 16;
const leastWidth = 0.3;

interface Node {
  count: number;
  readonly inner: Map<string, Node>;
}

export function flameGraph(stacks: readonly (readonly string[])[], title: string): string {
  const root: Node = { count: 0, inner: new Map() };
  let deepest = 0;
  for (const frames of stacks) {
    let node = root;
    node.count++;
    for (const frame of frames) {
      let inner = node.inner.get(frame);
      if (!inner) {
        inner = { count: 0, inner: new Map() };
        node.inner.set(frame, inner);
      }
      inner.count++;
      node = inner;
    }
    deepest = Math.max(deepest, frames.length);
  }
  const height = (deepest + 3) * rowHeight;
  const rects: string[] = [];
  draw(root, title, 0, 0);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="11">
<rect width="${width}" height="${height}" fill="#fff"/>
${rects.join("\n")}
</svg>
`;

  function draw(node: Node, name: string, x: number, depth: number): void {
    const wide = (node.count / root.count) * width;
    if (wide < leastWidth) return;
    const y = height - (depth + 2) * rowHeight;
    const share = ((100 * node.count) / root.count).toFixed(2);
    const letters = Math.floor(wide / 6.7);
    const label =
      letters < 3 ? "" : name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
    rects.push(
      `<g><title>${Bun.escapeHTML(name)}: ${node.count} samples, ${share} %</title><rect x="${x.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${rowHeight - 1}" fill="${colour(name)}"/><text x="${(x + 2).toFixed(1)}" y="${y + 11}">${Bun.escapeHTML(label)}</text></g>`,
    );
    let at = x;
    for (const [inside, one] of [...node.inner].sort(([a], [b]) => (a < b ? -1 : 1))) {
      draw(one, inside, at, depth + 1);
      at += (one.count / root.count) * width;
    }
  }
}

/** BPF programs stand out; all else is warm, and the same for the same name. */
function colour(name: string): string {
  if (name.startsWith("bpf_prog_")) return "#64b5f6";
  return `hsl(${Number(Bun.hash.crc32(name)) % 45} 80% 68%)`;
}
